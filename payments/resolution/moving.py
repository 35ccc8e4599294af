"""Unallocated money on its way to where it belongs. Each function runs inside the caller's transaction.

The DeskItem is locked already; then Booking, Slot, Payment, Credit, ledger, as everywhere.
"""

from bookings import agreement, lifecycle
from bookings.models import Booking, BookingState, Instalment, Purpose
from bookings.pricing import method_fee
from core import clock
from core.money import format_minor
from customers.models import Customer
from payments import credit, dues, errors, ledger, placing, receipts, refunds, rounding
from payments.models import Account, CreditSource, Payment, Receipt

PAYABLE = frozenset({BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED})


def lock_payment(payment: Payment) -> tuple[Payment, int]:
    """The payment, locked, and what of it is unallocated still. Raises NothingLeft when nothing is."""
    locked = (
        Payment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "customer__merchant")
        .get(pk=payment.pk)
    )
    minor = refunds.loose(locked)[0]
    if not minor:
        raise errors.NothingLeft()
    return locked, minor


def place(payment: Payment, booking: Booking, *, actor: str, key: str) -> str:
    """Onto what the booking asks for next (onto all that is open of its own, when it was sent for that), with the
    method's fee by proportion; the rest becomes credit.

    `booking` is locked (placing.lock). Raises NothingToPay, NothingLeft, PlacedElsewhere; then nothing changed.
    """
    if booking.state not in PAYABLE:
        raise errors.NothingToPay(f"{booking.code} is {booking.get_state_display().lower()}.")
    payment, minor = lock_payment(payment)
    if payment.currency != booking.currency:
        raise errors.NothingToPay(f"{booking.code} is priced in {booking.currency.upper()}.")
    if payment.placed_minor and payment.booking_id != booking.pk:
        raise errors.PlacedElsewhere()
    if payment.booking_id != booking.pk:
        payment.purpose = ""  # It was sent for another; here it becomes the instalment's.
    ask = dues.next_due(booking, purpose=Purpose.FULL if payment.purpose == Purpose.FULL else "")
    asked = _asked(payment, booking, amount_minor=ask.amount_minor)
    principal = placing.principal_of(asked, amount_minor=minor)
    drawn = dues.absorb(payment, ask.instalment, principal_minor=principal)
    parts = placing.split(asked, ask.instalment, amount_minor=minor, in_parts=True)
    if payment.placed_minor and payment.instalment_id != ask.instalment.pk:
        raise errors.PlacedElsewhere()
    forgiven = placing.forgivable(payment, ask.instalment, asked=asked, place=parts, amount_minor=minor)
    Instalment.objects.bulk_update(drawn, ["amount_minor", "purpose"])
    _move(payment, booking, ask.instalment, parts=parts, forgiven_minor=forgiven, actor=actor, key=key)
    currency = payment.currency
    words = f"{format_minor(parts.placed_minor + parts.fee_minor, currency)} placed on {booking.code}"
    return words + (
        f", {format_minor(parts.credit_minor, currency)} kept as credit" if parts.credit_minor else ""
    )


def _asked(payment: Payment, booking: Booking, *, amount_minor: int) -> placing.Asked:
    """Principal and fee as the booking's own terms have them for this method."""
    rate = agreement.method_fee_rate(booking, method=payment.method)
    return placing.Asked(amount_minor, method_fee(amount_minor, rate=rate))


def _move(
    payment: Payment,
    booking: Booking,
    instalment: Instalment,
    *,
    parts: placing.Placement,
    forgiven_minor: int,
    actor: str,
    key: str,
) -> None:
    moved = parts.placed_minor + parts.fee_minor + parts.credit_minor
    payment.booking, payment.instalment, payment.customer = booking, instalment, booking.customer
    payment.purpose = payment.purpose or instalment.purpose
    payment.unallocated_minor -= moved
    payment.placed_minor += parts.placed_minor
    payment.received_fee_minor += parts.fee_minor
    payment.credit_minor += parts.credit_minor
    payment.save(
        update_fields=[
            "booking", "instalment", "customer", "purpose", "unallocated_minor", "placed_minor",
            "received_fee_minor", "credit_minor", "updated_at",
        ]
    )  # fmt: skip
    fee_tax = agreement.tax_in_method_fee(booking, fee_minor=parts.fee_minor)
    receivable = ledger.receivable_in(booking, minor=parts.placed_minor)
    ledger.post(
        merchant=payment.merchant,
        currency=payment.currency,
        source_key=key,
        description=f"Placed on {booking.code}",
        occurred_at=clock.now(),
        payment=payment,
        lines=[
            ledger.debit(Account.UNALLOCATED, moved),
            ledger.credit(Account.ACCOUNTS_RECEIVABLE, receivable),
            ledger.credit(Account.CUSTOMER_DEPOSITS, parts.placed_minor - receivable),
            ledger.credit(Account.PROCESSING_FEE_INCOME, parts.fee_minor - fee_tax),
            ledger.credit(Account.TAX_PAYABLE, fee_tax),
            ledger.credit(Account.CUSTOMER_CREDIT, parts.credit_minor),
        ],
    )
    credit.keep(payment, amount_minor=parts.credit_minor, source=CreditSource.PLACED)
    instalment.paid_minor += parts.placed_minor
    instalment.save(update_fields=["paid_minor"])
    rounding.settle(payment, booking, instalment, forgiven_minor=forgiven_minor, actor=actor)
    if booking.state == BookingState.HELD and not instalment.open_minor:
        lifecycle.confirm(booking, actor=actor, reason="Its money was placed by staff")
    if not Receipt.objects.filter(payment=payment).exists():
        receipts.leave(payment)


def to_credit(payment: Payment, *, customer: Customer | None, key: str) -> str:
    """All that is unallocated becomes the customer's credit. Raises NothingLeft, NoCustomer."""
    payment, minor = lock_payment(payment)
    owner = payment.customer or customer
    if owner is None:
        raise errors.NoCustomer()
    payment.customer = owner
    payment.unallocated_minor -= minor
    payment.credit_minor += minor
    payment.save(update_fields=["customer", "unallocated_minor", "credit_minor", "updated_at"])
    _post_out(
        payment, minor=minor, to=Account.CUSTOMER_CREDIT, key=key, words="Kept as the customer's credit"
    )
    credit.keep(payment, amount_minor=minor, source=CreditSource.PLACED)
    return f"{format_minor(minor, payment.currency)} kept as {owner.name}'s credit"


def to_income(payment: Payment, *, key: str) -> str:
    """All that is unallocated becomes other income. Raises NothingLeft."""
    payment, minor = lock_payment(payment)
    payment.unallocated_minor -= minor
    payment.kept_minor += minor
    payment.save(update_fields=["unallocated_minor", "kept_minor", "updated_at"])
    _post_out(payment, minor=minor, to=Account.OTHER_INCOME, key=key, words="Money of nobody, kept")
    return f"{format_minor(minor, payment.currency)} booked as other income"


def _post_out(payment: Payment, *, minor: int, to: Account, key: str, words: str) -> None:
    ledger.post(
        merchant=payment.merchant,
        currency=payment.currency,
        source_key=key,
        description=words,
        occurred_at=clock.now(),
        lines=[ledger.debit(Account.UNALLOCATED, minor), ledger.credit(to, minor)],
        payment=payment,
    )
