"""The price of a booking: one pure function from what was chosen to lines that sum to a total.

All amounts are integers in minor units of `currency`. Invariants: the lines' amounts sum to the total; nothing is
negative but the discount line; each tax rate is rounded half up once, on the whole taxable subtotal. No query, no
clock: `bookings/catalogue.py` collects the inputs. Method fees are no part of a price: each payment adds its own, half
up, on its instalment (`method_fee`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bookings.models.catalogue import Per
from bookings.models.price_line import LineKind
from core.errors import Invalid
from core.money import at_rate
from customers.models import PaymentMethod

MAX_TOTAL_MINOR = 2**31 - 1  # What the database's integer columns hold.


class PriceTooLarge(Invalid):
    """More than one booking can cost here."""

    code = "price_too_large"
    title = "That is more than one booking can hold"


@dataclass(frozen=True, slots=True)
class AddOnChoice:
    """An add-on as chosen: `unit_minor` is multiplied by what `per` says, and by `quantity`."""

    name: str
    per: Per
    unit_minor: int
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class PriceInputs:
    """Everything that a price depends on. `tax_rates` are (name, rate): ("Sales tax", Decimal("0.0875"))."""

    currency: str
    adults: int
    children: int
    menu_name: str
    adult_price_minor: int
    child_price_minor: int
    add_ons: tuple[AddOnChoice, ...] = ()
    travel_name: str = "Travel"
    travel_minor: int = 0
    discount_name: str = "Discount"
    discount_minor: int = 0
    minimum_spend_minor: int = 0
    tax_rates: tuple[tuple[str, Decimal], ...] = ()
    tax_travel: bool = False
    tax_after_discount: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price; only a discount's amount is negative."""

    kind: LineKind
    description: str
    quantity: int
    unit_minor: int
    amount_minor: int
    taxable: bool


@dataclass(frozen=True, slots=True)
class Price:
    """`subtotal_minor` is before tax and after discount; `taxable_minor` is what each rate was applied to."""

    currency: str
    lines: tuple[Line, ...]
    subtotal_minor: int
    taxable_minor: int
    tax_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class MethodTotal:
    """What is paid by one method: total = amount + fee.

    The saving is told against the card's total, whichever way the merchant presents the fee: amounts are the same.
    """

    method: PaymentMethod
    rate: Decimal
    amount_minor: int
    fee_minor: int
    total_minor: int
    saving_minor: int


def price(inputs: PriceInputs) -> Price:
    """The price. Raises PriceTooLarge, and ValueError for a negative input (a bug of the caller)."""
    _refuse_negative(inputs)
    food = [*_menu_lines(inputs), *_add_on_lines(inputs)]
    food_minor = sum(line.amount_minor for line in food)
    shortfall = max(0, inputs.minimum_spend_minor - food_minor)
    discount = min(inputs.discount_minor, food_minor + shortfall)
    lines = [*food, *_other_lines(inputs, shortfall_minor=shortfall, discount_minor=discount)]
    subtotal = sum(line.amount_minor for line in lines)
    taxable = sum(line.amount_minor for line in lines if line.taxable)
    taxes = _tax_lines(inputs, taxable_minor=taxable)
    tax = sum(line.amount_minor for line in taxes)
    if subtotal + tax > MAX_TOTAL_MINOR:
        raise PriceTooLarge(
            "The price is larger than one booking can hold. Please ask the caterer.",
            staff="The price is larger than one booking can hold.",
        )
    return Price(inputs.currency, (*lines, *taxes), subtotal, taxable, tax, subtotal + tax)


def _refuse_negative(inputs: PriceInputs) -> None:
    amounts = [
        inputs.adults,
        inputs.children,
        inputs.adult_price_minor,
        inputs.child_price_minor,
        inputs.travel_minor,
        inputs.discount_minor,
        inputs.minimum_spend_minor,
    ]
    amounts += [value for choice in inputs.add_ons for value in (choice.unit_minor, choice.quantity)]
    if min(amounts) < 0 or any(rate < 0 for _name, rate in inputs.tax_rates):
        raise ValueError("A price is computed from numbers of zero or more.")


def _line(*, kind: LineKind, description: str, quantity: int, unit_minor: int, taxable: bool = True) -> Line:
    return Line(kind, description, quantity, unit_minor, quantity * unit_minor, taxable)


def _menu_lines(inputs: PriceInputs) -> list[Line]:
    heads = (
        (LineKind.MENU_ADULT, "adults", inputs.adults, inputs.adult_price_minor),
        (LineKind.MENU_CHILD, "children", inputs.children, inputs.child_price_minor),
    )
    return [
        _line(kind=kind, description=f"{inputs.menu_name}, {who}", quantity=count, unit_minor=unit)
        for kind, who, count, unit in heads
        if count
    ]


def _add_on_lines(inputs: PriceInputs) -> list[Line]:
    counts = {
        Per.GUEST: inputs.adults + inputs.children,
        Per.ADULT: inputs.adults,
        Per.CHILD: inputs.children,
        Per.BOOKING: 1,
        Per.UNIT: 1,
    }
    return [
        _line(kind=LineKind.ADD_ON, description=choice.name, quantity=quantity, unit_minor=choice.unit_minor)
        for choice in inputs.add_ons
        if (quantity := counts[choice.per] * choice.quantity)
    ]


def _other_lines(inputs: PriceInputs, *, shortfall_minor: int, discount_minor: int) -> list[Line]:
    """The shortfall is food that was not ordered, so it is taxed; a discount comes off food, never off travel."""
    rows = (
        (LineKind.MINIMUM_SPEND, "Up to the minimum spend", shortfall_minor, True),
        (LineKind.TRAVEL, inputs.travel_name, inputs.travel_minor, inputs.tax_travel),
        (LineKind.DISCOUNT, inputs.discount_name, -discount_minor, inputs.tax_after_discount),
    )
    return [
        _line(kind=kind, description=description, quantity=1, unit_minor=amount, taxable=taxable)
        for kind, description, amount, taxable in rows
        if amount
    ]


def _tax_lines(inputs: PriceInputs, *, taxable_minor: int) -> list[Line]:
    return [
        _line(
            kind=LineKind.TAX,
            description=f"{name} {percent(rate)}",
            quantity=1,
            unit_minor=at_rate(taxable_minor, rate=rate),
            taxable=False,
        )
        for name, rate in inputs.tax_rates
        if rate
    ]


def percent(rate: Decimal) -> str:
    """A rate for people: Decimal("0.087500") -> "8.75 %"."""
    return f"{(rate * 100).normalize():f} %"


def method_fee(amount_minor: int, *, rate: Decimal) -> int:
    """The fee on one payment of `amount_minor` principal, half up."""
    return at_rate(amount_minor, rate=rate)


def method_total(amount_minor: int, *, rate: Decimal) -> int:
    """What one payment comes to with its fee."""
    return amount_minor + method_fee(amount_minor, rate=rate)


def totals_by_method(*, parts_minor: Sequence[int], rates: Mapping[str, Decimal]) -> tuple[MethodTotal, ...]:
    """For each method in `rates`: all `parts_minor` paid by it, one payment each, as they will be rounded.

    `rates` is method -> rate and holds the card's, which savings are told against; a dearer method saves 0.
    """
    amount = sum(parts_minor)
    fees = {
        method: sum(method_fee(part, rate=rate) for part in parts_minor) for method, rate in rates.items()
    }
    card_fee = fees.get(PaymentMethod.CARD, 0)
    return tuple(
        MethodTotal(PaymentMethod(method), rates[method], amount, fee, amount + fee, max(0, card_fee - fee))
        for method, fee in fees.items()
    )
