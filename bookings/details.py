"""What a booking says beside its price: whom to reach, where exactly, and the customer's wishes. Moves no money.

The postal code is not among it: travel and tax depend on it. Called by the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bookings import requests
from bookings.errors import BookingEnded, InvalidRequest
from bookings.models import Booking, BookingState
from bookings.requests import BookingRequest

CHANGEABLE = frozenset({BookingState.DRAFT, BookingState.QUOTED, BookingState.HELD, BookingState.CONFIRMED})
# The request's name for it -> the booking's.
COLUMNS = {
    "name": "contact_name",
    "email": "contact_email",
    "phone": "contact_phone",
    "street": "street",
    "city": "city",
    "region": "region",
    "notes": "customer_notes",
}


@dataclass(frozen=True, slots=True)
class Details:
    """What shall be different, by the names of COLUMNS; the rest stays."""

    values: Mapping[str, str]


def check(booking: Booking, details: Details) -> dict[str, str]:
    """The values to store, tidy, by column. Raises InvalidRequest by field, BookingEnded. Reads only."""
    if booking.state not in CHANGEABLE:
        raise BookingEnded(f"This booking is {booking.get_state_display().lower()}; it stays as it is.")
    wanted = requests.tidy(_as_request(booking, details))
    country = booking.merchant.country
    found = {
        name: words
        for name, words in requests.problems(wanted, country=country).items()
        if name in details.values
    }
    if found:
        raise InvalidRequest(found)
    tidy = {name: getattr(wanted, name) for name in details.values}
    if "phone" in tidy:
        tidy["phone"] = requests.phone_e164(wanted.phone, country=country) or ""
    return {COLUMNS[name]: value for name, value in tidy.items()}


def _as_request(booking: Booking, details: Details) -> BookingRequest:
    """The booking as it would have been asked for, so that one set of rules holds for both."""
    now: dict[str, Any] = {name: str(getattr(booking, column)) for name, column in COLUMNS.items()}
    return BookingRequest(
        slot_public_id=booking.slot.public_id,
        adults=booking.adults,
        children=booking.children,
        menu_id=booking.menu_id,
        postal_code=booking.postal_code,
        terms_accepted=True,
        **{**now, **details.values},
    )


@transaction.atomic
def change(booking: Booking, details: Details) -> Booking:
    """Store them; the booking as it is now. The refusals of `check`; then nothing changed."""
    locked = (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant")  # no slot: a move that ends meanwhile may have changed it
        .get(pk=booking.pk)
    )
    columns = check(locked, details)
    for column, value in columns.items():
        setattr(locked, column, value)
    if columns:
        locked.save(update_fields=list(columns))
    return locked
