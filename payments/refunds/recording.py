"""What Stripe says of a refund, ours or made in its dashboard: state, sums and ledger in one transaction."""

from uuid import UUID

from django.db import transaction

from bookings.models import Booking
from core import clock
from core.money import format_minor
from payments import changes, desk, errors, facts, notices
from payments.models import (
    DeskKind,
    GatewayAccount,
    Payment,
    PaymentState,
    Refund,
    RefundCause,
    RefundState,
)
from payments.refunds import amounts, holding, posting


def record(account: GatewayAccount, news: facts.RefundNews, *, event_id: str = "") -> str:
    """What Stripe says of a refund, ours or made in its dashboard. Raises NotYet when its payment is not settled."""
    known = _find(account, news)
    payment = known.payment if known else _payment(account, news)
    with transaction.atomic():
        booking, payment = holding.lock(payment)
        fallen = None
        if known:
            refund = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=known.pk)
        else:
            refund, fallen = _adopt(payment, booking, news)
        moved = _record(refund, payment, booking, news, event_id=event_id)
        posted = posting.post(account, refund, payment, news)
        holding.leave_note(refund, booking, fallen)
    return f"refund {refund.state}" if moved else "posted" if posted else "nothing new"


def _find(account: GatewayAccount, news: facts.RefundNews) -> Refund | None:
    mine = Refund.objects.filter(payment__merchant_id=account.merchant_id).select_related("payment")
    if found := mine.filter(stripe_refund_id=news.id).first():
        return found
    try:
        uuid = UUID(news.refund_public_id)
    except ValueError:
        return None
    # Metadata alone proves nothing: the charge must be this refund's.
    return mine.filter(public_id=uuid, stripe_refund_id="", payment__stripe_charge_id=news.charge_id).first()


def _payment(account: GatewayAccount, news: facts.RefundNews) -> Payment:
    payment = Payment.objects.filter(
        merchant_id=account.merchant_id, stripe_charge_id=news.charge_id, state=PaymentState.SUCCEEDED
    ).first()
    if payment is None:
        raise errors.NotYet(f"Refund {news.id}: its charge is not settled yet.")
    return payment


def _adopt(
    payment: Payment, booking: Booking | None, news: facts.RefundNews
) -> tuple[Refund, changes.Fall | None]:
    """A refund that somebody made in Stripe's dashboard: split from its total; what was surplus goes first."""
    again = payment.refunds.filter(stripe_refund_id=news.id).first()
    if again is not None:
        return again, None
    _make_room(payment, wanted_minor=news.amount_minor)
    if news.amount_minor > payment.refundable_minor:
        # A refund of ours holds the money that Stripe has sent already: what became of ours is found out first.
        raise errors.NotYet(f"Refund {news.id}: a refund of ours is under way.")
    spent = max(0, news.amount_minor - sum(amounts.loose(payment)) - amounts.on_booking(payment))
    loose = min(news.amount_minor, sum(amounts.loose(payment)) + spent)
    principal, fee = amounts.split(payment, news.amount_minor - loose)
    refund = Refund.objects.create(
        payment=payment,
        state=RefundState.SUBMITTED,
        cause=RefundCause.PRICE_REDUCTION if loose < news.amount_minor else RefundCause.SURPLUS,
        reason="Made in Stripe's dashboard",
        currency=payment.currency,
        amount_minor=loose + principal,
        fee_minor=fee,
        total_minor=news.amount_minor,
        from_credit_minor=loose,
        tax_minor=amounts.tax_within(payment, amount_minor=principal) if booking and principal else 0,
        stripe_refund_id=news.id,
    )
    holding.reserve(refund, payment)
    fallen = holding.apply(refund, booking, payment)
    if spent:
        _tell_of_spent_credit(refund, payment, booking, spent_minor=spent)
    return refund, fallen


def _make_room(payment: Payment, *, wanted_minor: int) -> None:
    """Real money wins: requests that wait for a second person give way, the newest first; the askers are told."""
    waiting = payment.refunds.filter(state=RefundState.REQUESTED).order_by("-pk")
    for request in waiting.select_for_update(of=("self",), no_key=True):
        if wanted_minor <= payment.refundable_minor:
            return
        request.payment = payment
        request.decision_reason = "Refunded in Stripe's dashboard meanwhile"
        request.transition_to(
            RefundState.CANCELED,
            actor="stripe",
            reason=request.decision_reason,
            save=["decision_reason", "updated_at"],
        )
        holding.release(request, payment)
        notices.refund_declined(request)


def _tell_of_spent_credit(
    refund: Refund, payment: Payment, booking: Booking | None, *, spent_minor: int
) -> None:
    """The money went back although it had been spent as credit: it stands as a debit on `unallocated`."""
    desk.raise_item(
        merchant=payment.merchant,
        kind=DeskKind.AMOUNT_MISMATCH,
        key=f"spent-credit:{refund.public_id}",
        summary=f"{format_minor(spent_minor, refund.currency)} went back that had been spent as credit",
        payment=payment,
        booking=booking,
        evidence={"refund": refund.stripe_refund_id, "spent_minor": spent_minor, "currency": refund.currency},
    )


def _record(
    refund: Refund, payment: Payment, booking: Booking | None, news: facts.RefundNews, *, event_id: str
) -> bool:
    before = refund.state
    refund.stripe_refund_id = news.id
    refund.stripe_balance_transaction_id = news.balance_transaction_id or refund.stripe_balance_transaction_id
    refund.failure_reason = news.failure_reason or refund.failure_reason
    refund.pending_reason = news.pending_reason if news.state == RefundState.PENDING else ""
    refund.succeeded_at = clock.now() if news.state == RefundState.SUCCEEDED else refund.succeeded_at
    named = ["stripe_refund_id", "stripe_balance_transaction_id", "failure_reason", "pending_reason"]
    refund.save(update_fields=[*named, "updated_at"])
    moved = refund.transition_to(news.state, actor="stripe", event_id=event_id, save=["succeeded_at"])
    if moved:
        holding.move(refund, payment, booking, before=before)
    return moved
