"""What stands beside a booking's headline: a payment that is asked about or looked for, money that was too much.

Says only what the rows say. Reads only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bookings.models import Booking, BookingState
from core.money import format_minor
from payments.models import ClaimState, Payment, PaymentState
from payments.page_state import Action, claimed, transfer_href

ASKED = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)  # a payment is still asked for


@dataclass(frozen=True, slots=True)
class Notice:
    tone: str
    title: str
    text: str = ""
    action: Action | None = None


def notices(booking: Booking, *, payments: Sequence[Payment]) -> tuple[Notice, ...]:
    """What stands beside the headline: a payment that is being asked for, money that was too much."""
    found = []
    if any(payment.state == PaymentState.UNKNOWN for payment in payments):
        found.append(
            Notice(
                "info",
                "We are asking Stripe about a payment",
                "Its answer got lost on the way. Trying again is safe: you will not be charged twice.",
            )
        )
    waiting = claimed(payments)
    if waiting is not None and booking.state not in (BookingState.HELD, BookingState.EXPIRED):
        method = waiting.get_method_display()
        found.append(
            Notice(
                "info",
                f"We are checking your {method} payment",
                "We usually find it within one working day, and write to you either way. Please do not pay again.",
            )
        )
    rejected = _rejected(booking, payments)
    if rejected is not None:
        found.append(rejected)
    if booking.state == BookingState.CONFIRMED and any(
        one.reinstated_at for one in booking.cancellations.all()
    ):
        found.append(
            Notice("info", "This booking was cancelled and stands again", "We come as it says here.")
        )
    return (*found, *_kept(booking, payments=payments))


def _rejected(booking: Booking, payments: Sequence[Payment]) -> Notice | None:
    """The last transfer that was said to be sent, when nobody found it and what it was for is still open."""
    said = [payment for payment in payments if payment.state in (PaymentState.CLAIMED, PaymentState.REJECTED)]
    if not said or said[-1].state == PaymentState.CLAIMED or booking.state not in ASKED:
        return None
    payment = said[-1]
    open_parts = [part.pk for part in booking.instalments.all() if part.open_minor]
    claim = payment.claims.filter(state=ClaimState.REJECTED).order_by("-id").first()
    if claim is None or payment.instalment_id not in open_parts:
        return None
    again = Action(transfer_href(booking, payment), "Look at it, and tell us again")
    return Notice(
        "warn",
        f"We could not find your {payment.get_method_display()} payment yet",
        claim.reason,
        again if booking.merchant.takes(payment.method) else None,
    )


def _kept(booking: Booking, *, payments: Sequence[Payment]) -> list[Notice]:
    """Money that was more than was due, as far as it is still there."""
    found = []
    credit = sum(lot.remaining_minor for payment in payments for lot in payment.credits.all())
    if credit:
        amount = format_minor(credit, booking.currency)
        words = "Sign in to your bookings to use it for the next payment, here or for another event."
        found.append(Notice("info", f"{amount} is kept for you as credit", words))
    unplaced = sum(payment.unallocated_minor for payment in payments)
    if unplaced and booking.state != BookingState.EXPIRED:
        amount = format_minor(unplaced, booking.currency)
        words = "We are looking at where it belongs, and will write to you about it; or write to us first."
        found.append(Notice("info", f"We hold {amount} of yours", words))
    return found
