"""Staff write off what stays open of a booking, before or after its event, and ask for it again.

Nothing is owed then; the price and the plan stay as they are, and no money moves. One person may, up to what the
merchant's second-person threshold leaves: rests add up per booking, and per person and day, as refunds do.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet, Sum

from bookings.models import Booking, BookingState, Instalment
from core.errors import Forbidden, Invalid
from core.money import format_minor
from customers import access
from customers.models import Merchant
from payments import cancellation, desk, errors, forgiving, manual, placing
from payments.models import ON_ITS_WAY, WriteOff, WriteOffKind
from payments.refunds import approving

POSSIBLE = frozenset({BookingState.CONFIRMED, BookingState.COMPLETED})


def open_minor(booking: Booking) -> int:
    """What `write_off` would write off now, in minor units. Reads only."""
    if booking.state not in POSSIBLE:
        return 0
    return sum(part.open_minor for part in booking.instalments.all())


def write_off(
    booking: Booking,
    *,
    by: User,
    reason: str,
    expected_minor: int | None = None,
    request_key: str = "",
    authenticated_at: datetime | None = None,
) -> int:
    """All that is open is not asked for any more; how much that was. The same `request_key` again changes nothing.

    `expected_minor` is what the person saw: PriceChanged when it is another amount now. Raises Forbidden, Invalid,
    NotPossible, NothingToPay, LimitExceeded, ReauthenticationRequired; then nothing changed.
    """
    _check(booking, by=by, reason=reason)
    with transaction.atomic():
        approving.lock_requester(by, booking.merchant)
        locked = placing.lock([booking.pk])[booking.pk]
        locked.merchant = booking.merchant
        before = locked.write_offs.filter(request_key=request_key) if request_key else WriteOff.objects.none()
        if before.exists():
            return _sum(before)
        minor = _write_off(
            locked, by=by, reason=reason, request_key=request_key, asked=(expected_minor, authenticated_at)
        )
    # What the customer has open at Stripe would only become a surplus now.
    cancellation.end_open_cards(locked, reason="the rest was written off")
    return minor


def _write_off(
    booking: Booking,
    *,
    by: User,
    reason: str,
    request_key: str,
    asked: tuple[int | None, datetime | None],
) -> int:
    expected_minor, authenticated_at = asked
    parts = _open_parts(booking)
    minor = sum(part.open_minor for part in parts)
    if expected_minor is not None and minor != expected_minor:
        raise errors.PriceChanged()
    if minor >= booking.merchant.reauthenticate_from_minor:
        approving.require_recent(authenticated_at)
    if why := refusal(booking, minor=minor, by=by):
        raise errors.LimitExceeded(why)
    for part in parts:
        forgiving.forgive(
            booking,
            part,
            amount_minor=part.open_minor,
            kind=WriteOffKind.STAFF,
            actor=f"user:{by.pk}",
            reason=reason.strip(),
            by=by,
            request_key=request_key,
        )
    manual.lapse(booking, reason="the rest was written off")
    desk.settle_overdue(booking, actor=f"user:{by.pk}", words=f"Written off. {reason.strip()}")
    return minor


def _open_parts(booking: Booking) -> list[Instalment]:
    if booking.state not in POSSIBLE:
        raise errors.NotPossible(f"This booking is {booking.get_state_display().lower()}.")
    parts = [part for part in booking.instalments.order_by("position") if part.open_minor]
    if not parts:
        raise errors.NothingToPay("Nothing is open any more.")
    if booking.payments.filter(state__in=ON_ITS_WAY).exists():
        raise errors.NotPossible("A payment of it is on its way, or said to be: decide on that first.")
    return parts


def refusal(booking: Booking, *, minor: int, by: User) -> str:
    """Why this person may not write off so much more of the booking; "" when they may."""
    merchant = booking.merchant
    threshold = merchant.approval_from_minor
    whole, today = _sum(_by_staff(booking=booking)) + minor, _sum(_todays(by, merchant)) + minor
    if max(whole, today) < threshold:
        return ""
    shown = format_minor(threshold, booking.currency)
    counted = "of this booking" if whole >= threshold else "by you today"
    return (
        f"What is written off {counted} would come to {format_minor(max(whole, today), booking.currency)}. "
        f"From {shown} on nobody may alone; an owner can raise that amount in the business's settings."
    )


def _by_staff(**only: object) -> QuerySet[WriteOff]:
    return WriteOff.objects.filter(kind=WriteOffKind.STAFF, **only)


def _todays(by: User, merchant: Merchant) -> QuerySet[WriteOff]:
    start = approving.midnight(merchant)
    return _by_staff(
        by=by, booking__merchant=merchant, created_at__gte=start, created_at__lt=start + timedelta(days=1)
    )


def _sum(rows: QuerySet[WriteOff]) -> int:
    total: int = rows.aggregate(total=Sum("amount_minor", default=0))["total"]
    return total


@transaction.atomic
def ask_again(booking: Booking, *, by: User, reason: str) -> int:
    """All that was forgiven of the booking is due again; how much. Twice is once (0).

    Raises Forbidden, Invalid without a reason.
    """
    _check(booking, by=by, reason=reason)
    locked = placing.lock([booking.pk])[booking.pk]
    locked.merchant = booking.merchant
    return forgiving.ask_again(locked, actor=f"user:{by.pk}", reason=reason.strip(), by=by)


def _check(booking: Booking, *, by: User, reason: str) -> None:
    if not access.may(by, permission=access.WRITE_OFF, merchant_id=booking.merchant_id):
        raise Forbidden("Your role does not allow to write money off.")
    if not reason.strip():
        raise Invalid("Say why: the reason is kept.", fields={"reason": "Say why."})
