"""The page on which a customer moves the date: free times, as on the booking form. Reads only."""

import uuid
from collections.abc import Sequence

from bookings import page_book, slots
from bookings.models import Booking
from bookings.page_book import MonthChoice, TimeChoice
from bookings.slots import FreeSlot

SHOWN_SLOTS = page_book.SHOWN_SLOTS


def free(booking: Booking) -> list[FreeSlot]:
    """The times that the booking could be moved to; its own is none of them."""
    found = slots.free(merchant=booking.merchant, limit=SHOWN_SLOTS)
    return [slot for slot in found if slot.public_id != booking.slot.public_id]


def months(found: Sequence[FreeSlot], *, chosen: uuid.UUID | None) -> list[MonthChoice]:
    return page_book.months(found, chosen=str(chosen or ""))


def chosen_time(shown: Sequence[MonthChoice]) -> TimeChoice | None:
    return next((slot for month in shown for day in month.days for slot in day.slots if slot.is_chosen), None)
