"""Cancelling all bookings of a day (storm, illness): previewed, agreed to once as a whole, worked off one by one.

Each booking is cancelled in a transaction of its own, with the figures that were previewed: one that fails, or whose
figures changed meanwhile, is listed and does not stop the rest. A process that is killed leaves items waiting, and the
sweep goes on with them; an item is never worked off twice.
"""

import logging
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum

from bookings.models import Booking
from core import clock, doorbell
from core.errors import DomainError, Forbidden, Invalid
from customers import access
from customers.models import Membership, Merchant, Role
from payments import cancellation, errors
from payments.models import (
    BulkCancellation,
    BulkCancellationItem,
    BulkItemState,
    BulkState,
    RefundTerms,
)
from payments.refunds import approving

logger = logging.getLogger(__name__)
TASK = "payments.cancel_in_bulk"
MOST = 500


@dataclass(frozen=True)
class Line:
    """One booking of the day, and what would go back for it; `why` says why it would not be cancelled."""

    booking: Booking
    total_minor: int
    why: str = ""


@dataclass(frozen=True)
class BulkPreview:
    """What cancelling the day would do, in minor units of the merchant's currency."""

    day: date
    terms: str
    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def shown(self) -> str:
        """The figures on the page: asking counts only for exactly these."""
        return f"{self.day}|{self.terms}|{len(self.lines)}|{self.total_minor}"


def preview(merchant: Merchant, *, day: date, terms: str) -> BulkPreview:
    """The day's bookings in the merchant's zone, with what would go back. Reads only."""
    if terms not in RefundTerms.values:
        raise Invalid("Choose what goes back.", fields={"terms": "Choose what goes back."})
    midnight = datetime.combine(day, time.min, tzinfo=ZoneInfo(merchant.timezone))
    rows = Booking.objects.filter(
        merchant=merchant,
        starts_at__gte=midnight,
        starts_at__lt=midnight + timedelta(days=1),
        state__in=cancellation.CANCELLABLE,
    )
    rows = rows.select_related("customer", "slot").order_by("starts_at", "pk")[: MOST + 1]
    bookings = list(rows)
    if len(bookings) > MOST:
        raise Invalid(f"There are more than {MOST} bookings on that day. Please write to us.")
    for booking in bookings:
        booking.merchant = merchant
    return BulkPreview(day, terms, tuple(_line(booking, terms=terms) for booking in bookings))


def _line(booking: Booking, *, terms: str) -> Line:
    try:
        planned = cancellation.preview(booking, percent=_percent(terms))
    except DomainError as refusal:
        return Line(booking, 0, refusal.detail)
    return Line(booking, planned.total_minor)


def _percent(terms: str) -> int | None:
    return 100 if terms == RefundTerms.FULL else None


def request(
    merchant: Merchant,
    *,
    day: date,
    terms: str,
    reason: str,
    by: User,
    expected: str,
    authenticated_at: datetime | None,
    request_key: str = "",
) -> BulkCancellation:
    """Ask for it. Small ones run at once; from the merchant's threshold on a second person agrees to the whole.

    Raises Forbidden, Invalid, PriceChanged (the figures are no longer those shown), ReauthenticationRequired.
    """
    if not access.may(by, permission=access.CANCEL, merchant_id=merchant.pk):
        raise Forbidden("Your role does not allow to cancel bookings.")
    if not reason.strip():
        raise Invalid("Say why: customers are told.", fields={"reason": "Say why: customers are told."})
    approving.require_recent(authenticated_at)
    if request_key and (before := merchant.bulk_cancellations.filter(request_key=request_key).first()):
        return before
    planned = preview(merchant, day=day, terms=terms)
    if planned.shown != expected:
        raise errors.PriceChanged()
    if not planned.lines:
        raise Invalid(
            "There is nothing to cancel on that day.", fields={"day": "Nothing is booked on that day."}
        )
    try:
        return _store(merchant, planned, reason=reason.strip()[:300], by=by, request_key=request_key)
    except IntegrityError:
        return merchant.bulk_cancellations.get(request_key=request_key)


@transaction.atomic
def _store(
    merchant: Merchant, planned: BulkPreview, *, reason: str, by: User, request_key: str
) -> BulkCancellation:
    membership = approving.lock_requester(by, merchant)
    alone = not _needs_second(merchant, planned, by=by, membership=membership)
    bulk = BulkCancellation.objects.create(
        merchant=merchant,
        day=planned.day,
        terms=planned.terms,
        reason=reason,
        state=BulkState.RUNNING if alone else BulkState.REQUESTED,
        requested_by=by,
        refund_minor=planned.total_minor,
        request_key=request_key,
    )
    BulkCancellationItem.objects.bulk_create(
        BulkCancellationItem(bulk=bulk, booking=line.booking, refund_minor=line.total_minor)
        for line in planned.lines
    )
    if alone:
        doorbell.ring(TASK)
    return bulk


def _needs_second(
    merchant: Merchant, planned: BulkPreview, *, by: User, membership: approving.Membership | None
) -> bool:
    """Small days add up, with each other and with the person's refunds: today's, under the Membership's lock."""
    bulks = merchant.bulk_cancellations.filter(
        requested_by=by,
        decided_by__isnull=True,
        created_at__gte=approving.midnight(merchant),
    )
    others: int = bulks.aggregate(minor=Sum("refund_minor", default=0))["minor"]
    today = planned.total_minor + others + approving.total_of(approving.todays(by, merchant))
    limit = merchant.manager_daily_refunds_minor
    is_limited = limit is not None and membership is not None and membership.role == Role.MANAGER
    return today >= merchant.approval_from_minor or (is_limited and limit is not None and today > limit)


