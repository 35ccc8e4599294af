"""The booking form: reads what a person typed; whether it can be booked is `bookings/booking.py`'s to say.

Fields are named as the page shows them; FIELD_OF maps the use case's names to them, so that its problems land beside
the right field.
"""

import uuid
from typing import Any

from django import forms

from bookings import catalogue
from bookings.booking import BookingRequest
from bookings.catalogue import MAX_GUESTS
from bookings.errors import InvalidRequest
from bookings.models import AddOn, Per
from bookings.requests import MAX_NOTES, unreachable
from customers.models import Merchant

FIELD_OF = {
    "slot_public_id": "slot",
    "menu_id": "menu",
    "name": "contact_name",
    "email": "contact_email",
    "phone": "contact_phone",
    "notes": "customer_notes",
}
FIRST_GUESTS = 10
INPUT = {"class": "input"}


def number_words(label: str, *, low: int, high: int) -> dict[str, str]:
    """A number field's refusals, which stand in the list above the form as well and so name their field."""
    return {
        "required": f"{label}: type a number.",
        "invalid": f"{label}: type a whole number.",
        "min_value": f"{label}: {low} or more.",
        "max_value": f"{label}: {high} at most.",
    }


def _number(*, label: str, low: int, high: int, hint: str = "", required: bool = True) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=low,
        max_value=high,
        help_text=hint,
        required=required,
        error_messages=number_words(label, low=low, high=high),
        widget=forms.NumberInput(attrs={**INPUT, "inputmode": "numeric", "autocomplete": "off"}),
    )


def _text(*, label: str, autocomplete: str, limit: int, missing: str = "", hint: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=limit,
        help_text=hint,
        required=bool(missing),
        error_messages={"required": missing},
        widget=forms.TextInput(attrs={**INPUT, "autocomplete": autocomplete}),
    )


def add_on_field_name(add_on: AddOn) -> str:
    return f"add_on_{add_on.pk}"


class BookingForm(forms.Form):
    """One booking. `token` is new with every page shown, so that sending a page twice books once."""

    use_required_attribute = False  # The server says what is missing, in words; nothing typed is lost.

    token = forms.UUIDField(widget=forms.HiddenInput)
    slot = forms.UUIDField(
        error_messages={"required": "Choose a date and time.", "invalid": "Choose a date and time."}
    )
    adults = _number(label="Adults", low=0, high=MAX_GUESTS)
    children = _number(label="Children", low=0, high=MAX_GUESTS)
    menu = forms.IntegerField(error_messages={"required": "Choose a menu.", "invalid": "Choose a menu."})
    street = _text(
        label="Street and number",
        autocomplete="street-address",
        limit=160,
        missing="Type the street and number of the event.",
    )
    city = _text(label="City", autocomplete="address-level2", limit=80, missing="Type the city of the event.")
    region = _text(label="State", autocomplete="address-level1", limit=40)
    postal_code = _text(
        label="ZIP code", autocomplete="postal-code", limit=12, missing="Type the ZIP code of the event."
    )
    contact_name = _text(label="Your name", autocomplete="name", limit=120, missing="Type your name.")
    contact_email = forms.CharField(
        label="E-mail",
        help_text="For the receipt and your booking’s link.",
        max_length=254,
        error_messages={"required": "Type your e-mail address."},
        widget=forms.EmailInput(attrs={**INPUT, "autocomplete": "email"}),
    )
    contact_phone = forms.CharField(
        label="Phone",
        required=False,
        help_text="For the day itself.",
        max_length=40,
        widget=forms.TextInput(attrs={**INPUT, "type": "tel", "autocomplete": "tel"}),
    )
    customer_notes = forms.CharField(
        label="Anything we should know",
        required=False,
        help_text="Allergies, stairs, a surprise cake.",
        max_length=MAX_NOTES,
        widget=forms.Textarea(attrs={**INPUT, "rows": 3}),
    )
    terms_accepted = forms.BooleanField(error_messages={"required": "Please accept the terms to book."})

    def __init__(self, *args: Any, merchant: Merchant, add_ons: list[AddOn], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add_ons, self.country = add_ons, merchant.country
        if merchant.country != "US":
            self.fields["region"].label = "Region"
            self.fields["postal_code"].label = "Postal code"
        for add_on in add_ons:
            self.fields[add_on_field_name(add_on)] = self._add_on_field(add_on)

    @staticmethod
    def _add_on_field(add_on: AddOn) -> forms.Field:
        if add_on.per == Per.UNIT:
            field = _number(label=add_on.name, low=0, high=add_on.max_quantity, required=False)
            field.initial = 0
            return field
        return forms.BooleanField(label=add_on.name, required=False)

    def clean(self) -> dict[str, Any]:
        """What is no address and no number is told together with what is missing, not after it."""
        typed = super().clean() or {}
        problems = unreachable(
            email=typed.get("contact_email", "").strip(),
            phone=typed.get("contact_phone", "").strip(),
            country=self.country,
        )
        try:
            catalogue.postal_code(typed.get("postal_code", ""), country=self.country)
        except InvalidRequest as refusal:
            problems |= refusal.fields
        self.add_problems(
            {name: words for name, words in problems.items() if FIELD_OF.get(name, name) in typed}
        )
        return typed

    @classmethod
    def first_values(cls, *, menu_id: int | None, slot: str) -> dict[str, Any]:
        """What an untouched page starts with."""
        return {
            "token": uuid.uuid4(),
            "slot": slot,
            "adults": FIRST_GUESTS,
            "children": 0,
            "menu": menu_id,
        }

    def chosen_add_ons(self) -> dict[int, int]:
        """AddOn id -> quantity, as far as it can be read."""
        values = {add_on.pk: self.cleaned_data.get(add_on_field_name(add_on)) for add_on in self.add_ons}
        return {pk: int(value) for pk, value in values.items() if value}

    def booking_request(self) -> BookingRequest:
        """The use case's input; call it on a valid form only."""
        typed = self.cleaned_data
        return BookingRequest(
            slot_public_id=typed["slot"],
            adults=typed["adults"],
            children=typed["children"],
            menu_id=typed["menu"],
            street=typed["street"],
            city=typed["city"],
            region=typed["region"],
            postal_code=typed["postal_code"],
            name=typed["contact_name"],
            email=typed["contact_email"],
            phone=typed["contact_phone"],
            notes=typed["customer_notes"],
            terms_accepted=typed["terms_accepted"],
            add_ons=self.chosen_add_ons(),
        )

    def add_problems(self, problems: dict[str, str]) -> None:
        """The use case's refusals, each beside its field; what has no field of its own stands above the form."""
        for name, message in problems.items():
            field = FIELD_OF.get(name, name)
            self.add_error(field if field in self.fields else None, message)
