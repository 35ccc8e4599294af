"""An approved refund on its way: to Stripe, into the customer's credit, or onto the list of what staff send by hand.

`start` runs under the locks of Booking and Payment; `send` calls Stripe, outside any transaction. A refund that goes
through Stripe waits as `approved` until `send`, or the sweep after it, takes it up: nothing is lost in between.
"""

from datetime import date

from django.contrib.auth.models import User
from django.db import transaction

from bookings.models import Booking
from core import clock
from core.errors import Forbidden, Invalid
from customers import access
from customers.models import PaymentMethod
from payments import changes, credit, disputes, errors
from payments.models import CreditSource, Payment, Refund, RefundRoute, RefundState
from payments.refunds import holding, posting, sending

SEND_TASK = "payments.send_refunds"


def start(
    refund: Refund, booking: Booking | None, payment: Payment, *, actor: str, reason: str
) -> changes.Fall | None:
    """requested -> approved; what the booking was paid and costs changes now. Credit is done at once.

    What the price fell by is the caller's to note (`holding.leave_note`), when all is done.
    """
    _not_as_credit_as_well(refund, payment)
    refund.transition_to(RefundState.APPROVED, actor=actor, reason=reason)
    fallen = holding.apply(refund, booking, payment)
    if refund.route == RefundRoute.CREDIT:
        _to_credit(refund, booking, payment, actor=actor)
    return fallen


def _not_as_credit_as_well(refund: Refund, payment: Payment) -> None:
    """A dispute may have taken the money while the refund waited for a second person: then it goes to Stripe."""
    is_kept = refund.route == RefundRoute.CREDIT and payment.method != PaymentMethod.CREDIT
    if is_kept and disputes.stands_against(payment):
        refund.route = RefundRoute.GATEWAY
        refund.save(update_fields=["route", "updated_at"])


def send(refund: Refund) -> Refund:
    """Bring an approved refund that goes through Stripe to Stripe. Any other is left as it is."""
    if refund.route != RefundRoute.GATEWAY or refund.state != RefundState.APPROVED:
        return refund
    with transaction.atomic():
        locked = (
            Refund.objects.select_for_update(of=("self",), no_key=True)
            .select_related("payment")
            .get(pk=refund.pk)
        )
        if locked.state != RefundState.APPROVED:
            return locked
        locked.transition_to(RefundState.SUBMITTED, actor="system", save=["updated_at"])
    return sending.submit(locked)


def send_due(*, limit: int = 100) -> int:
    """Send what was approved and not sent yet: a bulk cancellation's, or what a process that died left; how many."""
    rows = Refund.objects.filter(state=RefundState.APPROVED, route=RefundRoute.GATEWAY)
    sent = 0
    for refund in rows.select_related("payment").order_by("pk")[:limit]:
        send(refund)
        sent += 1
    return sent


def _to_credit(refund: Refund, booking: Booking | None, payment: Payment, *, actor: str) -> None:
    """The money stays here and becomes credit: what was credit returns to its lots, other money makes a new one."""
    refund.succeeded_at = clock.now()
    refund.transition_to(RefundState.SUBMITTED, actor=actor)
    before = refund.state
    refund.transition_to(RefundState.SUCCEEDED, actor=actor, save=["succeeded_at", "updated_at"])
    if payment.method == "credit":
        credit.unspend(
            payment, amount_minor=refund.total_minor, actor=actor, source_key=f"owed:{refund.public_id}"
        )
        holding.move(refund, payment, booking, before=before)
    else:
        payment.refunding_minor -= refund.total_minor
        payment.placed_minor -= refund.amount_minor
        payment.received_fee_minor -= refund.fee_minor
        payment.credit_minor += refund.total_minor
        payment.save(
            update_fields=[
                "refunding_minor",
                "placed_minor",
                "received_fee_minor",
                "credit_minor",
                "updated_at",
            ]
        )
        credit.keep(payment, amount_minor=refund.total_minor, source=CreditSource.REFUND)
        holding.tell(refund, payment, booking)
    posting.post_to_credit(refund, payment)


@transaction.atomic
def record_sent(refund: Refund, *, by: User, reference: str, sent_on: date) -> Refund:
    """Staff sent it by Zelle, Venmo, cash or check: done, posted, and the customer is told. Twice is once.

    Raises Forbidden, Invalid without a reference, AlreadyDecided when it is not waiting to be sent.
    """
    merchant_id = refund.payment.merchant_id
    if not access.may(by, permission=access.REFUND, merchant_id=merchant_id):
        raise Forbidden("Your role does not allow to record refunds.")
    reference = " ".join(reference.split())[:120]
    if not reference:
        raise Invalid(
            "Type the transfer's reference.", fields={"reference": "Type the transfer's reference."}
        )
    if sent_on > clock.today(refund.payment.merchant.timezone):
        raise Invalid("That day has not come yet.", fields={"sent_on": "That day has not come yet."})
    booking, payment = holding.lock(refund.payment)
    refund = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=refund.pk)
    refund.payment = payment
    if refund.state == RefundState.SUCCEEDED and refund.reference == reference:
        return refund
    if refund.route != RefundRoute.MANUAL or refund.state != RefundState.APPROVED:
        raise errors.AlreadyDecided(f"This refund is {refund.get_state_display().lower()}.")
    refund.reference, refund.succeeded_at = reference, clock.now()
    actor = f"user:{by.pk}"
    refund.transition_to(RefundState.SUBMITTED, actor=actor, save=["updated_at"])
    before = refund.state
    refund.transition_to(
        RefundState.SUCCEEDED, actor=actor, reason=reference, save=["reference", "succeeded_at", "updated_at"]
    )
    holding.move(refund, payment, booking, before=before)
    posting.post_by_hand(refund, payment, clearing=f"clearing:{payment.method}", on=sent_on)
    return refund


@transaction.atomic
def withdraw(refund: Refund, *, by: User, reason: str) -> Refund:
    """An approved refund that was to be sent by hand is not sent after all: its money counts as paid again."""
    if not access.may(by, permission=access.REFUND, merchant_id=refund.payment.merchant_id):
        raise Forbidden("Your role does not allow to withdraw refunds.")
    if not reason.strip():
        raise Invalid("Say why.", fields={"reason": "Say why."})
    booking, payment = holding.lock(refund.payment)
    refund = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=refund.pk)
    if refund.route != RefundRoute.MANUAL or refund.state != RefundState.APPROVED:
        raise errors.AlreadyDecided(f"This refund is {refund.get_state_display().lower()}.")
    before = refund.state
    refund.failure_reason = reason.strip()[:200]
    refund.transition_to(
        RefundState.CANCELED,
        actor=f"user:{by.pk}",
        reason=reason.strip(),
        save=["failure_reason", "updated_at"],
    )
    holding.move(refund, payment, booking, before=before)
    return refund
