"""Spending credit on what a booking asks for next: a payment like any other, with no fee and no gateway."""

from dataclasses import dataclass

from django.db import transaction

from bookings import lifecycle
from bookings.models import Booking, BookingState, Instalment
from core import clock
from customers.models import PaymentMethod
from payments import desk, errors, ledger, receipts
from payments.credit import lots
from payments.models import Account, CreditUseKind, Payment, PaymentState

PAYABLE = frozenset({BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED})


@dataclass(frozen=True)
class Spendable:
    """`amount_minor` of `available_minor` would go to the instalment."""

    instalment: Instalment
    available_minor: int
    amount_minor: int


def spendable(booking: Booking) -> Spendable | None:
    """What `spend` would do now; None when there is no credit or nothing to pay. Reads only."""
    instalment = next((part for part in booking.instalments.order_by("position") if part.open_minor), None)
    if instalment is None or booking.state not in PAYABLE:
        return None
    available = lots.available(booking.customer, currency=booking.currency)
    if not available:
        return None
    return Spendable(instalment, available, min(available, instalment.open_minor))


@transaction.atomic
def spend(*, booking: Booking, purpose: str, actor: str, amount_minor: int | None = None) -> Payment:
    """Pay the booking's next instalment, which must be of this purpose, from its customer's credit.

    As much as there is, or `amount_minor` at most. A second click finds the instalment paid or the credit gone.
    Raises AlreadyPaid, NothingToPay, HoldEnded and NoCredit; then nothing changed.
    """
    booking = (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "customer__merchant")
        .get(pk=booking.pk)
    )
    instalment = _next(booking, purpose=purpose)
    usable = lots.lock(lots.of(booking.customer, currency=booking.currency))
    wanted = instalment.open_minor if amount_minor is None else min(amount_minor, instalment.open_minor)
    minor = min(wanted, sum(lot.remaining_minor for lot in usable))
    if minor <= 0:
        raise errors.NoCredit()
    payment = _paid(booking, instalment, minor=minor, actor=actor)
    lots.use(usable, amount_minor=minor, kind=CreditUseKind.SPENT, payment=payment, actor=actor)
    instalment.paid_minor += minor
    instalment.save(update_fields=["paid_minor"])
    if not instalment.open_minor:
        lifecycle.confirm(booking, actor=actor, reason="Paid from credit")
        desk.settle_overdue(booking, actor=actor)
    _post(booking, payment)
    receipts.leave(payment)
    return payment


def _next(booking: Booking, *, purpose: str) -> Instalment:
    if booking.state == BookingState.EXPIRED:
        raise errors.HoldEnded()
    if booking.state not in PAYABLE:
        raise errors.NothingToPay("This booking cannot be paid for.")
    if booking.state == BookingState.HELD and (booking.hold_expires_at or clock.now()) <= clock.now():
        raise errors.HoldEnded()
    for part in booking.instalments.order_by("position"):
        if part.open_minor:
            if part.purpose != purpose:
                raise errors.NothingToPay(
                    f"The {part.get_purpose_display().lower()} is due next; read the booking again."
                )
            return part
    raise errors.AlreadyPaid()


def _paid(booking: Booking, instalment: Instalment, *, minor: int, actor: str) -> Payment:
    payment = Payment.objects.create(
        merchant=booking.merchant,
        booking=booking,
        customer=booking.customer,
        instalment=instalment,
        method=PaymentMethod.CREDIT,
        purpose=instalment.purpose,
        currency=booking.currency,
        amount_minor=minor,
        total_minor=minor,
        agreement=booking.agreement,
        platform_fee_minor=0,
        gateway_fee_minor=0,
    )
    payment.received_minor = payment.placed_minor = minor
    payment.succeeded_at = clock.now()
    payment.transition_to(
        PaymentState.SUCCEEDED,
        actor=actor,
        reason="from credit",
        save=["received_minor", "placed_minor", "succeeded_at", "updated_at"],
    )
    return payment


def _post(booking: Booking, payment: Payment) -> None:
    minor = payment.placed_minor
    receivable = ledger.receivable_in(booking, minor=minor)
    ledger.post(
        merchant=booking.merchant,
        currency=payment.currency,
        source_key=f"credit-spent:{payment.public_id}",
        description=f"Credit spent on {booking.code}",
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.CUSTOMER_CREDIT, minor),
            ledger.credit(Account.ACCOUNTS_RECEIVABLE, receivable),
            ledger.credit(Account.CUSTOMER_DEPOSITS, minor - receivable),
        ],
        payment=payment,
    )
