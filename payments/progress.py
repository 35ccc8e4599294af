"""What Stripe says of a payment short of money: where it stands, declines, sessions. Late news changes nothing.

Money itself is booked by settlement. Never calls Stripe; each function is one transaction that locks the Payment alone.
"""

from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from payments import facts
from payments.models import CheckoutMode, GatewayAccount, Payment, PaymentAttempt, PaymentState

ACTOR = "stripe"
WAITING_RANK = {PaymentState.PENDING: 0, PaymentState.REQUIRES_ACTION: 1, PaymentState.PROCESSING: 2}


def find(
    account: GatewayAccount,
    *,
    intent_id: str,
    payment_public_id: str,
    charge_id: str = "",
    customer_id: str = "",
) -> Payment | None:
    """This merchant's payment that the charge or intent belongs to.

    Metadata alone proves nothing: a row that has another intent is not it, and one that has none yet is it only for
    money of its own customer at Stripe.
    """
    wanted: dict[str, object] = {
        "stripe_charge_id": charge_id,
        "stripe_payment_intent_id": intent_id,
        "public_id": _uuid(payment_public_id),
    }
    named = [Q(**{name: value}) for name, value in wanted.items() if value]
    if not named:
        return None
    found = list(Payment.objects.filter(reduce(or_, named), merchant_id=account.merchant_id))
    for name in ("stripe_charge_id", "stripe_payment_intent_id"):
        for payment in found:
            if wanted[name] and getattr(payment, name) == wanted[name]:
                return payment
    return next((one for one in found if _is_of(one, account, customer_id)), None)


def _is_of(payment: Payment, account: GatewayAccount, customer_id: str) -> bool:
    """Whether a row that waits for its intent's id was made for this customer at Stripe."""
    if payment.stripe_payment_intent_id or payment.customer_id is None or not customer_id:
        return False
    return account.customers.filter(customer_id=payment.customer_id, stripe_customer_id=customer_id).exists()


def by_metadata(account: GatewayAccount, payment_public_id: str) -> Payment | None:
    """This merchant's payment that Stripe's metadata names: a hint, never a proof."""
    uuid = _uuid(payment_public_id)
    mine = Payment.objects.filter(merchant_id=account.merchant_id).select_related("booking")
    return mine.filter(public_id=uuid).first() if uuid else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def note_intent(
    account: GatewayAccount, intent: facts.Intent, *, said_at: datetime, event_id: str = ""
) -> str:
    """What an intent says short of money: where it stands, a decline. Late news changes nothing.

    `said_at` is when Stripe said it. Waiting states may follow each other in any order, so among them the newest word
    counts, and within one second the furthest state: the outcome does not depend on the order of arrival.
    """
    payment = find(
        account,
        intent_id=intent.id,
        payment_public_id=intent.payment_public_id,
        customer_id=intent.customer_id,
    )
    if payment is None:
        return "not ours: its charge will tell"
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
        told = _remember_intent(payment, intent)
        if intent.decline and (source := intent.decline.source or event_id):
            note_decline(payment, intent.decline, source=source)
        to = _ended(payment, intent)
        if to == PaymentState.SUCCEEDED:
            _save(payment, told)
            return "noted: its money is settled apart"
        if _is_old_news(payment, to, said_at=said_at):
            _save(payment, told)
            return "nothing new"
        payment.news_at = said_at
        told.append("news_at")
        moved = payment.transition_to(to, actor=ACTOR, event_id=event_id, save={*told, "updated_at"})
        if not moved:
            _save(payment, told)
    return f"noted: {to}" if moved else "nothing new"


def _ended(payment: Payment, intent: facts.Intent) -> PaymentState:
    """A Checkout Session that expires takes its intent along, and an authorization that nobody captured lapses:
    whichever is told first, the payment expired.
    """
    has_expired = payment.mode == CheckoutMode.HOSTED or intent.is_lapsed
    is_over = intent.state == PaymentState.CANCELED
    return PaymentState.EXPIRED if is_over and has_expired else intent.state


