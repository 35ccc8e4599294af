"""Prices as a customer reads them: the listed price, what other methods save, how lines are worded.

With the presentation "discount" the listed price is the card's; with "surcharge" it is the one without a method fee.
The amounts themselves come from `bookings/pricing.py`; nothing here is charged.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bookings import pricing
from bookings.models import LineKind
from bookings.plan import Part
from bookings.pricing import MethodTotal, Price, percent
from core.money import format_minor
from customers.models import FeePresentation, Merchant, PaymentMethod

TRANSFERS = (PaymentMethod.ZELLE, PaymentMethod.VENMO)


@dataclass(frozen=True, slots=True)
class FeeWords:
    """How a merchant's method fees are told."""

    is_discount: bool
    card_rate: Decimal
    least_rate: Decimal
    cheapest_label: str
    transfer_labels: str

    @property
    def surcharge_words(self) -> str:
        """What a card adds to the listed prices; nothing where they are the card's."""
        return "" if self.is_discount or not self.card_rate else f"a card adds {percent(self.card_rate)}"


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """One unit's price: listed, and with the cheapest transfer."""

    listed_minor: int
    least_minor: int

    @property
    def saves(self) -> bool:
        return self.least_minor < self.listed_minor


@dataclass(frozen=True, slots=True)
class ShownLine:
    description: str
    detail: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Saving:
    label: str
    total_minor: int
    saves_minor: int


@dataclass(frozen=True, slots=True)
class Rest:
    """`due_on` is None while no date is chosen."""

    amount_minor: int
    due_on: date | None


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """What the price panel shows. `headline_minor` is all of it by card."""

    currency: str
    lines: tuple[ShownLine, ...]
    taxes: tuple[ShownLine, ...]
    processing_label: str
    processing_minor: int
    processing_note: str
    headline_minor: int
    savings: tuple[Saving, ...]
    due_label: str
    due_now_minor: int
    rest: Rest | None
    waits_for_place: bool


def fee_words(merchant: Merchant) -> FeeWords:
    taken = [method for method in TRANSFERS if merchant.takes(method)]
    cheapest = min((PaymentMethod.CARD, *taken), key=merchant.method_fee_rate)
    return FeeWords(
        is_discount=merchant.fee_presentation == FeePresentation.DISCOUNT,
        card_rate=merchant.method_fee_rate(PaymentMethod.CARD),
        least_rate=merchant.method_fee_rate(cheapest),
        cheapest_label=str(cheapest.label),
        transfer_labels=" or ".join(str(method.label) for method in taken),
    )


def taken_rates(merchant: Merchant, rates: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Of these rates those of the ways to pay that the merchant offers: what cannot be used is advertised nowhere."""
    return {method: rate for method, rate in rates.items() if merchant.takes(method)}


def unit_price(minor: int, *, fee: FeeWords) -> UnitPrice:
    """A catalogue price with the method's fee in it, as a guide; sums are rounded per payment, not per unit."""
    if not fee.is_discount:
        return UnitPrice(minor, minor)
    return UnitPrice(
        pricing.method_total(minor, rate=fee.card_rate), pricing.method_total(minor, rate=fee.least_rate)
    )


def shown_lines(lines: Iterable[tuple[LineKind, str, int, int, int]], *, currency: str) -> list[ShownLine]:
    """(kind, description, quantity, unit, amount) -> lines; the detail spells the multiplication out."""
    return [
        ShownLine(
            description=description,
            detail=f"{quantity} × {format_minor(unit, currency)}" if quantity > 1 else "",
            amount_minor=amount,
        )
        for _kind, description, quantity, unit, amount in lines
    ]


def shown_price(
    *,
    price: Price,
    parts: Sequence[Part],
    totals: Sequence[MethodTotal],
    waits_for_place: bool,
    knows_day: bool,
    is_discount: bool,
) -> ShownPrice:
    """The panel for a price with its plan; `totals` per method as `pricing.totals_by_method` gives them."""
    card = next(total for total in totals if total.method == PaymentMethod.CARD)
    rows = [
        (line.kind, line.description, line.quantity, line.unit_minor, line.amount_minor)
        for line in price.lines
    ]
    now = [part for part in parts if part.due_on is None]
    later = [part for part in parts if part.due_on is not None]
    return ShownPrice(
        currency=price.currency,
        lines=tuple(shown_lines((r for r in rows if r[0] != LineKind.TAX), currency=price.currency)),
        taxes=tuple(shown_lines((r for r in rows if r[0] == LineKind.TAX), currency=price.currency)),
        processing_label="In the card price" if is_discount else "Card fee",
        processing_minor=card.fee_minor,
        processing_note=_processing_note(totals, rate=card.rate, is_discount=is_discount),
        headline_minor=card.total_minor,
        savings=tuple(savings(totals)),
        due_label="Deposit due today" if later else "Due today, in full",
        due_now_minor=sum(pricing.method_total(part.amount_minor, rate=card.rate) for part in now),
        rest=_rest(later, card_rate=card.rate, knows_day=knows_day),
        waits_for_place=waits_for_place,
    )


def _processing_note(totals: Sequence[MethodTotal], *, rate: Decimal, is_discount: bool) -> str:
    """The card's rate, and with which transfer it is taken off, or not asked for."""
    free = [str(total.method.label) for total in totals if total.method in TRANSFERS and not total.fee_minor]
    if not free:
        return percent(rate)
    return f"{percent(rate)}, {'taken off' if is_discount else 'none'} with {' or '.join(free)}"


def savings(totals: Iterable[MethodTotal]) -> list[Saving]:
    """What each transfer saves against the card, the most first; nothing for one that saves nothing."""
    found = [
        Saving(str(total.method.label), total.total_minor, total.saving_minor)
        for total in totals
        if total.method in TRANSFERS and total.saving_minor
    ]
    return sorted(found, key=lambda saving: -saving.saves_minor)


def _rest(later: Sequence[Part], *, card_rate: Decimal, knows_day: bool) -> Rest | None:
    if not later:
        return None
    amount = sum(pricing.method_total(part.amount_minor, rate=card_rate) for part in later)
    return Rest(amount, later[0].due_on if knows_day else None)
