"""Collects what a price depends on from a merchant's menus, add-ons, taxes and travel fees, in four queries.

Reads only. What a customer chose is checked here and refused by field (`InvalidRequest`), so that the price preview
and the booking itself say the same words.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.db.models.functions import Length

from bookings.errors import InvalidRequest
from bookings.models import AddOn, Menu, Per, TaxRate, TravelFee
from bookings.pricing import AddOnChoice, PriceInputs
from customers.models import Merchant, PaymentMethod

MAX_GUESTS = 200
_POSTAL_CODES = {
    "US": (re.compile(r"[0-9]{5}(-[0-9]{4})?"), "Type a ZIP code like 94110."),
    "CA": (re.compile(r"[A-Z][0-9][A-Z] [0-9][A-Z][0-9]"), "Type a postal code like K1A 0B1."),
}
_ANY_POSTAL_CODE = (re.compile(r"[A-Z0-9][A-Z0-9 -]{1,10}[A-Z0-9]"), "Type the postal code of the place.")


def menus(merchant: Merchant) -> QuerySet[Menu]:
    """What can be booked now, in the merchant's order."""
    return merchant.menus.filter(is_active=True)


def add_ons(merchant: Merchant) -> QuerySet[AddOn]:
    """What can be added now, in the merchant's order."""
    return merchant.addons.filter(is_active=True)


def method_fee_rates(merchant: Merchant) -> dict[str, Decimal]:
    """Method -> the share added to an instalment, for every method but credit."""
    return {
        method.value: merchant.method_fee_rate(method)
        for method in PaymentMethod
        if method != PaymentMethod.CREDIT
    }


def postal_code(text: str, *, country: str) -> str:
    """The code as it is stored: upper case, one space where one belongs. InvalidRequest for what is none."""
    code = " ".join(text.upper().split())
    if country == "US" and re.fullmatch(r"[0-9]{9}", code):
        code = f"{code[:5]}-{code[5:]}"
    if country == "CA" and re.fullmatch(r"\w{6}", code):
        code = f"{code[:3]} {code[3:]}"
    pattern, message = _POSTAL_CODES.get(country, _ANY_POSTAL_CODE)
    if not pattern.fullmatch(code):
        raise InvalidRequest({"postal_code": message})
    return code


def inputs(
    *,
    merchant: Merchant,
    menu_id: int,
    adults: int,
    children: int,
    add_ons: Mapping[int, int],
    postal_code: str,
    event_date: date,
    place_known: bool = True,
) -> PriceInputs:
    """The inputs of `pricing.price`. `add_ons` is AddOn id -> quantity (1 unless it is sold by the unit; 0: not).

    With `place_known=False` (a preview before the address is typed) only what holds everywhere is in it.

    Raises InvalidRequest with the problem of each field: adults, children, menu_id, add_ons, postal_code.
    """
    problems = guest_problems(adults=adults, children=children, beyond=" For more, please write to us.")
    place = _place(postal_code, merchant=merchant, problems=problems) if place_known else ""
    menu = menus(merchant).filter(pk=menu_id).first()
    if menu is None:
        problems["menu_id"] = "Choose one of the menus."
    choices = tuple(choices_of(add_ons, merchant=merchant, problems=problems).values())
    if problems or menu is None:
        raise InvalidRequest(problems)
    travel = _travel_fee(merchant, place=place)
    return PriceInputs(
        currency=merchant.currency,
        adults=adults,
        children=children,
        menu_name=menu.name,
        adult_price_minor=menu.adult_price_minor,
        child_price_minor=menu.child_price_minor,
        add_ons=choices,
        travel_name=travel.name if travel else "Travel",
        travel_minor=travel.fee_minor if travel else 0,
        minimum_spend_minor=merchant.minimum_spend_minor,
        tax_rates=tax_rates(merchant, place=place, on=event_date),
        tax_travel=merchant.tax_travel,
        tax_after_discount=merchant.tax_after_discount,
    )


def guest_problems(*, adults: int, children: int, beyond: str = "") -> dict[str, str]:
    """What is wrong with the numbers of guests, by field; `beyond` is said to who wants more than fit one event."""
    problems = {}
    if adults < 0:
        problems["adults"] = "The number of adults cannot be negative."
    if children < 0:
        problems["children"] = "The number of children cannot be negative."
    if not problems and adults + children == 0:
        problems["adults"] = "Say how many guests will come."
    if adults + children > MAX_GUESTS:
        problems["adults"] = f"We serve up to {MAX_GUESTS} guests at one event.{beyond}"
    return problems


def _place(text: str, *, merchant: Merchant, problems: dict[str, str]) -> str:
    try:
        return postal_code(text, country=merchant.country)
    except InvalidRequest as error:
        problems.update(error.fields)
        return ""


def choices_of(
    wanted: Mapping[int, int], *, merchant: Merchant, problems: dict[str, str]
) -> dict[int, AddOnChoice]:
    """AddOn id -> the choice at today's price; what is wrong goes into `problems`."""
    quantities = {pk: quantity for pk, quantity in wanted.items() if quantity != 0}
    if not quantities:
        return {}
    found = list(add_ons(merchant).filter(pk__in=quantities))
    if len(found) < len(quantities):
        problems["add_ons"] = "One of the add-ons is no longer offered. Please choose again."
    for add_on in found:
        check_quantity(add_on, quantity=quantities[add_on.pk], problems=problems)
    return {
        add_on.pk: AddOnChoice(add_on.name, Per(add_on.per), add_on.price_minor, quantities[add_on.pk])
        for add_on in found
    }


def check_quantity(add_on: AddOn, *, quantity: int, problems: dict[str, str]) -> None:
    most = add_on.max_quantity if add_on.per == Per.UNIT else 1
    if quantity < 0:
        problems["add_ons"] = f"{add_on.name}: the quantity cannot be negative."
    elif quantity > most:
        problems["add_ons"] = f"{add_on.name}: {most} at most in one booking."


def _prefixes(place: str) -> set[str]:
    """Every beginning of the code, with and without its spaces; the empty one means everywhere."""
    return {code[:length] for code in (place, place.replace(" ", "")) for length in range(len(code) + 1)}


def _travel_fee(merchant: Merchant, *, place: str) -> TravelFee | None:
    return (
        merchant.travel_fees.filter(postal_prefix__in=_prefixes(place))
        .order_by(Length("postal_prefix").desc(), "id")
        .first()
    )


def tax_rates(merchant: Merchant, *, place: str, on: date) -> tuple[tuple[str, Decimal], ...]:
    """(name, rate) of each tax at a postal code on a day."""
    rates = TaxRate.objects.filter(
        Q(valid_from__isnull=True) | Q(valid_from__lte=on),
        Q(valid_to__isnull=True) | Q(valid_to__gte=on),
        merchant=merchant,
        postal_prefix__in=_prefixes(place),
    )
    return tuple((rate.name, rate.rate) for rate in rates)
