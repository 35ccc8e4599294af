"""The holds that this visitor has running: who goes back to the form is led on to the booking they made."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse

from bookings import access, page_words
from bookings.models import Booking, BookingState
from bookings.page_words import wall_clock
from core import clock
from customers.models import Merchant

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Hold:
    code: str
    href: str
    starts: datetime
    until: str
    slot_public_id: uuid.UUID


def live(request: HttpRequest, *, merchant: Merchant) -> list[Hold]:
    """Newest first; no query for a visitor who opened no booking."""
    rows = (
        access.visible(request, merchant=merchant)
        .select_related("slot")
        .filter(state=BookingState.HELD, hold_expires_at__gt=clock.now())
        .order_by("-id")
    )
    return [_hold(row) for row in rows[:SHOWN]]


def _hold(booking: Booking) -> Hold:
    assert booking.hold_expires_at is not None
    return Hold(
        code=booking.code,
        href=reverse("payments:booking", kwargs={"code": booking.code}),
        starts=wall_clock(booking.local(booking.starts_at)),
        until=page_words.until_there(booking.hold_expires_at, zone=booking.timezone),
        slot_public_id=booking.slot.public_id,
    )
