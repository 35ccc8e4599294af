"""A booking changed over the API: details that move no money, and guests, menu and add-ons, which price it anew.

All of the body is checked before anything is stored; what touches money goes first, in its own transaction.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from bookings import catalogue, details
from bookings.api import access
from bookings.api.serializers import MAX_COUNT, MAX_ID, AddOnChoiceSerializer, each_add_on_once
from bookings.api.views import in_api_words
from bookings.details import Details
from bookings.editing import Edit
from bookings.errors import InvalidRequest
from bookings.models import Booking, Purpose
from core.api import MoneyField
from core.errors import Invalid
from core.money import Money
from payments import alterations, changes, self_service
from payments.api import amounts
from payments.changes import Changed
from payments.errors import PriceChanged

PRICED = ("adults", "children", "menu", "add_ons")
FIELDS = ("name", "email", "phone", "street", "city", "region", "notes")


class BookingEditSerializer(serializers.Serializer[Any]):
    """What shall be different. A price that changes needs `expected_total`; PUT names every field but that."""

    adults = serializers.IntegerField(min_value=0, max_value=MAX_COUNT)
    children = serializers.IntegerField(min_value=0, max_value=MAX_COUNT)
    menu = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    add_ons = AddOnChoiceSerializer(many=True)
    slot = serializers.UUIDField(required=False, help_text="As it is: another time is a rescheduling.")
    street = serializers.CharField(max_length=500)
    city = serializers.CharField(max_length=500)
    region = serializers.CharField(max_length=500, allow_blank=True)
    postal_code = serializers.CharField(
        max_length=40, required=False, help_text="As it is: travel and tax depend on it."
    )
    name = serializers.CharField(max_length=500)
    email = serializers.CharField(max_length=500, required=False, help_text="Changed by staff alone.")
    phone = serializers.CharField(max_length=64, allow_blank=True)
    notes = serializers.CharField(max_length=10_000, allow_blank=True, trim_whitespace=False)
    expected_total = serializers.JSONField(
        required=False,
        help_text='The new price, as shown to the customer: {"amount": 123450, "currency": "usd"}.',
    )

    def validate_add_ons(self, chosen: list[dict[str, int]]) -> list[dict[str, int]]:
        """Each add-on once, as for a new booking."""
        return each_add_on_once(chosen)


class PlannedPartSerializer(serializers.Serializer[Any]):
    purpose = serializers.ChoiceField(Purpose.choices)
    amount = MoneyField("amount_minor")
    due_on = serializers.DateField(allow_null=True, help_text="null: due now.")


class ChangePreviewSerializer(serializers.Serializer[Any]):
    """The new price, the plan anew (what was paid stays within it), and what is kept as credit."""

    before = MoneyField("before_minor")
    total = MoneyField("total_minor")
    credit = MoneyField("credit_minor")
    plan = PlannedPartSerializer(many=True)


class NotEditable(Invalid):
    """It has a way of its own: the time is rescheduled, the place priced by the caterer, an address proven."""

    code = "not_editable"
    title = "This is not changed here"


class ChangesPrice(Invalid):
    """The new price must be agreed to: the same body with `expected_total` does it."""

    code = "changes_price"
    title = "This changes the price. Show the new one, then send it along as expected_total."


def change(request: Request, *, booking: Booking, wanted: Mapping[str, Any]) -> Booking:
    """Do what a checked body wants; returns the booking as it is now. Refusals leave everything as it was."""
    plain = Details({name: wanted[name] for name in FIELDS if name in wanted})
    try:
        _refuse_what_has_its_own_way(booking, wanted, is_staff=not is_customer(request))
        details.check(booking, plain)
        if (edit := _edit(wanted)) is not None:
            price_anew(request, booking=booking, edit=edit, expected=wanted.get("expected_total"))
        return details.change(booking, plain)
    except InvalidRequest as error:
        raise in_api_words(error) from error


def _refuse_what_has_its_own_way(booking: Booking, wanted: Mapping[str, Any], *, is_staff: bool) -> None:
    found: dict[str, str] = {}
    if "slot" in wanted and wanted["slot"] != booking.slot.public_id:
        found["slot"] = "The time is moved by rescheduling, which has rules of its own."
    if "postal_code" in wanted:
        there = catalogue.postal_code(wanted["postal_code"], country=booking.merchant.country)
        if there != booking.postal_code:
            found["postal_code"] = "Travel and tax depend on the place: ask the caterer to change it."
    if not is_staff and wanted.get("email", booking.contact_email).strip().lower() != booking.contact_email:
        found["email"] = "An address is changed in the account, by a link sent to the new one."
    if found:
        raise NotEditable(" ".join(found.values()), fields=found)


def _edit(wanted: Mapping[str, Any]) -> Edit | None:
    if not any(name in wanted for name in PRICED):
        return None
    add_ons = wanted.get("add_ons")
    return Edit(
        adults=wanted.get("adults"),
        children=wanted.get("children"),
        menu_id=wanted.get("menu"),
        add_ons=None if add_ons is None else {one["id"]: one.get("quantity", 1) for one in add_ons},
    )


def price_anew(request: Request, *, booking: Booking, edit: Edit, expected: Any, reason: str = "") -> None:
    """`expected` is the price that the client showed. Without it an edit that costs something else is refused.

    Customers may do it until the day that was agreed to; staff always.
    """
    if is_customer(request):
        self_service.require_in_time(booking)
    changed = changes.preview(booking, edit)
    if expected is None and changed.difference_minor:
        raise ChangesPrice(**ChangePreviewSerializer(shown_change(booking, changed)).data)
    if (
        expected is not None
        and amounts.sent_minor(expected, currency=booking.currency) != changed.after_minor
    ):
        raise PriceChanged(total=Money(changed.after_minor, booking.currency).as_json())
    alterations.edit(
        booking=booking,
        edit=edit,
        actor=access.actor(request),
        reason=reason,
        expected_total_minor=changed.after_minor,
    )


def is_customer(request: Request) -> bool:
    """By a booking's token, or signed in: not one of the staff, even with an account."""
    return bool(access.booking_of(request) or access.customer_of(request))


def shown_change(booking: Booking, changed: Changed) -> dict[str, Any]:
    """For ChangePreviewSerializer."""
    return {
        "currency": booking.currency,
        "before_minor": changed.before_minor,
        "total_minor": changed.after_minor,
        "credit_minor": changed.credit_minor,
        "plan": [
            {
                "purpose": part.purpose,
                "amount_minor": part.amount_minor,
                "due_on": part.due_on,
                "currency": booking.currency,
            }
            for part in changed.parts
        ],
    }
