"""The states of a booking. Each function is called inside a transaction that holds the Booking's lock.

Knows no money: the payments room decides what money means and calls here. `actor` is who did it ("user:7",
"customer", "stripe", "system"), `event_id` the gateway's event that caused it. Nothing here takes a payment's lock.
"""

from datetime import datetime

from django.db.models import QuerySet

from bookings import slots
from bookings.errors import BookingEnded, NoCapacity, SlotTaken
from bookings.models import Booking, BookingState
from core import clock

MAX_HOLD_EXTENSIONS = 2
_NEVER_CONFIRMED = {
    BookingState.CANCELLED: "This booking was cancelled.",
    BookingState.DRAFT: "This booking was never finished.",
    BookingState.QUOTED: "This quote was not accepted yet.",
}


def hold(booking: Booking, *, until: datetime, actor: str, reason: str = "") -> None:
    """draft, quoted or expired -> held until `until`. Takes a place of the slot: SlotTaken if none is left."""
    slots.take(booking.slot_id)
    booking.hold_expires_at = until
    booking.transition_to(BookingState.HELD, actor=actor, reason=reason, save=["hold_expires_at"])


def confirm(booking: Booking, *, actor: str, event_id: str = "", reason: str = "") -> bool:
    """held -> confirmed; expired -> confirmed if a place is free. False: confirmed or completed already.

    Raises NoCapacity when the hold ended and the time is taken, BookingEnded when no payment can confirm it any more
    (cancelled; reinstating is a decision of staff). Nothing is changed then.
    """
    state = BookingState(booking.state)
    if state in (BookingState.CONFIRMED, BookingState.COMPLETED):
        return False
    if state in _NEVER_CONFIRMED:
        raise BookingEnded(_NEVER_CONFIRMED[state])
    if state == BookingState.EXPIRED:
        _take_again(booking)
    booking.confirmed_at = clock.now()
    return booking.transition_to(
        BookingState.CONFIRMED, actor=actor, reason=reason, event_id=event_id, save=["confirmed_at"]
    )


def _take_again(booking: Booking) -> None:
    try:
        slot = slots.take(booking.slot_id)
    except SlotTaken as error:
        raise NoCapacity(
            "The hold on this time ended before the payment arrived, and somebody else has taken it."
        ) from error
    if not slot.is_open or slot.starts_at <= clock.now():
        raise NoCapacity(
            "The hold on this time ended before the payment arrived, and it is no longer offered."
        )


def complete(booking: Booking, *, actor: str, reason: str) -> bool:
    """confirmed -> completed."""
    return booking.transition_to(BookingState.COMPLETED, actor=actor, reason=reason)


def undo_completion(booking: Booking, *, actor: str, reason: str) -> bool:
    """completed -> confirmed."""
    return booking.transition_to(BookingState.CONFIRMED, actor=actor, reason=reason)


def cancel(booking: Booking, *, actor: str, reason: str) -> bool:
    """Its place is free at once; False when it was cancelled before. What becomes of the money is not said here."""
    booking.cancelled_at = booking.cancelled_at or clock.now()
    return booking.transition_to(BookingState.CANCELLED, actor=actor, reason=reason, save=["cancelled_at"])


def reinstate(booking: Booking, *, actor: str, reason: str) -> None:
    """cancelled -> confirmed, if its time is free and still offered. Raises NoCapacity; then nothing changed."""
    _take_again(booking)
    booking.confirmed_at, booking.cancelled_at = clock.now(), None
    booking.transition_to(
        BookingState.CONFIRMED, actor=actor, reason=reason, save=["confirmed_at", "cancelled_at"]
    )


def extend_hold(booking: Booking, *, until: datetime, actor: str) -> bool:
    """Make the hold last until `until`; whether it does. At most twice, never shorter, only while held."""
    if booking.state != BookingState.HELD or booking.hold_expires_at is None:
        return False
    if booking.hold_expires_at >= until:
        return True
    if booking.hold_extensions >= MAX_HOLD_EXTENSIONS:
        return False
    booking.hold_expires_at = until
    booking.hold_extensions += 1
    booking.save(update_fields=["hold_expires_at", "hold_extensions"])
    booking.changes.create(
        from_state=BookingState.HELD,
        to_state=BookingState.HELD,
        actor=actor,
        reason=f"Hold extended to {booking.local(until):%Y-%m-%d %H:%M}",
    )
    return True


def keep_held(booking: Booking, *, until: datetime, actor: str, reason: str) -> bool:
    """A held booking stays held until then and no other time, however often it was extended; whether that is new.

    For money that a card promised: the hold lasts as long as the promise does.
    """
    if booking.state != BookingState.HELD or booking.hold_expires_at == until:
        return False
    booking.hold_expires_at = until
    booking.save(update_fields=["hold_expires_at"])
    booking.changes.create(
        from_state=BookingState.HELD, to_state=BookingState.HELD, actor=actor, reason=reason
    )
    return True


def expire(booking: Booking, *, actor: str, reason: str = "") -> bool:
    """The hold ends and its place is free again; False if it had expired before. A confirmed one refuses."""
    return booking.transition_to(BookingState.EXPIRED, actor=actor, reason=reason)


def lapsed_holds() -> QuerySet[Booking]:
    """Bookings still held past their hold's end, longest first. Whether money is on them is for payments to ask."""
    return Booking.objects.filter(state=BookingState.HELD, hold_expires_at__lte=clock.now()).order_by(
        "hold_expires_at", "id"
    )
