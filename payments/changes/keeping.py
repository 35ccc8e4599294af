"""What stays with the merchant of a cancelled booking. Under the Booking's lock.

Invariant: no more is kept than is still paid. Money that goes back after the cancellation (goodwill, a refund made at
Stripe, a check that bounced) comes out of what was kept, and is kept again when that refund fails. Where the place
taxes what is kept, its tax is within it, in the proportion that the cancellation showed.
"""

from django.db.models import Sum

from bookings.models import Booking, BookingState
from core import clock
from core.money import share
from payments import ledger
from payments.models import Account, Cancellation, LedgerEntry


def keep(booking: Booking, done: Cancellation) -> None:
    """What the policy lets the merchant keep is earned now, and the tax within it is owed."""
    _bring_to(
        booking,
        kept_minor=done.kept_minor,
        tax_minor=done.kept_tax_minor,
        source_key=f"kept:{done.public_id}",
        description=f"Kept on the cancellation of {booking.code}",
    )


def unkeep(booking: Booking, done: Cancellation) -> None:
    """The booking stands again: what was kept counts as paid, and no tax is owed for it."""
    _bring_to(
        booking,
        kept_minor=0,
        tax_minor=0,
        source_key=f"reinstated:{done.public_id}",
        description=f"{booking.code} was reinstated",
    )


def fit(booking: Booking, *, source_key: str) -> None:
    """Bring what the ledger keeps of a cancelled booking in line with what is paid of it. Once per `source_key`."""
    if booking.state != BookingState.CANCELLED:
        return
    done = Cancellation.objects.filter(booking=booking, reinstated_at__isnull=True).first()
    if done is None:
        return
    paid = booking.instalments.aggregate(total=Sum("paid_minor", default=0))["total"]
    kept = min(done.kept_minor, max(0, paid))
    tax = share(kept, part=done.kept_tax_minor, whole=done.kept_minor) if kept else 0
    _bring_to(
        booking,
        kept_minor=kept,
        tax_minor=tax,
        source_key=source_key,
        description=f"Kept on the cancellation of {booking.code}",
    )


def _bring_to(
    booking: Booking, *, kept_minor: int, tax_minor: int, source_key: str, description: str
) -> None:
    """Post the difference to what the ledger keeps now."""
    income = -ledger.booking_balance(booking, account=Account.CANCELLATION_INCOME)
    tax = _tax_kept(booking)
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=source_key,
        description=description,
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.CUSTOMER_DEPOSITS, kept_minor - income - tax),
            ledger.credit(Account.CANCELLATION_INCOME, kept_minor - tax_minor - income),
            ledger.credit(Account.TAX_PAYABLE, tax_minor - tax),
        ],
        booking=booking,
    )


def _tax_kept(booking: Booking) -> int:
    """The tax that is owed for what is kept now. An event that took place has its tax on the same account, but a
    booking is cancelled only once that was undone; the tax within method fees stays with its payments.
    """
    own = LedgerEntry.objects.filter(booking=booking, payment__isnull=True, account=Account.TAX_PAYABLE)
    total: int = own.aggregate(total=Sum("amount_minor", default=0))["total"]
    return -total
