"""Cash that is a few cents short: the merchant's tolerance, and what happens once money was placed on an instalment."""

from bookings.models import Booking, BookingState, Instalment
from customers.models import PaymentMethod
from payments import desk, forgiving
from payments.models import Payment, WriteOffKind


def is_near(payment: Payment, *, short_minor: int) -> bool:
    """Whether it is cash that is short by so few cents that the merchant does not ask for them."""
    return payment.method == PaymentMethod.CASH and 0 < short_minor <= payment.merchant.cash_tolerance_minor


def settle(
    payment: Payment, booking: Booking | None, instalment: Instalment, *, forgiven_minor: int, actor: str
) -> None:
    """After money was placed: forgive what it is short of, and take off the desk what is not overdue any more.

    Under the Booking's lock.
    """
    if booking is None:
        return
    if forgiven_minor:
        forgiving.forgive(
            booking,
            instalment,
            amount_minor=forgiven_minor,
            kind=WriteOffKind.ROUNDING,
            payment=payment,
            actor=actor,
        )
    may_be_overdue = instalment.due_on is not None or booking.state == BookingState.COMPLETED
    if may_be_overdue and not instalment.open_minor:
        desk.settle_overdue(booking, actor=actor)
