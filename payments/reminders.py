"""Reminders of payments that fall due: before, the day after, and once more; then a person is told. And by a click.

Never to somebody who has paid, says they have, or whose payment is on its way, nor to somebody who was refunded to
prevent a dispute and owes that again (a person decides what to write): that is asked under the Booking's lock, in the
transaction that leaves the e-mail. Each reminder is sent once (the e-mail's key names instalment, day and kind),
between nine and seven in the merchant's zone. Days are calendar days there. What is due at once has no day: it is
reminded of a day after it came up. Once the event is over nobody is reminded by the clock, but a person is told.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q

from bookings.models import Booking, BookingState, Instalment
from core import clock
from core.errors import Forbidden
from customers import access
from customers.models import Merchant
from payments import desk, dues, errors, notices
from payments.models import MANUAL_OPEN_STATES, ON_ITS_WAY, OPEN_STATES, Refund, RefundCause, RefundState
from payments.models.refund import NO_MONEY_MOVES

HOURS = range(9, 19)


@dataclass(frozen=True)
class Kind:
    """Which reminder a day calls for; its name is part of the e-mail's key."""

    name: str
    is_overdue: bool = False
    tells_staff: bool = False
    writes: bool = True


BEFORE = Kind("before")
AFTER = Kind("after", is_overdue=True)
AGAIN = Kind("again", is_overdue=True, tells_staff=True)
OWED = Kind("owed", is_overdue=True, tells_staff=True, writes=False)
# A pay page that was opened pays nothing; what is on its way has stopped the reminder before.
_NO_NEWS = OPEN_STATES | MANUAL_OPEN_STATES
_SETTLING = timedelta(days=1)  # After a change or a payment, what is due at once is no news yet.


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
        booking__state__in=desk.OWING,
        booking__starts_at__gt=clock.now() - timedelta(days=60),
        amount_minor__gt=F("paid_minor") + F("forgiven_minor"),
    ).exclude(Q(payments__state__in=ON_ITS_WAY))
    open_parts = open_parts.filter(Q(due_on__lte=last) | Q(due_on__isnull=True))
    sent = 0
    for part in open_parts.select_related("booking").order_by("due_on", "pk").iterator():
        kind = kind_on(today, due_on=part.due_on, merchant=merchant)
        if part.booking.state == BookingState.COMPLETED:
            kind = OWED if part.due_on is None or part.due_on < today else None
        if kind is not None:
            sent += _remind(part, kind=kind)
    return sent


def kind_on(today: date, *, due_on: date | None, merchant: Merchant) -> Kind | None:
    """What this day calls for, if anything. Pure."""
    if due_on is None:
        return AFTER
    if today > due_on:
        late = merchant.remind_days_after and today >= due_on + timedelta(days=merchant.remind_days_after)
        return AGAIN if late else AFTER
    before = merchant.remind_days_before
    return BEFORE if before and today >= due_on - timedelta(days=before) else None


@transaction.atomic
def _remind(part: Instalment, *, kind: Kind) -> bool:
    booking, part = _locked(part)
    if booking.state not in desk.OWING or not part.open_minor:
        return False
    if booking.payments.filter(state__in=ON_ITS_WAY).exists():
        return False
    if part.due_on is None and kind.writes and _is_settling(booking):
        return False
    if _is_dispute_prevented(booking):
        why = ": nobody reminds them, for they were refunded to prevent a dispute"
        desk.raise_overdue(booking, part, why=why)
        return False
    if kind.tells_staff:
        desk.raise_overdue(booking, part)
    if not kind.writes:
        return False
    return notices.reminder(booking, part, kind=kind.name, is_overdue=kind.is_overdue)


def _locked(part: Instalment) -> tuple[Booking, Instalment]:
    booking = (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant")  # no menu: an edit that ends meanwhile may have changed it
        .get(pk=part.booking_id)
    )
    return booking, Instalment.objects.get(pk=part.pk)


def _is_dispute_prevented(booking: Booking) -> bool:
    """Whether something is open again because its money went back to prevent a dispute."""
    gone = Refund.objects.filter(payment__booking=booking, cause=RefundCause.DISPUTE_PREVENTION)
    covered = F("payment__instalment__paid_minor") + F("payment__instalment__forgiven_minor")
    open_again = gone.filter(payment__instalment__amount_minor__gt=covered)
    return open_again.exclude(state__in=NO_MONEY_MOVES | {RefundState.REQUESTED}).exists()


def _is_settling(booking: Booking) -> bool:
    since = clock.now() - _SETTLING
    return (
        booking.edits.filter(created_at__gt=since).exists()
        or booking.payments.exclude(state__in=_NO_NEWS).filter(updated_at__gt=since).exists()
    )


@transaction.atomic
def remind_now(booking: Booking, *, by: User) -> Instalment:
    """Staff remind of what is open next, at most once a day; the part that the e-mail is about.

    Raises Forbidden, NothingToPay, NotPossible (a payment is on its way, or it was said today); then nothing is sent.
    """
    if not access.may(by, permission=access.VERIFY, merchant_id=booking.merchant_id):
        raise Forbidden("Your role does not allow to remind customers.")
    if booking.state not in desk.OWING:
        raise errors.NotPossible(f"This booking is {booking.get_state_display().lower()}.")
    part = dues.next_due(booking).instalment
    booking, part = _locked(part)
    if booking.state not in desk.OWING or not part.open_minor:
        raise errors.NothingToPay("Nothing is open any more.")
    if booking.payments.filter(state__in=ON_ITS_WAY).exists():
        raise errors.NotPossible("A payment of it is on its way, or said to be: look for that first.")
    today = clock.today(booking.timezone)
    is_overdue = part.due_on is not None and part.due_on < today
    if not notices.reminder(booking, part, kind=f"asked-{today}", is_overdue=is_overdue):
        raise errors.NotPossible("They were reminded today already.")
    return part
