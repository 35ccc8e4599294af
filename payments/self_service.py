"""What a customer may do with a booking on their own, and until when. Staff go to the use cases themselves.

One rule for guests, menu, add-ons and date: until so many calendar days before the event as were agreed to for moving
it. Cancelling is possible until the event begins; its policy says what comes back. Called by pages and API.
"""

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from bookings import agreement
from bookings.editing import Edit
from bookings.models import Booking, BookingState
from core import clock
from payments import alterations, cancellation, changes, credit, errors
from payments.cancellation.previewing import CANCELLABLE
from payments.changes import Changed
from payments.changes.editing import CHANGEABLE
from payments.models import Cancellation, Payment

ACTOR = "customer"


@dataclass(frozen=True, slots=True)
class Allowed:
    """`last_day` is the last one on which guests, menu, add-ons and date can be changed online."""

    can_change: bool
    can_cancel: bool
    last_day: date
    move_fee_minor: int


def allowed(booking: Booking) -> Allowed:
    """What this booking's customer may do now. Reads only the row and its merchant."""
    rule = agreement.move_rule(booking)
    last_day = booking.event_date - timedelta(days=rule.days_before)
    now = clock.now()
    ahead = booking.starts_at > now
    lapsed = booking.state == BookingState.HELD and (booking.hold_expires_at or now) <= now
    in_time = clock.today(booking.timezone) <= last_day
    return Allowed(
        can_change=booking.state in CHANGEABLE and ahead and in_time and not lapsed,
        can_cancel=booking.state in CANCELLABLE and ahead and not lapsed,
        last_day=last_day,
        move_fee_minor=rule.fee_minor,
    )


def require_in_time(booking: Booking) -> None:
    """Raises TooLateOnline, BookingSettled."""
    if allowed(booking).can_change:
        return
    if booking.state not in CHANGEABLE:
        raise errors.BookingSettled(
            f"This booking is {booking.get_state_display().lower()}; it stays as it is."
        )
    raise errors.TooLateOnline()


def move_edit(booking: Booking, *, slot_public_id: uuid.UUID) -> Edit:
    """The edit that moves the booking to another time, at the fee that was agreed to."""
    return Edit(slot_public_id=slot_public_id, fee_minor=agreement.move_rule(booking).fee_minor)


def preview(booking: Booking, edit: Edit) -> Changed:
    """What `change` would do now. Raises TooLateOnline, BookingSettled, InvalidRequest."""
    require_in_time(booking)
    return changes.preview(booking, edit)


def change(booking: Booking, edit: Edit, *, expected_total_minor: int, based_on: str) -> Changed:
    """Do what was shown, to the booking that was shown: the same edit again changes nothing.

    Raises as `preview`, and PriceChanged, ChangedMeanwhile, SlotTaken.
    """
    require_in_time(booking)
    return alterations.edit(
        booking=booking,
        edit=edit,
        actor=ACTOR,
        expected_total_minor=expected_total_minor,
        based_on=based_on,
    )


def cancel(booking: Booking, *, expected: str, as_credit: bool = False, reason: str = "") -> Cancellation:
    """Cancel exactly as shown; a second click finds it done. Raises PriceChanged, BookingSettled."""
    return cancellation.cancel(booking, actor=ACTOR, reason=reason, as_credit=as_credit, expected=expected)


def use_credit(booking: Booking, *, purpose: str, amount_minor: int | None = None, actor: str) -> Payment:
    """Spend the customer's credit on what is due next, then end a card payment that asks for the old amount.

    Raises AlreadyPaid, NothingToPay, HoldEnded, NoCredit; then nothing changed.
    """
    payment = credit.spend(booking=booking, purpose=purpose, actor=actor, amount_minor=amount_minor)
    alterations.end_stale(booking)
    return payment