def _is_old_news(payment: Payment, to: PaymentState, *, said_at: datetime) -> bool:
    now = PaymentState(payment.state)
    if payment.news_at is None or now not in WAITING_RANK or to not in WAITING_RANK:
        return False
    # Stripe dates its events by whole seconds: what we asked for ourselves must not look newer than its second.
    before = payment.news_at.replace(microsecond=0)
    return (said_at.replace(microsecond=0), WAITING_RANK[to]) < (before, WAITING_RANK[now])


def _remember_intent(payment: Payment, intent: facts.Intent) -> list[str]:
    """The fields that the intent fills in; the caller saves them."""
    if payment.stripe_payment_intent_id:
        return []
    payment.stripe_payment_intent_id = intent.id
    return ["stripe_payment_intent_id", "updated_at"]


def _save(payment: Payment, fields: list[str]) -> None:
    if fields:
        payment.save(update_fields=fields)


def note_decline(payment: Payment, decline: facts.Decline, *, source: str) -> None:
    """Record one declined try; the payment stays open for another."""
    PaymentAttempt.objects.bulk_create(
        [
            PaymentAttempt(
                payment=payment,
                source=source,
                code=decline.code,
                decline_code=decline.decline_code,
                message=decline.message[:500],
            )
        ],
        ignore_conflicts=True,
    )


def note_session(account: GatewayAccount, session: facts.Session, *, event_id: str = "") -> str:
    """What a Checkout Session says: its intent, that it expired, that it is complete but not paid yet."""
    payment = _of_session(account, session)
    if payment is None:
        return "not ours: its charge will tell"
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
        payment.stripe_checkout_session_id = session.id
        payment.stripe_payment_intent_id = payment.stripe_payment_intent_id or session.intent_id
        told = ["stripe_checkout_session_id", "stripe_payment_intent_id", "updated_at"]
        to = _session_state(session)
        moved = bool(to) and payment.transition_to(str(to), actor=ACTOR, event_id=event_id, save=told)
        if not moved:
            payment.save(update_fields=told)
    return f"noted: {to}" if moved else "noted"


def _of_session(account: GatewayAccount, session: facts.Session) -> Payment | None:
    named = Q(stripe_checkout_session_id=session.id)
    if uuid := _uuid(session.payment_public_id):
        named |= Q(public_id=uuid, stripe_checkout_session_id="")
    found = list(Payment.objects.filter(named, merchant_id=account.merchant_id))
    for payment in found:
        if payment.stripe_checkout_session_id == session.id:
            return payment
    return next((one for one in found if _is_of(one, account, session.customer_id)), None)


def _session_state(session: facts.Session) -> PaymentState | None:
    """A complete session whose money is still on its way confirms nothing; a paid one is settled by its charge."""
    if session.is_open:
        return PaymentState.PENDING
    if session.is_complete:
        return None if session.is_paid else PaymentState.PROCESSING
    return PaymentState.EXPIRED


def note_session_failed(account: GatewayAccount, session: facts.Session, *, event_id: str) -> str:
    """The money of a complete session failed to come: the payment ended, another may be started."""
    payment = _of_session(account, session)
    if payment is None:
        return "not ours"
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
        decline = facts.Decline("async_payment_failed", "", "The bank did not make the payment.", "")
        note_decline(payment, decline, source=event_id or session.id)
        moved = payment.transition_to(PaymentState.FAILED, actor=ACTOR, event_id=event_id)
    return "noted: failed" if moved else "nothing new"


def note_failed_charge(
    account: GatewayAccount,
    *,
    intent_id: str,
    payment_public_id: str,
    customer_id: str,
    decline: facts.Decline,
) -> str:
    """A declined try, as the charge tells it; the intent's own event says where the payment stands."""
    payment = find(account, intent_id=intent_id, payment_public_id=payment_public_id, customer_id=customer_id)
    if payment is None:
        return "not ours"
    note_decline(payment, decline, source=decline.source)
    return "noted: declined"
