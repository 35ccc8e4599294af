"""What the customer agreed to, frozen on the booking as JSON, and how it is read back.

Written once, at booking. Rates are strings of exact decimals. Later changes of the merchant's settings do not reach
a booking; who needs its deposit rule or method fee asks here, not the merchant.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bookings import legal, minimums
from bookings.models import Booking, LegalKind
from bookings.plan import PlanPolicy
from bookings.pricing import PriceInputs
from core.money import share
from customers.models import Merchant, PaymentMethod


def freeze(*, merchant: Merchant, inputs: PriceInputs) -> dict[str, Any]:
    """The terms in force now, with the versions of the texts that say them (bookings/legal.py)."""
    texts = legal.accepted(merchant)
    return {
        "terms_version": str(texts[LegalKind.TERMS]),
        "texts": texts,
        "fee_presentation": merchant.fee_presentation,
        "method_fee_rates": {
            method.value: str(merchant.method_fee_rate(method))
            for method in PaymentMethod
            if method != PaymentMethod.CREDIT
        },
        "tax_rates": [{"name": name, "rate": str(rate)} for name, rate in inputs.tax_rates],
        "tax_travel": merchant.tax_travel,
        "tax_after_discount": merchant.tax_after_discount,
        "tax_method_fee": merchant.tax_method_fee,
        "tax_kept": merchant.tax_kept,
        "minimum_spend_minor": merchant.minimum_spend_minor,
        "deposit": {"deposit_minor": merchant.deposit_minor, "balance_due_days": merchant.balance_due_days},
        "cancellation_policy": merchant.cancellation_policy,
        "move": {"days_before": merchant.move_days_before, "fee_minor": merchant.move_fee_minor},
    }


# What a cancellation would have given back when the customer, or staff, moved the booking: the least of all moves.
MOVED = "moved_at_percent"
MOVED_BY_STAFF = "moved_by_staff_at_percent"


@dataclass(frozen=True, slots=True)
class Bracket:
    """With `notice_days` calendar days until the event, `percent` of the principal paid goes back."""

    notice_days: int
    percent: int


def cancellation(booking: Booking, *, today: date) -> Bracket:
    """What the policy frozen at booking gives back on this day where the event takes place; nothing once it began.

    A booking that its customer moved gives back what it would have given on the day of the move, at most.
    """
    found = _bracket(booking, today=today)
    return Bracket(found.notice_days, min(found.percent, booking.agreement.get(MOVED, 100)))


def before_moves(booking: Booking) -> int:
    """The least that the policy would have given back when the booking was moved, by whomever; 100 when never."""
    return min(booking.agreement.get(MOVED, 100), booking.agreement.get(MOVED_BY_STAFF, 100))


def moved(booking: Booking, *, today: date, by_staff: bool) -> None:
    """Keep what a cancellation would give back today, before it moves: moving is no way to a better bracket."""
    name = MOVED_BY_STAFF if by_staff else MOVED
    least = min(_bracket(booking, today=today).percent, booking.agreement.get(name, 100))
    booking.agreement = {**booking.agreement, name: least}


def _bracket(booking: Booking, *, today: date) -> Bracket:
    notice = (booking.event_date - today).days
    rules = sorted(booking.agreement.get("cancellation_policy", []), key=lambda rule: -rule["days_before"])
    for rule in rules:
        if notice >= rule["days_before"]:
            return Bracket(notice, rule["refund_percent"])
    return Bracket(notice, 0)


@dataclass(frozen=True, slots=True)
class MoveRule:
    """Until how many days before the event a customer may move the date, and what is added for it (tax within)."""

    days_before: int
    fee_minor: int


def move_rule(booking: Booking) -> MoveRule:
    """As agreed to at booking; bookings made before there was such a rule take the merchant's."""
    rule = booking.agreement.get("move")
    if rule is None:
        return MoveRule(booking.merchant.move_days_before, booking.merchant.move_fee_minor)
    return MoveRule(rule["days_before"], rule["fee_minor"])


def plan_policy(booking: Booking) -> PlanPolicy:
    """The deposit rule that this booking was made under."""
    rule = booking.agreement["deposit"]
    return PlanPolicy(
        deposit_minor=rule["deposit_minor"],
        balance_due_days=rule["balance_due_days"],
        minimum_minor=minimums.card_minor(booking.currency),
    )


def method_fee_rate(booking: Booking, *, method: str) -> Decimal:
    """The share that `method` adds to an instalment of this booking; credit never carries a fee."""
    return method_fee_rates(booking).get(PaymentMethod(method).value, Decimal(0))


def method_fee_rates(booking: Booking) -> dict[str, Decimal]:
    """Method -> rate, for every method but credit."""
    return {method: Decimal(rate) for method, rate in booking.agreement["method_fee_rates"].items()}


def tax_rates(booking: Booking) -> tuple[tuple[str, Decimal], ...]:
    """(name, rate) of each tax that applies."""
    return tuple((tax["name"], Decimal(tax["rate"])) for tax in booking.agreement["tax_rates"])


def tax_in_method_fee(booking: Booking, *, fee_minor: int) -> int:
    """The tax that a method fee contains, in minor units; 0 where the fee is not taxed."""
    if not booking.agreement.get("tax_method_fee"):
        return 0
    part, whole = sum((rate for _, rate in tax_rates(booking)), Decimal(1)).as_integer_ratio()
    return fee_minor - share(fee_minor, part=whole, whole=part)


def tax_in_kept(booking: Booking, *, kept_minor: int) -> int:
    """The tax that is within what is kept on a cancellation, at the booking's own rate over all its lines.

    0 where the place does not tax it, or did not when the booking was made.
    """
    if not booking.agreement.get("tax_kept") or not booking.total_minor:
        return 0
    return share(kept_minor, part=booking.tax_minor, whole=booking.total_minor)
