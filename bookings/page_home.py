"""What the start page shows: menus and extras with listed prices, the next free dates, an example of a price."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookings import catalogue, page_prices, pricing, slots
from bookings.models import AddOn, Menu, Per
from bookings.page_prices import FeeWords, UnitPrice
from bookings.page_words import wall_clock
from bookings.slots import FreeSlot
from customers.models import Merchant, PaymentMethod

PLATES = tuple(
    f"tableside/img/plate-{dish}.svg" for dish in ("steak", "salmon", "salad", "shrimp", "noodles", "tart")
)
CHIPS = 6
EXAMPLE_ADULTS, EXAMPLE_CHILDREN = 10, 2


@dataclass(frozen=True, slots=True)
class ShownMenu:
    id: int
    name: str
    description: str
    plate: str
    adult: UnitPrice
    child: UnitPrice
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class ShownAddOn:
    name: str
    description: str
    per_label: str
    price: UnitPrice


@dataclass(frozen=True, slots=True)
class Chip:
    """A free date as a link into the form."""

    public_id: uuid.UUID
    starts: datetime


@dataclass(frozen=True, slots=True)
class ExampleMethod:
    label: str
    total_minor: int
    saves_minor: int


@dataclass(frozen=True, slots=True)
class Example:
    """One event's price by each method, computed as a real one."""

    guests_label: str
    menu_name: str
    methods: tuple[ExampleMethod, ...]


def context(merchant: Merchant) -> dict[str, Any]:
    """Everything for bookings/home.html."""
    fee = page_prices.fee_words(merchant)
    menus = list(catalogue.menus(merchant))
    return {
        "merchant": merchant,
        "currency": merchant.currency,
        "fee": fee,
        "menus": shown_menus(menus, fee=fee),
        "add_ons": [_shown_add_on(add_on, fee=fee) for add_on in catalogue.add_ons(merchant)],
        "next_slots": chips(slots.free(merchant=merchant, limit=40)),
        "deposit_minor": pricing.method_total(merchant.deposit_minor, rate=fee.card_rate)
        if fee.is_discount
        else merchant.deposit_minor,
        "policy_sentence": policy_sentence(merchant.cancellation_policy),
        "example": example(merchant, menu=menus[0]) if menus else None,
    }


def shown_menus(menus: Sequence[Menu], *, fee: FeeWords, chosen: object = None) -> list[ShownMenu]:
    """Menus with a plate each; the plates repeat when there are more menus."""
    return [
        ShownMenu(
            id=menu.pk,
            name=menu.name,
            description=menu.description,
            plate=PLATES[position % len(PLATES)],
            adult=page_prices.unit_price(menu.adult_price_minor, fee=fee),
            child=page_prices.unit_price(menu.child_price_minor, fee=fee),
            is_chosen=str(menu.pk) == str(chosen),
        )
        for position, menu in enumerate(menus)
    ]


def _shown_add_on(add_on: AddOn, *, fee: FeeWords) -> ShownAddOn:
    return ShownAddOn(
        name=add_on.name,
        description=add_on.description,
        per_label=str(Per(add_on.per).label),
        price=page_prices.unit_price(add_on.price_minor, fee=fee),
    )


def chips(free: Sequence[FreeSlot]) -> list[Chip]:
    """The first time of each of the next free days."""
    days: dict[object, Chip] = {}
    for slot in free:
        days.setdefault(slot.starts_at.date(), Chip(slot.public_id, wall_clock(slot.starts_at)))
    return list(days.values())[:CHIPS]


def example(merchant: Merchant, *, menu: Menu) -> Example:
    """What a usual event costs with this menu."""
    price = pricing.price(
        pricing.PriceInputs(
            currency=merchant.currency,
            adults=EXAMPLE_ADULTS,
            children=EXAMPLE_CHILDREN,
            menu_name=menu.name,
            adult_price_minor=menu.adult_price_minor,
            child_price_minor=menu.child_price_minor,
            minimum_spend_minor=merchant.minimum_spend_minor,
        )
    )
    shown = (PaymentMethod.CARD, *page_prices.TRANSFERS)
    rates = {method.value: merchant.method_fee_rate(method) for method in shown if merchant.takes(method)}
    deposit = min(merchant.deposit_minor, price.total_minor)
    totals = pricing.totals_by_method(parts_minor=[deposit, price.total_minor - deposit], rates=rates)
    return Example(
        guests_label=f"{EXAMPLE_ADULTS} adults and {EXAMPLE_CHILDREN} children",
        menu_name=menu.name,
        methods=tuple(
            ExampleMethod(str(total.method.label), total.total_minor, total.saving_minor) for total in totals
        ),
    )


def policy_sentence(policy: list[dict[str, int]]) -> str:
    """The brackets in one sentence, longest notice first."""
    brackets = sorted(policy, key=lambda bracket: -bracket["days_before"])
    if not brackets:
        return "Write to us, and we find a way."
    words = [
        f"{_share(bracket['refund_percent'])} back {_notice(bracket['days_before'])}"
        for bracket in brackets
        if bracket["refund_percent"]
    ]
    return f"{', '.join(words).capitalize()}, nothing after that." if words else "Payments are not returned."


def _share(percent: int) -> str:
    return {100: "all of it", 50: "half"}.get(percent, f"{percent} %")


def _notice(days: int) -> str:
    return f"up to {days} days before" if days else "until the day itself"
