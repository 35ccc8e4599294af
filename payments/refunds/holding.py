"""Keeping a payment's sums and its instalment in step with its refunds. Every function runs under the locks."""

from bookings.models import Booking, Instalment
from core.errors import ConcurrentChange
from core.money import format_minor
from payments import changes, credit, credit_notes, desk, notices
from payments.models import DeskKind, Payment, Refund, RefundRoute, RefundState
from payments.models.refund import NO_MONEY_MOVES
from payments.refunds import amounts


def lock(payment: Payment) -> tuple[Booking | None, Payment]:
    booking = (
        Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.booking_id)
        if payment.booking_id
        else None
    )
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    if locked.booking_id != payment.booking_id:
        # Staff placed it on a booking while we waited for it: that booking's lock comes first.
        raise ConcurrentChange("This payment was placed on a booking at this moment. Please try again.")
    if booking is not None:
        locked.booking = booking
    return booking, locked


def reserve(refund: Refund, payment: Payment) -> None:
    """Take the refund out of what may be refunded. What the booking was paid and costs stays until it is approved."""
    payment.refunding_minor += refund.total_minor
    payment.save(update_fields=["refunding_minor", "updated_at"])
    if refund.from_credit_minor:
        unallocated, lots = amounts.loose(payment, but=refund)
        of_credit = min(lots, max(0, refund.from_credit_minor - unallocated))
        credit.take(refund, payment, amount_minor=of_credit, actor=f"refund:{refund.public_id}")


def release(refund: Refund, payment: Payment) -> None:
    """A refund that nobody approved: its money may be refunded again, and nothing else ever changed."""
    payment.refunding_minor -= refund.total_minor
    payment.save(update_fields=["refunding_minor", "updated_at"])
    credit.give_back(refund, actor="system")


def apply(refund: Refund, booking: Booking | None, payment: Payment) -> changes.Fall | None:
    """The refund will go: take it out of what the booking has been paid, and, where it lowers the price, of that.

    What fell is for `leave_note`, at the end of the transaction.
    """
    instalment = _instalment(refund, payment)
    if booking is None or instalment is None:
        return None
    fallen = None
    fall = amounts.price_fall(instalment, amount_minor=refund.from_booking_minor)
    instalment.paid_minor -= refund.from_booking_minor
    instalment.save(update_fields=["paid_minor"])
    if refund.cause in amounts.LOWERS_PRICE and fall:
        fallen = changes.reduce_price(
            booking=booking,
            instalment=instalment,
            amount_minor=fall,
            description=f"Price reduction: {refund.reason}",
            source_key=f"fall:{refund.public_id}",
        )
    if refund.cancellation_id is None:
        changes.fit_kept(booking, source_key=f"not-kept:{refund.public_id}")
    return fallen


def leave_note(refund: Refund, booking: Booking | None, fallen: changes.Fall | None) -> None:
    """The credit note of a price that fell. Last in its transaction: its number's lock comes after all others."""
    if fallen is not None and booking is not None:
        credit_notes.leave(refund, booking, fallen)


def _instalment(refund: Refund, payment: Payment) -> Instalment | None:
    """The instalment whose money this refund takes; none when it comes out of the customer's credit."""
    return amounts.placed_on(payment) if refund.from_booking_minor else None


def move(refund: Refund, payment: Payment, booking: Booking | None, *, before: str) -> None:
    """Keep the payment's sums and the instalment in step with a refund that just left `before`."""
    if refund.state == RefundState.SUCCEEDED:
        payment.refunding_minor -= refund.total_minor
        payment.refunded_minor += refund.total_minor
        tell(refund, payment, booking)
    elif refund.state in NO_MONEY_MOVES:
        if before == RefundState.SUCCEEDED:
            payment.refunded_minor -= refund.total_minor
        else:
            payment.refunding_minor -= refund.total_minor
        credit.give_back(refund, actor="system")
        _reopen(refund, payment, booking)
    else:
        return
    payment.save(update_fields=["refunding_minor", "refunded_minor", "updated_at"])


def tell(refund: Refund, payment: Payment, booking: Booking | None) -> None:
    """Tell the customer that it was done: not before, and once."""
    if booking is not None:
        notices.refunded(refund, payment=payment, booking=booking)


def _reopen(refund: Refund, payment: Payment, booking: Booking | None) -> None:
    """The money is here still: it counts as paid again, and a person has to decide what becomes of it."""
    instalment = _instalment(refund, payment)
    if instalment is not None:
        instalment.paid_minor += refund.from_booking_minor
        instalment.save(update_fields=["paid_minor"])
        if booking is not None:
            changes.fit_kept(booking, source_key=f"kept-again:{refund.public_id}")
    by_hand = refund.route == RefundRoute.MANUAL
    what = "was not sent after all" if by_hand else "failed"
    desk.raise_item(
        merchant=payment.merchant,
        kind=DeskKind.REFUND_FAILED,
        key=f"refund:{refund.public_id}",
        summary=f"A refund of {format_minor(refund.total_minor, refund.currency)} {what}: {refund.failure_words}",
        payment=payment,
        booking=booking,
        evidence={"refund": str(refund.public_id), "reason": refund.failure_reason},
    )
    if booking is not None and refund.state == RefundState.FAILED:
        notices.refund_failed(refund, payment=payment, booking=booking)
