"""Times and their places. Capacity is taken under the slot's row lock, by counting the bookings that take it.

Lock order: Booking before Slot (and before that, the customer's row is written). `take` is called by those who then
put a booking into a state of TAKES_CAPACITY in the same transaction.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, QuerySet

from bookings.errors import SlotTaken
from bookings.models import Booking, Slot
from bookings.models.booking import TAKES_CAPACITY
from core import clock
from customers.models import Merchant


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time that can be booked; the moments are in the merchant's zone, `places` is one or more."""

    public_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    places: int


def free(*, merchant: Merchant, on: date | None = None, days: int = 1, limit: int = 100) -> list[FreeSlot]:
    """The next open times with a place left, soonest first, in one query.

    `on` is a day in the merchant's zone, `days` how many from it on.
    """
    zone = ZoneInfo(merchant.timezone)
    found = (
        _open(merchant)
        .annotate(taken=Count("bookings", filter=Q(bookings__state__in=TAKES_CAPACITY)))
        .filter(taken__lt=F("capacity"))
    )
    if on is not None:
        midnight = datetime.combine(on, time.min, tzinfo=zone)
        # Wall-clock days: one in which the clock is put back has 25 hours.
        end = datetime.combine(on + timedelta(days=days), time.min, tzinfo=zone)
        found = found.filter(starts_at__gte=midnight, starts_at__lt=end)
    return [
        FreeSlot(
            slot.public_id,
            slot.starts_at.astimezone(zone),
            slot.ends_at.astimezone(zone),
            slot.capacity - slot.taken,
        )
        for slot in found[:limit]
    ]


def find(*, merchant: Merchant, public_id: uuid.UUID) -> Slot | None:
    """The merchant's slot that may still be booked, full or not; None if it is past, closed or not theirs."""
    return _open(merchant).filter(public_id=public_id).first()


def local_date(slot: Slot, *, merchant: Merchant) -> date:
    """The calendar day of the slot in its merchant's zone."""
    return slot.starts_at.astimezone(ZoneInfo(merchant.timezone)).date()


def take(slot_id: int) -> Slot:
    """Lock the slot and make sure that a place is left; inside the caller's transaction. SlotTaken if none is."""
    slot = Slot.objects.select_for_update(of=("self",), no_key=True).get(pk=slot_id)
    if Booking.objects.filter(slot_id=slot_id, state__in=TAKES_CAPACITY).count() >= slot.capacity:
        raise SlotTaken("Somebody else has just taken that time. Please choose another one.")
    return slot


def _open(merchant: Merchant) -> QuerySet[Slot]:
    return merchant.slots.filter(is_open=True, starts_at__gt=clock.now()).order_by("starts_at", "id")
