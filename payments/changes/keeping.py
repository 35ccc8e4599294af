"""What stays with the merchant of a cancelled booking. Under the Booking's lock.

Invariant: no more is kept than is still paid. Money that goes back after the cancellation (goodwill, a refund made at
Stripe, a check that bounced) comes out of what was kept, and is kept again when that refund fails.
"""

from django.db.models import Sum

from bookings.models import Booking, BookingState
from core import clock
from payments import ledger
from payments.models import Account, Cancellation


def fit(booking: Booking, *, source_key: str) -> None:
    """Bring what the ledger keeps of a cancelled booking in line with what is paid of it. Once per `source_key`."""
    if booking.state != BookingState.CANCELLED:
        return
    done = Cancellation.objects.filter(booking=booking, reinstated_at__isnull=True).first()
    if done is None:
        return
    paid = booking.instalments.aggregate(total=Sum("paid_minor", default=0))["total"]
    more = min(done.kept_minor, max(0, paid)) - kept(booking)
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=source_key,
        description=f"Kept on the cancellation of {booking.code}",
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.CUSTOMER_DEPOSITS, more),
            ledger.credit(Account.CANCELLATION_INCOME, more),
        ],
        booking=booking,
    )


def kept(booking: Booking) -> int:
    """What the merchant keeps of the booking now, in minor units."""
    return -ledger.booking_balance(booking, account=Account.CANCELLATION_INCOME)
