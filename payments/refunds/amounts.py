"""How much a refund may be, and what it is made of: principal, the method fee's share, the tax within. Reads only.

Every split is computed on all refunds of the payment together, less what earlier ones took, so that cents never drift.
"""

from dataclasses import dataclass

from django.db.models import Sum

from bookings.models import Instalment
from core.errors import Invalid
from core.money import format_minor, share
from customers.models import PaymentMethod
from payments import changes, errors
from payments.models import Payment, PaymentState, Refund, RefundCause, RefundRoute, RefundState
from payments.models.refund import NO_MONEY_MOVES

FROM_CREDIT = frozenset({RefundCause.DUPLICATE, RefundCause.SURPLUS})
LOWERS_PRICE = frozenset({RefundCause.PRICE_REDUCTION})


@dataclass(frozen=True)
class RefundPreview:
    """What a refund of this principal would be, in minor units; `total_minor` goes back to the customer."""

    amount_minor: int
    fee_minor: int
    total_minor: int
    tax_minor: int


def refundable(payment: Payment, *, cause: str = RefundCause.PRICE_REDUCTION) -> int:
    """The principal that may still go back for this cause, in minor units."""
    if payment.state != PaymentState.SUCCEEDED:
        return 0
    if cause in FROM_CREDIT:
        # What was paid from credit and came off the booking is credit already; there is no other way back for it.
        return 0 if payment.method == PaymentMethod.CREDIT else sum(loose(payment))
    return payment.placed_minor - _principal(payment)


def loose(payment: Payment, *, but: Refund | None = None) -> tuple[int, int]:
    """What of the payment is on no booking and still here: (unallocated, the customer's credit), in minor units.

    Credit that was spent on a booking is not; `but` leaves one refund out of account.
    """
    if not (payment.credit_minor or payment.unallocated_minor):
        return 0, 0
    live = payment.refunds.exclude(state__in=NO_MONEY_MOVES)
    if but is not None:
        live = live.exclude(pk=but.pk)
    gone = live.aggregate(minor=Sum("from_credit_minor", default=0))["minor"]
    lots = payment.credits.aggregate(left=Sum("remaining_minor", default=0))["left"]
    from_lots = live.aggregate(minor=Sum("credit_uses__amount_minor", default=0))["minor"]
    return max(0, payment.unallocated_minor - (gone - from_lots)), lots


def preview(*, payment: Payment, amount_minor: int, cause: str) -> RefundPreview:
    """The numbers that `request` would execute. Raises NotRefundable, RefundTooLarge, Invalid in words."""
    check(payment, amount_minor=amount_minor, cause=cause)
    if cause in FROM_CREDIT:
        return RefundPreview(amount_minor, 0, amount_minor, 0)
    fee = _fee_share(payment, amount_minor=amount_minor)
    tax = tax_within(payment, amount_minor=amount_minor) if cause in LOWERS_PRICE else 0
    return RefundPreview(amount_minor, fee, amount_minor + fee, tax)


def check(payment: Payment, *, amount_minor: int, cause: str) -> None:
    if payment.state != PaymentState.SUCCEEDED:
        raise errors.NotRefundable("This payment was never completed, so there is nothing to send back.")
    if amount_minor <= 0:
        raise Invalid("Refund more than zero.", fields={"amount": "Refund more than zero."})
    left = refundable(payment, cause=cause)
    if amount_minor > left:
        kind = (
            "paid twice or too much and not spent since" if cause in FROM_CREDIT else "placed on the booking"
        )
        raise errors.RefundTooLarge(
            f"Of what was {kind}, {format_minor(left, payment.currency)} may still go back, "
            f"not {format_minor(amount_minor, payment.currency)}."
        )


def _principal(payment: Payment) -> int:
    """Principal of the refunds that moved or will move, off the booking."""
    sums = _so_far(payment)
    return sums["amount"] - sums["credit"]


def _so_far(payment: Payment) -> dict[str, int]:
    """What earlier refunds took, or will: principal, of it from credit, and the fee's share."""
    rows = payment.refunds.exclude(state__in=NO_MONEY_MOVES)
    if payment.method != PaymentMethod.CREDIT:
        # What was taken as credit was moved within the payment; while it waits for approval it is held all the same.
        rows = rows.exclude(route=RefundRoute.CREDIT, state=RefundState.SUCCEEDED)
    return rows.aggregate(
        amount=Sum("amount_minor", default=0),
        credit=Sum("from_credit_minor", default=0),
        fee=Sum("fee_minor", default=0),
    )


def _fee_share(payment: Payment, *, amount_minor: int) -> int:
    """The method fee's share, computed on all refunds of the payment together, less what earlier ones took."""
    if not payment.placed_minor:
        return 0
    sums = _so_far(payment)
    placed = sums["amount"] - sums["credit"] + amount_minor
    return max(0, share(payment.received_fee_minor, part=placed, whole=payment.placed_minor) - sums["fee"])


def on_booking(payment: Payment) -> int:
    """What of the payment is on its booking still, the method fee with it, in minor units."""
    sums = _so_far(payment)
    return payment.placed_minor + payment.received_fee_minor - (sums["amount"] - sums["credit"]) - sums["fee"]


def split(payment: Payment, total_minor: int) -> tuple[int, int]:
    """(principal, fee) of what goes back off the booking, on all refunds of the payment together, less earlier ones."""
    sums = _so_far(payment)
    placed = sums["amount"] - sums["credit"]
    whole = payment.placed_minor + payment.received_fee_minor
    if not whole:
        return total_minor, 0
    principal = share(placed + sums["fee"] + total_minor, part=payment.placed_minor, whole=whole) - placed
    principal = max(0, min(principal, total_minor, payment.placed_minor - placed))
    return principal, total_minor - principal


def placed_on(payment: Payment) -> Instalment | None:
    return Instalment.objects.get(pk=payment.instalment_id) if payment.instalment_id else None


def price_fall(instalment: Instalment | None, *, amount_minor: int) -> int:
    """By how much the price falls: what an earlier refund that failed left above it goes back first."""
    above = max(0, instalment.paid_minor - instalment.amount_minor) if instalment else 0
    return amount_minor - min(amount_minor, above)


def tax_within(payment: Payment, *, amount_minor: int) -> int:
    """The tax inside the fall of the price that this much principal brings."""
    fall = price_fall(placed_on(payment), amount_minor=amount_minor)
    return changes.tax_within(payment.booking, amount_minor=fall) if payment.booking and fall else 0
