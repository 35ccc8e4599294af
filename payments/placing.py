"""Where money that came goes, and how it is booked: one path for cards and for transfers.

Money facts never roll back because a business rule refused: what does not fit goes to the customer's credit or to
`unallocated`, with an item on the desk. `settlement` calls it for charges, `manual` for what came outside Stripe, each
inside its own transaction and with the locks taken by `lock`. Never calls Stripe.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bookings import agreement, lifecycle
from bookings.errors import BookingEnded, NoCapacity
from bookings.models import Booking, BookingState, Instalment, Slot
from core import clock
from core.money import share
from customers import platform_fees
from payments import credit, desk, dues, ledger, receipts, rounding
from payments.models import Account, Capture, CreditSource, DeskKind, Payment, PaymentState

# Money of these bookings is nobody's yet: staff place it.
_NOT_PLACED = frozenset({DeskKind.LATE_MONEY, DeskKind.NO_CAPACITY, DeskKind.FOREIGN_MONEY})


@dataclass(frozen=True)
class Asked:
    """The principal and the method fee that the money was to bring, in minor units."""

    amount_minor: int
    fee_minor: int

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor


@dataclass(frozen=True)
class Incoming:
    """Money that came, whatever brought it. `source` is the ledger's key, used once; `pf:…` is derived from it.

    `in_parts`: less than what was asked is a part of it, to be followed by the rest (transfers), rather than a
    mismatch (cards, which are charged what we asked for). `as_credit`: staff decided to keep it for the customer.
    """

    amount_minor: int
    currency: str
    occurred_at: datetime
    clearing: str
    source: str
    platform_source: str
    desk_key: str
    description: str
    actor: str
    event_id: str = ""
    in_parts: bool = False
    as_credit: bool = False
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Placement:
    """Where received money goes; the four parts sum to what was received."""

    placed_minor: int = 0
    fee_minor: int = 0
    credit_minor: int = 0
    unallocated_minor: int = 0


@dataclass(frozen=True)
class Booked:
    """What became of it: `refusal` is the desk item's kind, empty when everything fits. `forgiven_minor` is what cash
    was short of and nobody asks for.
    """

    place: Placement
    refusal: str
    instalment: Instalment | None
    forgiven_minor: int = 0


def lock(booking_ids: Collection[int]) -> dict[int, Booking]:
    """The bookings by id, locked in that order, then the slots of those that expired: before any payment's lock."""
    rows = (
        Booking.objects.filter(pk__in=booking_ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    )
    bookings = {booking.pk: booking for booking in rows}
    # Confirming an expired one takes its place again.
    again = {booking.slot_id for booking in bookings.values() if booking.state == BookingState.EXPIRED}
    if again:
        list(Slot.objects.filter(pk__in=again).order_by("pk").select_for_update(of=("self",), no_key=True))
    return bookings


def book(
    payment: Payment, booking: Booking | None, money: Incoming, *, asked: Asked, save: Sequence[str] = ()
) -> Booked:
    """Place the money, mark the payment paid, post, and leave a receipt and, when it does not fit, a desk item.

    The payment and its booking are locked; `save` names further fields that the caller set on the payment.
    """
    instalment = dues.aim(payment)
    drawn = []
    if instalment is not None and booking is not None:
        principal = principal_of(asked, amount_minor=money.amount_minor)
        if rounding.is_near(payment, short_minor=asked.total_minor - money.amount_minor):
            principal = asked.amount_minor
        drawn = dues.absorb(payment, instalment, principal_minor=principal)
    place = (
        split(asked, instalment, amount_minor=money.amount_minor, in_parts=money.in_parts)
        if instalment is not None
        else Placement(credit_minor=money.amount_minor)
    )
    forgiven = forgivable(payment, instalment, asked=asked, place=place, amount_minor=money.amount_minor)
    covers = instalment is not None and place.placed_minor + forgiven >= instalment.open_minor
    refusal = _refusal(payment, booking, instalment, money, asked=asked, place=place, covers=covers)
    if refusal in _NOT_PLACED:
        place, forgiven = Placement(unallocated_minor=money.amount_minor), 0
    _record(payment, money, place, save=save)
    _post(payment, booking, money, place)
    credit.keep(payment, amount_minor=place.credit_minor, source=CreditSource.SURPLUS)
    if instalment is not None and place.placed_minor:
        Instalment.objects.bulk_update(drawn, ["amount_minor", "purpose"])
        instalment.paid_minor += place.placed_minor
        instalment.save(update_fields=["paid_minor"])
        rounding.settle(payment, booking, instalment, forgiven_minor=forgiven, actor=money.actor)
    _raise_for(refusal, payment, booking, money, place)
    if booking is not None:
        receipts.leave(payment)
    return Booked(place, refusal, instalment, forgiven)


def split(asked: Asked, instalment: Instalment, *, amount_minor: int, in_parts: bool) -> Placement:
    """Principal as far as the instalment is open, its share of the fee, the rest to the customer's credit."""
    open_minor = instalment.open_minor
    if not open_minor or not asked.total_minor:
        return Placement(credit_minor=amount_minor)
    fee = _fee(asked, amount_minor)
    principal = principal_of(asked, amount_minor=amount_minor)
    placed = min(principal, open_minor)
    kept_fee = share(fee, part=placed, whole=principal) if principal else 0
    if in_parts and placed == open_minor - 1 and kept_fee:
        # Several parts, each rounded for itself, must not leave the instalment a cent short.
        placed, kept_fee = placed + 1, kept_fee - 1
    return Placement(placed, kept_fee, amount_minor - placed - kept_fee)


def forgivable(
    payment: Payment, instalment: Instalment | None, *, asked: Asked, place: Placement, amount_minor: int
) -> int:
    """What this cash leaves open and nobody asks for, in minor units of principal."""
    if instalment is None or not place.placed_minor:
        return 0
    if not rounding.is_near(payment, short_minor=asked.total_minor - amount_minor):
        return 0
    return instalment.open_minor - place.placed_minor


def principal_of(asked: Asked, *, amount_minor: int) -> int:
    """What of the money is principal, as far as it was asked for."""
    return min(asked.amount_minor, amount_minor - _fee(asked, amount_minor))


def _fee(asked: Asked, amount_minor: int) -> int:
    """The method fee's share of what came, the whole of it at most."""
    if not asked.total_minor:
        return 0
    return min(asked.fee_minor, share(amount_minor, part=asked.fee_minor, whole=asked.total_minor))


def _refusal(
    payment: Payment,
    booking: Booking | None,
    instalment: Instalment | None,
    money: Incoming,
    *,
    asked: Asked,
    place: Placement,
    covers: bool,
) -> str:
    """Why this money does not fit, or empty. Confirms the booking when it does and the instalment is covered."""
    if money.as_credit and payment.customer_id:
        return ""
    if booking is None or money.currency != payment.currency:
        return DeskKind.FOREIGN_MONEY
    if instalment is None:
        return DeskKind.SURPLUS  # paid a second time
    if booking.state == BookingState.CANCELLED:
        return DeskKind.LATE_MONEY
    if not (covers if money.in_parts else _is_whole(payment, booking, money, asked=asked, covers=covers)):
        if booking.state == BookingState.EXPIRED:
            return DeskKind.LATE_MONEY
        return "" if money.in_parts else DeskKind.AMOUNT_MISMATCH
    try:
        lifecycle.confirm(booking, actor=money.actor, event_id=money.event_id)
    except NoCapacity:
        return DeskKind.NO_CAPACITY
    except BookingEnded:
        return DeskKind.LATE_MONEY
    return DeskKind.SURPLUS if place.credit_minor else ""


def _is_whole(payment: Payment, booking: Booking, money: Incoming, *, asked: Asked, covers: bool) -> bool:
    """Whether a card brought what was asked; and, where it is to make the booking one, what is asked since. What staff
    captured in part is meant so.
    """
    makes_it_one = booking.state in (BookingState.HELD, BookingState.EXPIRED)
    is_old = makes_it_one and payment.capture == Capture.AUTOMATIC and not covers
    return money.amount_minor >= asked.total_minor and not is_old


def _record(payment: Payment, money: Incoming, place: Placement, *, save: Sequence[str]) -> None:
    fee = platform_fees.in_force(payment.merchant, on=clock.today(payment.merchant.timezone))
    payment.currency = money.currency
    payment.received_minor = money.amount_minor
    payment.received_fee_minor = place.fee_minor
    payment.placed_minor = place.placed_minor
    payment.credit_minor = place.credit_minor
    payment.unallocated_minor = place.unallocated_minor
    payment.platform_fee_minor = fee.of(money.amount_minor)
    payment.succeeded_at = money.occurred_at
    payment.transition_to(
        PaymentState.SUCCEEDED,
        actor=money.actor,
        event_id=money.event_id,
        save=[
            "instalment", "currency", "received_minor", "received_fee_minor", "placed_minor", "credit_minor",
            "unallocated_minor", "platform_fee_minor", "succeeded_at", "updated_at", *save,
        ],
    )  # fmt: skip


def _post(payment: Payment, booking: Booking | None, money: Incoming, place: Placement) -> None:
    fee_tax = agreement.tax_in_method_fee(booking, fee_minor=place.fee_minor) if booking else 0
    receivable = ledger.receivable_in(booking, minor=place.placed_minor) if booking else 0
    what = booking.code if booking else money.description
    ledger.post(
        merchant=payment.merchant,
        currency=money.currency,
        source_key=money.source,
        description=f"{payment.get_method_display()} payment {what}",
        occurred_at=money.occurred_at,
        payment=payment,
        lines=[
            ledger.debit(money.clearing, money.amount_minor),
            ledger.credit(Account.ACCOUNTS_RECEIVABLE, receivable),
            ledger.credit(Account.CUSTOMER_DEPOSITS, place.placed_minor - receivable),
            ledger.credit(Account.PROCESSING_FEE_INCOME, place.fee_minor - fee_tax),
            ledger.credit(Account.TAX_PAYABLE, fee_tax),
            ledger.credit(Account.CUSTOMER_CREDIT, place.credit_minor),
            ledger.credit(Account.UNALLOCATED, place.unallocated_minor),
        ],
    )
    fee = payment.platform_fee_minor or 0
    ledger.post(
        merchant=payment.merchant,
        currency=money.currency,
        source_key=money.platform_source,
        description=f"Platform fee {what}",
        occurred_at=money.occurred_at,
        payment=payment,
        lines=[ledger.debit(Account.PLATFORM_FEES, fee), ledger.credit(Account.PLATFORM_PAYABLE, fee)],
    )


SUMMARIES = {
    DeskKind.LATE_MONEY: "Paid after the booking had ended",
    DeskKind.NO_CAPACITY: "Paid after the hold ended, and the time is taken",
    DeskKind.SURPLUS: "More was paid than was due",
    DeskKind.AMOUNT_MISMATCH: "Less was paid than was due",
    DeskKind.FOREIGN_MONEY: "Money that belongs to no booking",
}


def _raise_for(
    refusal: str, payment: Payment, booking: Booking | None, money: Incoming, place: Placement
) -> None:
    if not refusal:
        return
    foreign_charge = refusal == DeskKind.FOREIGN_MONEY and money.clearing == Account.CLEARING_STRIPE
    desk.raise_item(
        merchant=payment.merchant,
        kind=refusal,
        key=money.desk_key,
        summary="A charge at Stripe that belongs to no booking"
        if foreign_charge
        else SUMMARIES[DeskKind(refusal)] + (f": {booking.code}" if booking else ""),
        payment=payment,
        booking=booking,
        evidence={
            **money.evidence,
            "received_minor": money.amount_minor,
            "due_minor": payment.total_minor,
            "currency": money.currency,
            "placed_minor": place.placed_minor,
            "credit_minor": place.credit_minor,
            "unallocated_minor": place.unallocated_minor,
        },
    )
