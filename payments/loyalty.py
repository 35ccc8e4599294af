"""Loyalty: a customer's tier by the money kept of theirs. Computed, so that it follows the money by itself.

Kept is principal placed on bookings, less refunds that were agreed to, less lost disputes. Reads only; called by the
console and by whoever shows what a refund or cancellation does to it.
"""

from dataclasses import dataclass

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from customers.models import Customer, Merchant, PaymentMethod
from payments.models import Account, LedgerEntry, Payment, PaymentState, Refund, RefundRoute, RefundState
from payments.models.refund import NO_MONEY_MOVES

NONE = "No tier yet"


@dataclass(frozen=True)
class Standing:
    """`to_next_minor` is what is missing to `next_tier`; "" and 0 at the top."""

    tier: str
    kept_minor: int
    next_tier: str
    to_next_minor: int


def standing(merchant: Merchant, *, kept_minor: int) -> Standing:
    """The tier of so much money, by the merchant's thresholds. In minor units."""
    steps = [
        ("Silver", merchant.silver_from_minor),
        ("Gold", merchant.gold_from_minor),
        ("Platinum", merchant.platinum_from_minor),
    ]
    reached = [name for name, start in steps if kept_minor >= start]
    ahead = [(name, start) for name, start in steps if kept_minor < start]
    name, start = ahead[0] if ahead else ("", kept_minor)
    return Standing(reached[-1] if reached else NONE, kept_minor, name, start - kept_minor)


def of(customer: Customer) -> Standing:
    """This customer's standing now. One statement."""
    return standing(customer.merchant, kept_minor=kept(customer))


def kept(customer: Customer) -> int:
    """Principal placed less refunds less lost disputes, in minor units; never below zero."""
    placed = Payment.objects.filter(customer=OuterRef("pk"), state=PaymentState.SUCCEEDED)
    back = _back().filter(payment__customer=OuterRef("pk"))
    lost = LedgerEntry.objects.filter(customer=OuterRef("pk"), account=Account.DISPUTE_LOSSES)
    row = (
        Customer.objects.filter(pk=customer.pk)
        .annotate(
            _placed=_sum(placed, F("placed_minor")),
            _back=_sum(back, F("amount_minor") - F("from_credit_minor")),
            _lost=_sum(lost, F("amount_minor")),
        )
        .values_list("_placed", "_back", "_lost")
        .get()
    )
    return max(0, row[0] - row[1] - row[2])


def _back() -> QuerySet[Refund]:
    """Refunds that take principal off a booking, agreed to. What was kept as credit has left `placed` already."""
    agreed = Refund.objects.exclude(state__in=[*NO_MONEY_MOVES, RefundState.REQUESTED])
    return agreed.exclude(
        Q(route=RefundRoute.CREDIT, state=RefundState.SUCCEEDED) & ~Q(payment__method=PaymentMethod.CREDIT)
    )


def _sum(rows: QuerySet[Payment] | QuerySet[Refund] | QuerySet[LedgerEntry], value: Combinable) -> Coalesce:
    total = rows.order_by().annotate(_one=Value(1)).values("_one").annotate(total=Sum(value)).values("total")
    return Coalesce(Subquery(total), Value(0), output_field=BigIntegerField())


def effect(customer: Customer, *, back_minor: int) -> str:
    """What so much principal going back does to the tier: "Gold becomes Silver", "" when nothing changes."""
    before = of(customer)
    after = standing(customer.merchant, kept_minor=max(0, before.kept_minor - back_minor))
    if before.tier == after.tier:
        return ""
    return f"{before.tier} becomes {after.tier}" if after.tier != NONE else f"{before.tier} is lost"