def needs_second(merchant: Merchant, planned: BulkPreview, *, by: User) -> bool:
    """Whether `request` will find that a second person must agree: to be told before. Reads only."""
    membership = Membership.objects.filter(user=by, merchant=merchant).first()
    return _needs_second(merchant, planned, by=by, membership=membership)


@transaction.atomic
def decide(
    bulk: BulkCancellation, *, by: User, agreed: bool, authenticated_at: datetime | None
) -> BulkCancellation:
    """A second person agrees to the whole, or not; never the requester. Twice is once."""
    if not access.may(by, permission=access.APPROVE, merchant_id=bulk.merchant_id):
        raise Forbidden("Your role does not allow to approve refunds.")
    bulk = _locked(bulk)
    if agreed and bulk.requested_by_id == by.pk:
        raise errors.OwnRefund("Somebody else has to approve this: you asked for it.")
    approving.require_recent(authenticated_at)
    if bulk.state != BulkState.REQUESTED:
        if bulk.decided_by_id == by.pk and agreed == (bulk.state != BulkState.DECLINED):
            return bulk
        raise errors.AlreadyDecided(f"This was decided already: {bulk.get_state_display().lower()}.")
    bulk.state = BulkState.RUNNING if agreed else BulkState.DECLINED
    bulk.decided_by, bulk.decided_at = by, clock.now()
    bulk.save(update_fields=["state", "decided_by", "decided_at"])
    if agreed:
        doorbell.ring(TASK)
    return bulk


def run_due() -> int:
    """Work off what waits, oldest first; how many bookings. Any number of workers may run at once."""
    done = 0
    for bulk in BulkCancellation.objects.filter(state=BulkState.RUNNING).order_by("pk"):
        for item_id in list(_waiting(bulk).values_list("pk", flat=True)):
            done += _work_off(bulk, item_id)
        _finish(bulk)
    return done


def _waiting(bulk: BulkCancellation) -> QuerySet[BulkCancellationItem]:
    return bulk.items.filter(state=BulkItemState.WAITING).order_by("pk")


def _work_off(bulk: BulkCancellation, item_id: int) -> bool:
    """Cancel one booking, in one transaction with its item's mark: both or neither."""
    try:
        with transaction.atomic():
            item = _waiting(bulk).select_for_update(of=("self",), skip_locked=True).filter(pk=item_id).first()
            if item is None:
                return False  # somebody else has it, or had it
            state, why = _cancel(bulk, item)
            _mark(item, state=state, why=why)
    except Exception as bug:  # One booking must not stop the rest; it is listed, and can be tried again.
        logger.exception("item %s of bulk cancellation %s failed", item_id, bulk.public_id)
        failed = _waiting(bulk).filter(pk=item_id).first()
        if failed is not None:
            _mark(failed, state=BulkItemState.FAILED, why=f"An error of ours: {type(bug).__name__}")
        return failed is not None
    if state == BulkItemState.DONE:
        cancellation.end_open_cards(item.booking)
    return True


def _cancel(bulk: BulkCancellation, item: BulkCancellationItem) -> tuple[str, str]:
    booking = Booking.objects.select_related("merchant").get(pk=item.booking_id)
    try:
        planned = cancellation.preview(booking, percent=_percent(bulk.terms))
        if planned.total_minor != item.refund_minor:
            return (
                BulkItemState.FAILED,
                "What would go back changed since it was previewed. Cancel it by itself.",
            )
        with transaction.atomic():
            cancellation.cancel_in_bulk(
                booking, bulk=bulk, percent=_percent(bulk.terms), expected=planned.shown
            )
    except errors.BookingSettled as settled:
        return BulkItemState.SKIPPED, settled.detail
    except DomainError as refusal:
        return BulkItemState.FAILED, refusal.detail
    return BulkItemState.DONE, ""


def _mark(item: BulkCancellationItem, *, state: str, why: str) -> None:
    item.state, item.why, item.finished_at, item.tries = state, why[:300], clock.now(), item.tries + 1
    item.save(update_fields=["state", "why", "finished_at", "tries"])


@transaction.atomic
def _finish(bulk: BulkCancellation) -> None:
    """Under its lock, as `retry` is: what is to be tried again at this moment is seen, or sees that it is done."""
    _locked(bulk)
    if not _waiting(bulk).exists():
        BulkCancellation.objects.filter(pk=bulk.pk, state=BulkState.RUNNING).update(
            state=BulkState.DONE, finished_at=clock.now()
        )


def _locked(bulk: BulkCancellation) -> BulkCancellation:
    return BulkCancellation.objects.select_for_update(of=("self",), no_key=True).get(pk=bulk.pk)


@transaction.atomic
def retry(bulk: BulkCancellation, *, by: User) -> int:
    """Try the failed ones again, at the figures previewed; how many."""
    if not access.may(by, permission=access.CANCEL, merchant_id=bulk.merchant_id):
        raise Forbidden("Your role does not allow to cancel bookings.")
    _locked(bulk)
    again = bulk.items.filter(state=BulkItemState.FAILED).update(state=BulkItemState.WAITING, why="")
    if again:
        BulkCancellation.objects.filter(pk=bulk.pk, state=BulkState.DONE).update(
            state=BulkState.RUNNING, finished_at=None
        )
        doorbell.ring(TASK)
    return again
