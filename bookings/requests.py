"""What a customer asks for, and what is wrong with it, told by field.

Pure checks of what was typed; prices, slots and rows are not touched here.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from phonenumber_field.phonenumber import to_python

from bookings.models import Booking

MAX_NOTES = 2000
_REQUIRED = {
    "street": "Type the street and number of the event.",
    "city": "Type the city of the event.",
    "name": "Type your name.",
    "email": "Type your e-mail address.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRequest:
    """As typed or sent. `add_ons` is AddOn id -> quantity (1 unless it is sold by the unit)."""

    slot_public_id: uuid.UUID
    adults: int
    children: int
    menu_id: int
    street: str
    city: str
    postal_code: str
    name: str
    email: str
    terms_accepted: bool
    region: str = ""
    phone: str = ""
    notes: str = ""
    add_ons: Mapping[int, int] = field(default_factory=dict)


def tidy(request: BookingRequest) -> BookingRequest:
    """The same request without stray spaces and control characters, e-mail in lower case, no empty add-ons."""
    return replace(
        request,
        street=_one_line(request.street),
        city=_one_line(request.city),
        region=_one_line(request.region),
        postal_code=_one_line(request.postal_code),
        name=_one_line(request.name),
        email=_one_line(request.email).lower(),
        phone=_one_line(request.phone),
        notes="".join(c for c in request.notes if c.isprintable() or c == "\n").strip(),
        add_ons={pk: quantity for pk, quantity in sorted(request.add_ons.items()) if quantity},
    )


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def problems(request: BookingRequest, *, country: str) -> dict[str, str]:
    """What is wrong with a tidy request's contact, address and consent, by field; guests and menu are the catalogue's.

    `country` is where phone numbers without a prefix belong.
    """
    found = {name: message for name, message in _REQUIRED.items() if not getattr(request, name)}
    for name, column in _COLUMNS.items():
        limit = _max_length(column)
        if len(getattr(request, name)) > limit:
            found[name] = f"That is too long: {limit} characters at most."
    if len(request.notes) > MAX_NOTES:
        found["notes"] = f"That is too long: {MAX_NOTES} characters at most."
    found = {**unreachable(email=request.email, phone=request.phone, country=country), **found}
    if not request.terms_accepted:
        found["terms_accepted"] = "Please accept the terms to book."
    return found


def unreachable(*, email: str, phone: str, country: str) -> dict[str, str]:
    """What is no e-mail address and no phone number, by field; no phone number at all is none too few."""
    found = {}
    if not _is_email(email):
        found["email"] = "That is not an e-mail address. Type one like name@example.com."
    if phone_e164(phone, country=country) is None:
        found["phone"] = "That is not a phone number. Type it with its area code, or leave it out."
    return found


_COLUMNS = {
    "street": "street",
    "city": "city",
    "region": "region",
    "name": "contact_name",
    "email": "contact_email",
}


def _max_length(column: str) -> int:
    found = Booking._meta.get_field(column)
    assert isinstance(found, models.CharField)
    assert found.max_length is not None
    return found.max_length


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def phone_e164(text: str, *, country: str) -> str | None:
    """The number in E.164, "" for none given, None for what is no number."""
    if not text:
        return ""
    number = to_python(text[:64], region=country)
    return number.as_e164 if number and number.is_valid() else None


def fingerprint(request: BookingRequest) -> str:
    """The same for the same tidy request, in a fixed order."""
    return json.dumps(asdict(request), sort_keys=True, default=str)
