"""What cancellations keep, and the tax within it, as the audit of the histories tells it."""

from django.db.models import Sum

from bookings.models import Booking, BookingState
from core.money import share
from payments.models import Account, LedgerEntry


def of(booking: Booking) -> int:
    """What a cancellation in force keeps: as decided, and no more than is paid still."""
    paid = sum(part.paid_minor for part in booking.instalments.all())
    return sum(
        min(done.kept_minor, paid) for done in booking.cancellations.filter(reinstated_at__isnull=True)
    )


def check_tax(booking: Booking) -> None:
    """A tax is owed for an event that is done, or within what is kept of a cancelled one; else for nothing."""
    own = LedgerEntry.objects.filter(booking=booking, payment__isnull=True, account=Account.TAX_PAYABLE)
    owed = -own.aggregate(minor=Sum("amount_minor", default=0))["minor"]
    told = booking.tax_minor if booking.state == BookingState.COMPLETED else 0
    if kept := of(booking):
        done = booking.cancellations.get(reinstated_at__isnull=True)
        told = share(kept, part=done.kept_tax_minor, whole=done.kept_minor)
    assert owed == told, f"{booking.code} ({booking.state}): tax {owed}, told {told}"
