"""The refusals of this room, in words that a customer may read."""

from collections.abc import Mapping

from core.errors import Conflict, Invalid


class InvalidRequest(Invalid):
    """A booking request that cannot be accepted. `fields` says why, by the name of the field."""

    code = "invalid_booking"
    title = "Please look at the booking again"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(dict.fromkeys(fields.values())), fields=dict(fields))
        self.fields = dict(fields)


class SlotTaken(Conflict):
    """Every place of the time is held or booked."""

    code = "slot_taken"
    title = "That time has just been taken"


class NoCapacity(SlotTaken):
    """A hold ended and somebody else has the time: the booking cannot be confirmed."""

    code = "no_capacity"
    title = "The hold ended and the time is taken"


class BookingEnded(Conflict):
    """The booking was cancelled, or never offered: no payment confirms it."""

    code = "booking_ended"
    title = "This booking has ended"
