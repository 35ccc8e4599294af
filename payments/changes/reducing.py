"""A price reduction, tax included, with what it does to plan and ledger. The caller holds the Booking's lock."""

from dataclasses import dataclass

from django.db.models import Max, Q, Sum

from bookings.editing import LATER_KINDS
from bookings.models import Booking, BookingState, Instalment, LineKind, PriceLine
from core import clock
from core.money import share
from payments import ledger
from payments.models import Account


@dataclass(frozen=True)
class Fall:
    """By how much a price fell, the tax within that, and the price since; in minor units."""

    amount_minor: int
    tax_minor: int
    price_minor: int


def tax_within(booking: Booking, *, amount_minor: int) -> int:
    """The tax inside a further price reduction of `amount_minor`, in minor units.

    Computed on all reductions together, less what earlier ones took, so that cents never drift. After a move to a day
    with another tax that is made good too, as far as it goes: it is never below zero, and never above `amount_minor` or
    the tax that the price has left (what was added for a move has none).
    """
    reduction = Q(kind=LineKind.REDUCTION)
    priced = ~Q(kind__in=LATER_KINDS)
    sums = booking.lines.aggregate(
        price=Sum("amount_minor", filter=priced, default=0),
        tax=Sum("amount_minor", filter=Q(kind=LineKind.TAX), default=0),
        reduced=Sum("amount_minor", filter=reduction, default=0),
        reduced_tax=Sum("tax_minor", filter=reduction, default=0),
    )
    if not sums["price"]:
        return 0
    whole = share(amount_minor - sums["reduced"], part=sums["tax"], whole=sums["price"])
    return min(amount_minor, booking.tax_minor, max(0, whole + sums["reduced_tax"]))


def reduce_price(
    *, booking: Booking, instalment: Instalment, amount_minor: int, description: str, source_key: str
) -> Fall:
    """Lower the price and this instalment by `amount_minor` (tax included).

    After the event the fall is posted too; before it nothing was earned yet. The caller refunds it, so it goes to
    customer_deposits whole, from where the refund takes it: what is still owed stays owed.
    """
    tax = tax_within(booking, amount_minor=amount_minor)
    last = booking.lines.aggregate(last=Max("position"))["last"]
    PriceLine.objects.create(
        booking=booking,
        position=(last or 0) + 1,
        kind=LineKind.REDUCTION,
        description=description[:160],
        unit_minor=-amount_minor,
        amount_minor=-amount_minor,
        tax_minor=-tax,
    )
    booking.total_minor -= amount_minor
    booking.tax_minor -= tax
    booking.save(update_fields=["total_minor", "tax_minor"])
    instalment.amount_minor -= amount_minor
    instalment.save(update_fields=["amount_minor"])
    if booking.state == BookingState.COMPLETED:
        _post_fall(booking, amount_minor=amount_minor, tax_minor=tax, source_key=source_key)
    return Fall(amount_minor, tax, booking.total_minor)


def _post_fall(booking: Booking, *, amount_minor: int, tax_minor: int, source_key: str) -> None:
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=source_key,
        description=f"Price of {booking.code} reduced after the event",
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.REVENUE, amount_minor - tax_minor),
            ledger.debit(Account.TAX_PAYABLE, tax_minor),
            ledger.credit(Account.CUSTOMER_DEPOSITS, amount_minor),
        ],
        booking=booking,
    )
