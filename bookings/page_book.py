"""What the booking page shows: the form, free times by month and day, the live price.

The preview computes what `booking.create` would, as far as the form is filled; it stores and holds nothing.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.forms import BoundField

from bookings import catalogue, minimums, page_home, page_legal, page_prices, pricing, slots
from bookings.errors import InvalidRequest
from bookings.forms import BookingForm, add_on_field_name
from bookings.models import AddOn, Per
from bookings.page_prices import ShownPrice, UnitPrice
from bookings.page_words import wall_clock, zone_label
from bookings.plan import PlanPolicy, plan
from bookings.pricing import PriceInputs
from bookings.slots import FreeSlot
from core import clock
from customers.models import Merchant

SHOWN_SLOTS = 240
OPEN_DAYS = 8


@dataclass(frozen=True, slots=True)
class TimeChoice:
    public_id: uuid.UUID
    starts: datetime
    is_chosen: bool
    is_first: bool
    is_last_place: bool


@dataclass(frozen=True, slots=True)
class DayChoice:
    date: date
    slots: tuple[TimeChoice, ...]


@dataclass(frozen=True, slots=True)
class MonthChoice:
    """A month is open when it holds one of the next days, or the chosen time."""

    label: str
    days: tuple[DayChoice, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class AddOnChoice:
    name: str
    description: str
    price: UnitPrice
    per_label: str
    is_counted: bool
    field: BoundField


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend, with a link to its field."""

    text: str
    anchor: str


def context(*, merchant: Merchant, form: BookingForm) -> dict[str, Any]:
    """Everything for bookings/book.html."""
    fee = page_prices.fee_words(merchant)
    free = slots.free(merchant=merchant, limit=SHOWN_SLOTS)
    return {
        "merchant": merchant,
        "form": form,
        "fee": fee,
        "months": months(free, chosen=str(form["slot"].value() or "")),
        "zone_label": zone_label(merchant.timezone),
        "menus": page_home.shown_menus(list(catalogue.menus(merchant)), fee=fee, chosen=form["menu"].value()),
        "add_ons": [_add_on_choice(add_on, form=form, fee=fee) for add_on in form.add_ons],
        "price": preview(merchant=merchant, form=form, free=free),
        "problems": problems(form),
        "texts": (texts := page_legal.texts_in_force(merchant)),
        "terms_version": texts.partition("-")[0],
    }


def _add_on_choice(add_on: AddOn, *, form: BookingForm, fee: page_prices.FeeWords) -> AddOnChoice:
    return AddOnChoice(
        name=add_on.name,
        description=add_on.description,
        price=page_prices.unit_price(add_on.price_minor, fee=fee),
        per_label=str(Per(add_on.per).label),
        is_counted=add_on.per == Per.UNIT,
        field=form[add_on_field_name(add_on)],
    )


def months(free: Sequence[FreeSlot], *, chosen: str) -> list[MonthChoice]:
    """Free times by month and day, soonest first."""
    found: list[MonthChoice] = []
    first = free[0].public_id if free else None
    for (year, month), in_month in groupby(
        free, key=lambda slot: (slot.starts_at.year, slot.starts_at.month)
    ):
        days = tuple(
            DayChoice(day, tuple(_time_choice(slot, chosen=chosen, first=first) for slot in of_day))
            for day, of_day in groupby(in_month, key=lambda slot: slot.starts_at.date())
        )
        has_chosen = any(slot.is_chosen for day in days for slot in day.slots)
        shown = sum(len(earlier.days) for earlier in found if earlier.is_open)
        found.append(MonthChoice(f"{date(year, month, 1):%B %Y}", days, has_chosen or shown < OPEN_DAYS))
    return found


def _time_choice(slot: FreeSlot, *, chosen: str, first: uuid.UUID | None) -> TimeChoice:
    return TimeChoice(
        public_id=slot.public_id,
        starts=wall_clock(slot.starts_at),
        is_chosen=str(slot.public_id) == chosen,
        is_first=slot.public_id == first,
        is_last_place=False,
    )


def problems(form: BookingForm) -> list[Problem]:
    """Every error of a sent form, in the order of the page."""
    if not form.is_bound:
        return []
    found = [Problem(str(error), "") for error in form.non_field_errors()]
    for bound in form:
        found += [Problem(str(error), bound.auto_id) for error in bound.errors]
    return found


def preview(
    *, merchant: Merchant, form: BookingForm, free: Sequence[FreeSlot] | None = None
) -> ShownPrice | None:
    """The price of what is chosen so far; None while a menu or the guests are missing."""
    values = _readable(form)
    day = _event_date(values.get("slot"), merchant=merchant, free=free)
    known = _inputs(values, merchant=merchant, form=form, on=day)
    if known is None:
        return None
    inputs, waits_for_place = known
    try:
        price = pricing.price(inputs)
    except pricing.PriceTooLarge:
        return None
    today = clock.today(merchant.timezone)
    policy = PlanPolicy(
        merchant.deposit_minor, merchant.balance_due_days, minimums.card_minor(merchant.currency)
    )
    parts = plan(total_minor=price.total_minor, policy=policy, event_date=day or date.max, today=today)
    totals = pricing.totals_by_method(
        parts_minor=[part.amount_minor for part in parts],
        rates=page_prices.taken_rates(merchant, catalogue.method_fee_rates(merchant)),
    )
    return page_prices.shown_price(
        price=price,
        parts=parts,
        totals=totals,
        waits_for_place=waits_for_place,
        knows_day=day is not None,
        is_discount=page_prices.fee_words(merchant).is_discount,
    )


def _readable(form: BookingForm) -> Mapping[str, Any]:
    """What was typed, as far as each field can be read; an untouched page's first values."""
    if not form.is_bound:
        return form.initial
    form.is_valid()
    return form.cleaned_data


def _event_date(slot: object, *, merchant: Merchant, free: Sequence[FreeSlot] | None) -> date | None:
    if not slot:
        return None
    if free is not None:
        return next((one.starts_at.date() for one in free if str(one.public_id) == str(slot)), None)
    found = slots.find(merchant=merchant, public_id=uuid.UUID(str(slot)))
    return slots.local_date(found, merchant=merchant) if found else None


def _inputs(
    values: Mapping[str, Any], *, merchant: Merchant, form: BookingForm, on: date | None
) -> tuple[PriceInputs, bool] | None:
    """The inputs, and whether they still wait for the place."""
    if not values.get("menu"):
        return None
    place = values.get("postal_code") or ""
    place_known = _is_place(place, merchant=merchant)
    try:
        inputs = catalogue.inputs(
            merchant=merchant,
            menu_id=values["menu"],
            adults=values.get("adults") or 0,
            children=values.get("children") or 0,
            add_ons=form.chosen_add_ons() if form.is_bound else {},
            postal_code=place,
            event_date=on or clock.today(merchant.timezone),
            place_known=place_known,
        )
    except InvalidRequest:
        return None
    return inputs, not place_known


def _is_place(text: str, *, merchant: Merchant) -> bool:
    try:
        catalogue.postal_code(text, country=merchant.country)
    except InvalidRequest:
        return False
    return True
