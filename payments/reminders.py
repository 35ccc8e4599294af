"""Reminders of payments that fall due: before, the day after, and once more; then a person is told.

Never to somebody who has paid, says they have, or whose payment is on its way, nor to somebody who was refunded to
prevent a dispute and owes that again (a person decides what to write): that is asked under the Booking's lock, in the
transaction that leaves the e-mail. Each reminder is sent once (the e-mail's key names instalment, day and kind),
between nine and seven in the merchant's zone. Days are calendar days there.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q

from bookings.models import Booking, BookingState, Instalment
from core import clock
from customers.models import Merchant
from payments import desk, notices
from payments.models import DeskKind, PaymentState, Refund, RefundCause, RefundState
from payments.models.refund import NO_MONEY_MOVES

# The customer has done their part, or is doing it.
ON_ITS_WAY = frozenset({PaymentState.CLAIMED, PaymentState.PROCESSING, PaymentState.AUTHORIZED})
HOURS = range(9, 19)


@dataclass(frozen=True)
class Kind:
    """Which reminder a day calls for; its name is part of the e-mail's key."""

    name: str
    is_overdue: bool = False
    tells_staff: bool = False


BEFORE = Kind("before")
AFTER = Kind("after", is_overdue=True)
AGAIN = Kind("again", is_overdue=True, tells_staff=True)


def remind_due() -> int:
    """Send what each merchant's day calls for; how many e-mails. Twice, or at once, is harmless."""
    sent = 0
    for merchant in Merchant.objects.filter(is_active=True).order_by("pk"):
        if clock.now().astimezone(ZoneInfo(merchant.timezone)).hour in HOURS:
            sent += _of(merchant)
    return sent


def _of(merchant: Merchant) -> int:
    today = clock.today(merchant.timezone)
    last = today + timedelta(days=merchant.remind_days_before)
    open_parts = Instalment.objects.filter(
        booking__merchant=merchant,
        booking__state=BookingState.CONFIRMED,
        booking__starts_at__gt=clock.now() - timedelta(days=60),
        due_on__lte=last,
        amount_minor__gt=F("paid_minor"),
    ).exclude(Q(payments__state__in=ON_ITS_WAY))
    sent = 0
    for part in open_parts.order_by("due_on", "pk").iterator():
        kind = kind_on(today, due_on=part.due_on, merchant=merchant)
        if kind is not None:
            sent += _remind(part, kind=kind)
    return sent


def kind_on(today: date, *, due_on: date | None, merchant: Merchant) -> Kind | None:
    """What this day calls for, if anything. Pure."""
    if due_on is None:
        return None
    if today > due_on:
        late = merchant.remind_days_after and today >= due_on + timedelta(days=merchant.remind_days_after)
        return AGAIN if late else AFTER
    before = merchant.remind_days_before
    return BEFORE if before and today >= due_on - timedelta(days=before) else None


@transaction.atomic
def _remind(part: Instalment, *, kind: Kind) -> bool:
    booking = (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "menu")
        .get(pk=part.booking_id)
    )
    part = Instalment.objects.get(pk=part.pk)
    if booking.state != BookingState.CONFIRMED or not part.open_minor:
        return False
    if booking.payments.filter(state__in=ON_ITS_WAY).exists():
        return False
    if _is_dispute_prevented(booking):
        _tell_staff(booking, part, why=": nobody reminds them, for they were refunded to prevent a dispute")
        return False
    if kind.tells_staff:
        _tell_staff(booking, part)
    return notices.reminder(booking, part, kind=kind.name, is_overdue=kind.is_overdue)


def _is_dispute_prevented(booking: Booking) -> bool:
    """Whether something is open again because its money went back to prevent a dispute."""
    gone = Refund.objects.filter(payment__booking=booking, cause=RefundCause.DISPUTE_PREVENTION)
    open_again = gone.filter(payment__instalment__amount_minor__gt=F("payment__instalment__paid_minor"))
    return open_again.exclude(state__in=NO_MONEY_MOVES | {RefundState.REQUESTED}).exists()


def _tell_staff(booking: Booking, part: Instalment, *, why: str = " is overdue") -> None:
    desk.raise_item(
        merchant=booking.merchant,
        kind=DeskKind.OVERDUE,
        key=f"overdue:{part.pk}:{part.due_on}",
        summary=f"The {part.get_purpose_display().lower()} of {booking.code}{why}",
        booking=booking,
        evidence={
            "open_minor": part.open_minor,
            "currency": booking.currency,
            "due_on": str(part.due_on),
        },
    )
