"""More time to pay: a later day for what is open of a booking, kept with its history. The customer is told."""

from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from bookings import editing
from bookings.models import Booking, BookingEdit, BookingState, Instalment
from core import clock
from core.errors import Forbidden, Invalid
from customers import access
from payments import desk, errors, notices, placing

POSSIBLE = frozenset({BookingState.CONFIRMED, BookingState.COMPLETED})
LONGEST = timedelta(days=366)


def latest(booking: Booking) -> date:
    """The last day that may be given: the event's, and a year from now once it is over."""
    today = clock.today(booking.timezone)
    return booking.event_date if booking.event_date > today else today + LONGEST


@transaction.atomic
def defer(booking: Booking, *, until: date, by: User, reason: str) -> list[Instalment]:
    """What is open and due before then is due on that day; the parts that moved. The same day again changes nothing.

    The day outlives later changes of guests or menu, and reminders begin anew. Raises Forbidden, Invalid (by field),
    NotPossible; then nothing changed.
    """
    if not access.may(by, permission=access.RESOLVE, merchant_id=booking.merchant_id):
        raise Forbidden("Your role does not allow to give more time.")
    if not reason.strip():
        raise Invalid("Say why: the reason is kept.", fields={"reason": "Say why."})
    merchant, booking = booking.merchant, placing.lock([booking.pk])[booking.pk]
    booking.merchant = merchant
    check_day(booking, until)
    parts = moved(booking, until=until)
    if not parts:
        return []
    before = editing.snapshot(booking)
    for part in parts:
        part.due_on = part.deferred_to = until
        part.save(update_fields=["due_on", "deferred_to"])
    actor = f"user:{by.pk}"
    BookingEdit.objects.create(
        booking=booking,
        actor=actor,
        reason=reason.strip()[:300],
        before=before,
        after=editing.snapshot(booking),
    )
    desk.settle_overdue(booking, actor=actor, words=f"More time, until {until:%Y-%m-%d}. {reason.strip()}")
    notices.more_time(booking, parts[0], open_minor=sum(part.open_minor for part in parts))
    return parts


def check_day(booking: Booking, until: date) -> None:
    """Raises Invalid for a day that cannot be given."""
    today, last = clock.today(booking.timezone), latest(booking)
    if not today < until <= last:
        words = f"Choose a day after today, until {last.day} {last:%b %Y}."
        raise Invalid(words, fields={"until": words})


def moved(booking: Booking, *, until: date) -> list[Instalment]:
    """The open parts that would be due later than now. Raises NotPossible when nothing is open. Reads only."""
    if booking.state not in POSSIBLE:
        raise errors.NotPossible(f"This booking is {booking.get_state_display().lower()}.")
    parts = [part for part in booking.instalments.order_by("position") if part.open_minor]
    if not parts:
        raise errors.NothingToPay("Nothing is open any more.")
    return [part for part in parts if part.due_on is None or part.due_on < until]
