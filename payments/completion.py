"""Events that took place: what was paid for them is earned now, what was not is owed. Undone by its reversal.

Under the Booking's lock; a booking is done once, however often the sweep comes by. Never calls Stripe.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Sum

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from core.errors import Invalid
from payments import credit, errors, ledger
from payments.models import Account, LedgerEntry

_LONG_AGO = timedelta(days=366)


def complete_due(*, limit: int = 500) -> int:
    """Mark confirmed bookings done whose event is over; how many. Twice, or at once, is harmless."""
    over = Booking.objects.filter(state=BookingState.CONFIRMED, ends_at__lte=clock.now())
    done = 0
    for booking in over.order_by("ends_at", "pk")[:limit]:
        done += complete(booking, actor="system")
    return done


@transaction.atomic
def complete(booking: Booking, *, actor: str, reason: str = "") -> bool:
    """confirmed -> completed: deposits become revenue and tax, what is missing is owed. False: it is not confirmed."""
    booking = _locked(booking)
    if booking.state != BookingState.CONFIRMED or booking.ends_at > clock.now():
        return False
    lifecycle.complete(booking, actor=actor, reason=reason or "The event is over")
    held = max(0, -ledger.booking_balance(booking, account=Account.CUSTOMER_DEPOSITS))
    from_deposits = min(held, booking.total_minor)
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=f"done:{booking.public_id}:{_times(booking)}",
        description=f"Event of {booking.code} done",
        occurred_at=booking.ends_at,
        lines=[
            ledger.debit(Account.CUSTOMER_DEPOSITS, from_deposits),
            ledger.debit(Account.ACCOUNTS_RECEIVABLE, booking.total_minor - from_deposits),
            ledger.credit(Account.REVENUE, booking.total_minor - booking.tax_minor),
            ledger.credit(Account.TAX_PAYABLE, booking.tax_minor),
        ],
        booking=booking,
    )
    return True


@transaction.atomic
def undo(booking: Booking, *, actor: str, reason: str) -> bool:
    """completed -> confirmed: nothing was earned, and nothing is owed for it. False: it is not completed."""
    if not reason.strip():
        raise Invalid("Say why.", fields={"reason": "Say why."})
    booking = _locked(booking)
    if booking.state != BookingState.COMPLETED:
        return False
    if booking.starts_at <= clock.now() - _LONG_AGO:
        raise errors.BookingSettled("That event was more than a year ago; its books stay closed.")
    lifecycle.undo_completion(booking, actor=actor, reason=reason.strip())
    revenue = -ledger.booking_balance(booking, account=Account.REVENUE)
    tax = _earned_tax(booking)
    # Credit that was spent and whose transfer bounced is owed whether the event took place or not.
    receivable = ledger.booking_balance(booking, account=Account.ACCOUNTS_RECEIVABLE)
    owed = min(receivable - credit.owed_for(booking), revenue + tax)
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=f"undone:{booking.public_id}:{_times(booking)}",
        description=f"Event of {booking.code} not done after all",
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.REVENUE, revenue),
            ledger.debit(Account.TAX_PAYABLE, tax),
            ledger.credit(Account.ACCOUNTS_RECEIVABLE, owed),
            ledger.credit(Account.CUSTOMER_DEPOSITS, revenue + tax - owed),
        ],
        booking=booking,
    )
    return True


def _locked(booking: Booking) -> Booking:
    rows = Booking.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("merchant").get(pk=booking.pk)


def _earned_tax(booking: Booking) -> int:
    """The event's own tax as posted: the tax within method fees stays with its payments."""
    own = LedgerEntry.objects.filter(booking=booking, payment__isnull=True, account=Account.TAX_PAYABLE)
    total: int = own.aggregate(total=Sum("amount_minor", default=0))["total"]
    return -total


def _times(booking: Booking) -> int:
    """How often it became what it is now: each time has a posting of its own."""
    return booking.changes.filter(to_state=booking.state).count()
