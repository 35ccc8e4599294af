"""What staff decide about a promise, kept as a row before Stripe is asked, and how much may be captured."""

from django.db import transaction

from bookings import minimums
from bookings.models import BookingState
from bookings.pricing import method_fee
from core import clock
from core.money import format_minor
from payments import dues, errors
from payments.authorizations import following
from payments.models import (
    OPEN_STATES,
    Authorization,
    Capture,
    Decision,
    Payment,
    PaymentState,
)

COUNTS = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)


def largest_capture(payment: Payment) -> int:
    """How much principal may be captured: promised, and still due."""
    return min(payment.amount_minor, dues.asked_now(payment))


def fee_of(payment: Payment, *, amount_minor: int) -> int:
    """The method fee that so much principal carries; within what the card promised."""
    return min(payment.fee_minor, method_fee(amount_minor, rate=payment.fee_rate))


@transaction.atomic
def capture(payment: Payment, *, amount_minor: int | None, actor: str, reason: str) -> Authorization | None:
    """The decision, kept; None when it was captured before."""
    booking = following.lock_booking(payment)
    payment = following.lock(payment)
    if payment.state == PaymentState.SUCCEEDED:
        _refuse_another_amount(payment, amount_minor=amount_minor)
        return None
    if payment.state != PaymentState.AUTHORIZED:
        raise errors.NotCapturable(standing(payment))
    if booking is None or booking.state not in COUNTS:
        raise errors.NotCapturable("The booking has ended: release the authorization instead.")
    payment.booking = booking
    amount = payment.amount_minor if amount_minor is None else amount_minor
    fee = _check_amount(payment, amount_minor=amount)
    words = f"Capture of {format_minor(amount + fee, payment.currency)} decided"
    return _decide(
        payment, decision=Decision.CAPTURE, amount=(amount, fee), actor=actor, reason=reason, words=words
    )


def _refuse_another_amount(payment: Payment, *, amount_minor: int | None) -> None:
    principal = payment.received_minor - payment.received_fee_minor
    if amount_minor is not None and amount_minor != principal:
        taken = format_minor(payment.received_minor, payment.currency)
        raise errors.NotCapturable(f"It was captured already, with {taken}; the rest is released.")


def standing(payment: Payment) -> str:
    if payment.state in following.OVER:
        return "The authorization is over; the card has to be asked again."
    return "No card has been authorized for this payment."


def _check_amount(payment: Payment, *, amount_minor: int) -> int:
    """The fee of a capture of so much; refuses what was not promised, is not due, or no card takes."""
    most = largest_capture(payment)
    if not most:
        raise errors.AlreadyPaid("It was paid in another way meanwhile: release the authorization instead.")
    if not 0 < amount_minor <= most:
        raise errors.CaptureTooLarge(
            f"Capture at most {format_minor(most, payment.currency)}, without the method fee."
        )
    fee = fee_of(payment, amount_minor=amount_minor)
    smallest = minimums.card_minor(payment.currency)
    if amount_minor + fee < smallest:
        raise errors.TooSmallForCard(
            f"Cards take {format_minor(smallest, payment.currency)} or more: capture more, or release it."
        )
    return fee


@transaction.atomic
def void(payment: Payment, *, actor: str, reason: str) -> Authorization | None:
    following.lock_booking(payment)
    payment = following.lock(payment)
    if payment.capture == Capture.MANUAL and payment.state in following.OVER:
        return None
    if payment.state in (PaymentState.SUCCEEDED, PaymentState.REVERSED):
        raise errors.NotVoidable("The money was taken: give it back by a refund.")
    if payment.capture != Capture.MANUAL or payment.state not in OPEN_STATES:
        raise errors.NotVoidable()
    return _decide(
        payment,
        decision=Decision.VOID,
        amount=(None, None),
        actor=actor,
        reason=reason,
        words="Release decided",
    )


def _decide(
    payment: Payment,
    *,
    decision: Decision,
    amount: tuple[int | None, int | None],
    actor: str,
    reason: str,
    words: str,
) -> Authorization:
    """Keep the decision. The same one again is the same request to Stripe; another one gets another key."""
    row, _ = Authorization.objects.get_or_create(payment=payment)
    row.payment = payment
    if (row.decision, row.amount_minor, row.fee_minor) == (decision, *amount):
        return row
    row.decision, (row.amount_minor, row.fee_minor) = decision, amount
    row.attempt += 1
    row.decided_by, row.decided_at = actor, clock.now()
    row.save()
    payment.changes.create(
        from_state=payment.state,
        to_state=payment.state,
        actor=actor,
        reason=f"{words}: {reason}" if reason else words,
    )
    Payment.objects.filter(pk=payment.pk).update(updated_at=clock.now())
    return row
