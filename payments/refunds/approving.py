"""Who must agree to a refund: limits, recent authentication, a second person. Enforced here, so every door obeys.

Cumulated: small refunds of one booking, or of one person on one day, add up. The requester's Membership is locked
before anything else, so that two requests at once see each other.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet, Sum

from bookings.models import BookingState
from core import clock
from core.errors import Forbidden, Invalid
from core.money import format_minor
from customers import access
from customers.authentication.recent import WITHIN, ReauthenticationRequired
from customers.models import Membership, Merchant, Role
from payments import desk, errors, notices
from payments.models import DeskKind, Payment, Refund, RefundRoute, RefundState
from payments.models.refund import NO_MONEY_MOVES
from payments.refunds import executing, holding


def lock_requester(user: User | None, merchant: Merchant) -> Membership | None:
    """The person's Membership, locked; None for the system and for those who have none."""
    if user is None:
        return None
    rows = Membership.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(user=user, merchant=merchant).first()


def check_person(
    *,
    total_minor: int,
    currency: str,
    membership: Membership | None,
    merchant: Merchant,
    requested_by: User | None,
    authenticated_at: datetime | None,
) -> None:
    """Raises ReauthenticationRequired for large amounts without recent proof, LimitExceeded past the day's limit."""
    if requested_by is None:
        return
    if total_minor >= merchant.reauthenticate_from_minor:
        require_recent(authenticated_at)
    limit = merchant.manager_daily_refunds_minor
    if limit is None or membership is None or membership.role != Role.MANAGER:
        return
    today = total_of(todays(requested_by, merchant))
    if today + total_minor > limit:
        left = format_minor(max(0, limit - today), currency)
        raise errors.LimitExceeded(f"Of your limit for today {left} is left. Ask an owner.")


def require_recent(authenticated_at: datetime | None) -> None:
    if authenticated_at is None or clock.now() - authenticated_at > WITHIN:
        raise ReauthenticationRequired


def is_needed(refund: Refund, payment: Payment) -> bool:
    """Whether a second person must agree. The refund is stored already, and counts."""
    if refund.by_policy or (refund.route == RefundRoute.CREDIT and refund.payment.method == "credit"):
        return False
    threshold = payment.merchant.approval_from_minor
    if total_of(of_one_booking(payment)) >= threshold:
        return True
    return (
        refund.requested_by is not None
        and total_of(todays(refund.requested_by, payment.merchant)) >= threshold
    )


def of_one_booking(payment: Payment) -> QuerySet[Refund]:
    """The refunds that add up with one of this payment, whoever asked."""
    live = Refund.objects.exclude(state__in=NO_MONEY_MOVES).filter(by_policy=False)
    if payment.booking_id:
        return live.filter(payment__booking_id=payment.booking_id)
    return live.filter(payment=payment)


def midnight(merchant: Merchant) -> datetime:
    """When the merchant's day began."""
    today = clock.today(merchant.timezone)
    return datetime.combine(today, time.min, tzinfo=ZoneInfo(merchant.timezone))


def todays(user: User, merchant: Merchant) -> QuerySet[Refund]:
    """What this person asked for today, in the merchant's zone."""
    start = midnight(merchant)
    return Refund.objects.filter(
        requested_by=user,
        payment__merchant=merchant,
        by_policy=False,
        created_at__gte=start,
        created_at__lt=start + timedelta(days=1),
    ).exclude(state__in=NO_MONEY_MOVES)


def total_of(rows: QuerySet[Refund]) -> int:
    total: int = rows.aggregate(total=Sum("total_minor", default=0))["total"]
    return total


def approve(
    refund: Refund, *, by: User, reason: str = "", authenticated_at: datetime | None = None
) -> Refund:
    """A second person agrees; the refund goes its way. Twice is once.

    Raises OwnRefund for the requester, Forbidden without the permission, AlreadyDecided, ReauthenticationRequired.
    """
    _check_decider(refund, by=by, own_allowed=False)
    if refund.total_minor >= refund.payment.merchant.reauthenticate_from_minor:
        require_recent(authenticated_at)
    with transaction.atomic():
        booking, payment = holding.lock(refund.payment)
        refund = _locked(refund)
        if refund.state != RefundState.REQUESTED:
            if refund.decided_by_id == by.pk and refund.state != RefundState.DECLINED:
                return refund
            raise decided(refund)
        _note(refund, by=by, reason=reason)
        fallen = executing.start(refund, booking, payment, actor=f"user:{by.pk}", reason=reason or "approved")
        holding.leave_note(refund, booking, fallen)
    return executing.send(refund)


def decline(refund: Refund, *, by: User, reason: str) -> Refund:
    """A second person says no, and why, or who asked withdraws it: the money stays where it is."""
    if not reason.strip():
        raise Invalid("Say why it is declined.", fields={"reason": "Say why it is declined."})
    _check_decider(refund, by=by, own_allowed=True)
    with transaction.atomic():
        _booking, payment = holding.lock(refund.payment)
        refund = _locked(refund)
        if refund.state != RefundState.REQUESTED:
            raise decided(refund)
        is_own = refund.requested_by_id == by.pk
        # Withdrawn, it was decided by nobody: who asked and who decides are never the same person.
        _note(refund, by=None if is_own else by, reason=reason)
        to = RefundState.CANCELED if is_own else RefundState.DECLINED
        refund.transition_to(to, actor=f"user:{by.pk}", reason=reason.strip())
        holding.release(refund, payment)
        notices.refund_declined(refund, by=by)
        _tell_of_undecided(refund, payment)
    return refund


def _tell_of_undecided(refund: Refund, payment: Payment) -> None:
    """Money that is on no booking, or on a cancelled one, must not be forgotten when what was to go back does not.

    The desk's own item was closed when the refund was asked for.
    """
    is_cancelled = payment.booking is not None and payment.booking.state == BookingState.CANCELLED
    if not (refund.cancellation or is_cancelled or refund.from_credit_minor):
        return
    what = "withdrawn" if refund.state == RefundState.CANCELED else "declined"
    desk.raise_item(
        merchant=payment.merchant,
        kind=DeskKind.REFUND_FAILED,
        key=f"refund:{refund.public_id}",
        summary=f"{_whose(refund)} refund of {format_minor(refund.total_minor, refund.currency)} was {what}",
        payment=payment,
        booking=payment.booking,
        evidence={"refund": str(refund.public_id), "reason": refund.decision_reason},
    )


def _whose(refund: Refund) -> str:
    return "A surplus'" if refund.from_credit_minor else "A cancelled booking's"


def _check_decider(refund: Refund, *, by: User, own_allowed: bool) -> None:
    merchant_id = refund.payment.merchant_id
    if not access.may(by, permission=access.APPROVE, merchant_id=merchant_id):
        raise Forbidden("Your role does not allow to decide on refunds.")
    if refund.requested_by_id == by.pk and not own_allowed:
        raise errors.OwnRefund()


def _locked(refund: Refund) -> Refund:
    rows = Refund.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("payment__merchant").get(pk=refund.pk)


def _note(refund: Refund, *, by: User | None, reason: str) -> None:
    refund.decided_by, refund.decided_at, refund.decision_reason = by, clock.now(), reason.strip()[:300]
    refund.save(update_fields=["decided_by", "decided_at", "decision_reason", "updated_at"])


def decided(refund: Refund) -> errors.AlreadyDecided:
    """The refusal that tells who decided about it, and how."""
    who = f" by {refund.decided_by.get_username()}" if refund.decided_by else ""
    return errors.AlreadyDecided(f"This refund was decided{who}: {refund.get_state_display().lower()}.")
