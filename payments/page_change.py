"""The page on which a customer changes guests, menu and add-ons. Reads only; `self_service.change` does it.

What was booked costs what was agreed to, what is new costs today's price: the form shows both as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField

from bookings import catalogue, page_home, page_prices
from bookings.catalogue import MAX_GUESTS
from bookings.editing import Edit
from bookings.forms import add_on_field_name, number_words
from bookings.models import AddOn, Booking, LineKind, Menu, Per
from bookings.page_prices import FeeWords, UnitPrice

INPUT = {"class": "input", "inputmode": "numeric", "autocomplete": "off"}
FIELD_OF = {"menu_id": "menu"}


@dataclass(frozen=True, slots=True)
class AddOnChoice:
    name: str
    description: str
    price: UnitPrice
    per_label: str
    is_counted: bool
    field: BoundField


def _number(label: str, *, high: int, required: bool = True) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=0,
        max_value=high,
        required=required,
        error_messages=number_words(label, low=0, high=high),
        widget=forms.NumberInput(attrs=INPUT),
    )


class ChangeForm(forms.Form):
    """Starts with what is booked; `edit` is what was typed."""

    use_required_attribute = False

    adults = _number("Adults", high=MAX_GUESTS)
    children = _number("Children", high=MAX_GUESTS)
    menu = forms.IntegerField(error_messages={"required": "Choose a menu.", "invalid": "Choose a menu."})

    def __init__(self, data: Mapping[str, Any] | None = None, *, booking: Booking) -> None:
        had = {row.add_on: row.quantity for row in booking.add_ons.select_related("add_on")}
        offered = list(catalogue.add_ons(booking.merchant))
        self.add_ons = [*offered, *(add_on for add_on in had if add_on not in offered)]
        quantities = {add_on_field_name(add_on): quantity for add_on, quantity in had.items()}
        initial = {
            "adults": booking.adults,
            "children": booking.children,
            "menu": booking.menu_id,
            **{add_on_field_name(add_on): 0 for add_on in self.add_ons if add_on.per == Per.UNIT},
            **quantities,
        }
        super().__init__(data, initial=initial)
        for add_on in self.add_ons:
            self.fields[add_on_field_name(add_on)] = _add_on_field(add_on)

    def edit(self) -> Edit:
        """What was typed, on a valid form."""
        typed = self.cleaned_data
        quantities = {add_on.pk: typed.get(add_on_field_name(add_on)) for add_on in self.add_ons}
        return Edit(
            adults=typed["adults"],
            children=typed["children"],
            menu_id=typed["menu"],
            add_ons={pk: int(quantity) for pk, quantity in quantities.items() if quantity},
        )

    def add_problems(self, problems: Mapping[str, str]) -> None:
        """The use case's refusals, each beside its field; what has none stands above the form."""
        for name, words in problems.items():
            field = FIELD_OF.get(name, name)
            self.add_error(field if field in self.fields else None, words)


def _add_on_field(add_on: AddOn) -> forms.Field:
    if add_on.per == Per.UNIT:
        return _number(add_on.name, high=add_on.max_quantity, required=False)
    return forms.BooleanField(label=add_on.name, required=False)


def context(booking: Booking, form: ChangeForm) -> dict[str, Any]:
    """The form's parts for payments/change.html."""
    fee = page_prices.fee_words(booking.merchant)
    menus = list(catalogue.menus(booking.merchant))
    if booking.menu not in menus:
        menus.insert(0, booking.menu)
    _agreed_menu_prices(booking, menus)
    agreed = {
        line.description: line.unit_minor for line in booking.lines.all() if line.kind == LineKind.ADD_ON
    }
    return {
        "fee": fee,
        "menus": page_home.shown_menus(menus, fee=fee, chosen=form["menu"].value()),
        "add_ons": [_add_on_choice(add_on, form=form, fee=fee, agreed=agreed) for add_on in form.add_ons],
    }


def _agreed_menu_prices(booking: Booking, menus: Sequence[Menu]) -> None:
    """The booked menu at the price agreed to; on rows in memory alone."""
    units = {line.kind: line.unit_minor for line in booking.lines.all()}
    for menu in menus:
        if menu.pk == booking.menu_id:
            menu.adult_price_minor = units.get(LineKind.MENU_ADULT, menu.adult_price_minor)
            menu.child_price_minor = units.get(LineKind.MENU_CHILD, menu.child_price_minor)


def _add_on_choice(
    add_on: AddOn, *, form: ChangeForm, fee: FeeWords, agreed: Mapping[str, int]
) -> AddOnChoice:
    return AddOnChoice(
        name=add_on.name,
        description=add_on.description,
        price=page_prices.unit_price(agreed.get(add_on.name, add_on.price_minor), fee=fee),
        per_label=str(Per(add_on.per).label),
        is_counted=add_on.per == Per.UNIT,
        field=form[add_on_field_name(add_on)],
    )
