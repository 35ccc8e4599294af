"""Which of the free times suits which guest of the demonstration. Called by demo_bookings alone."""

from collections.abc import Sequence
from datetime import timedelta

from bookings.slots import FreeSlot
from core import clock
from payments.demo_cast import Guest, Story

LEFT_FREE = 4  # the first times stay free for whoever tries the product
SOON_DAYS = 6  # calendar days: all is due at once, and little comes back on a cancellation
LATER = timedelta(days=9)
IN_GOOD_TIME = timedelta(days=16)
SOON_ONES = (Story.SOON, Story.CANCELLED_LATE)


def fitting(free: Sequence[FreeSlot], *, guest: Guest) -> list[FreeSlot]:
    """The free times, in their zone, that suit the guest's story. The first ones stay free for whoever tries it."""
    now = clock.now()
    later = now + (IN_GOOD_TIME if guest.story is Story.CANCELLED_EARLY else LATER)
    if guest.story in SOON_ONES:
        return [
            time
            for time in free[LEFT_FREE:]
            if (time.starts_at.date() - now.astimezone(time.starts_at.tzinfo).date()).days <= SOON_DAYS
        ]
    return [
        time
        for time in free[LEFT_FREE:]
        if time.starts_at > later and (guest.story is not Story.LATE_TAKEN or time.places == 1)
    ]
