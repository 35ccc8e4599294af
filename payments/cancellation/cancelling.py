"""The cancellation itself, and its undoing."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from bookings import agreement, lifecycle
from bookings.models import Booking, BookingState
from core import clock, doorbell
from core.errors import Forbidden, Invalid
from customers import access
from payments import (
    changes,
    closing,
    desk,
    errors,
    forgiving,
    manual,
    notices,
    placing,
    refunds,
    settlement,
)
from payments.cancellation.previewing import Preview, preview
from payments.models import (
    OPEN_STATES,
    BulkCancellation,
    Cancellation,
    GatewayAccount,
    Payment,
    RefundCause,
    RefundState,
)
from payments.refunds import approving, holding

logger = logging.getLogger(__name__)


def cancel(
    booking: Booking,
    *,
    actor: str,
    by: User | None = None,
    reason: str = "",
    percent: int | None = None,
    as_credit: bool = False,
    expected: str | None = None,
    authenticated_at: datetime | None = None,
) -> Cancellation:
    """Cancel the booking and put its refunds on their way; cancelled before, the same cancellation again.

    `expected` is the `shown` of the preview that the person saw: PriceChanged when the figures are others now. Staff
    (`by`) may give another `percent`, with a reason; more than the policy grants may wait for a second person. Raises
    BookingSettled, Forbidden, Invalid, ReauthenticationRequired, LimitExceeded; then nothing changed.
    """
    _check(booking, by=by, reason=reason, percent=percent)
    wish = _Wish(
        actor=actor,
        by=by,
        reason=reason.strip(),
        percent=percent,
        as_credit=as_credit,
        expected=expected,
        authenticated_at=authenticated_at,
    )
    done = _cancel(booking, wish)
    end_open_cards(booking)
    return done


def cancel_in_bulk(
    booking: Booking, *, bulk: BulkCancellation, percent: int | None, expected: str
) -> Cancellation:
    """One booking of a day that is cancelled as a whole, which somebody agreed to: inside the caller's transaction.

    What is open at Stripe is the caller's to end after it (`end_open_cards`).
    """
    wish = _Wish(
        actor=f"user:{bulk.requested_by_id}",
        by=bulk.requested_by,
        reason=bulk.reason,
        percent=percent,
        expected=expected,
        bulk=bulk,
    )
    return _cancel(booking, wish)


@dataclass(frozen=True, kw_only=True)
class _Wish:
    actor: str
    by: User | None
    reason: str
    percent: int | None
    expected: str | None
    as_credit: bool = False
    authenticated_at: datetime | None = None
    bulk: BulkCancellation | None = None


@transaction.atomic
def _cancel(booking: Booking, wish: _Wish) -> Cancellation:
    membership = approving.lock_requester(wish.by, booking.merchant)
    booking = placing.lock([booking.pk])[booking.pk]
    if before := _in_force(booking):
        return before
    planned = preview(booking, percent=wish.percent, as_credit=wish.as_credit)
    if wish.expected is not None and planned.shown != wish.expected:
        raise errors.PriceChanged()
    if wish.by is None and booking.starts_at <= clock.now():
        raise errors.BookingSettled("The event has begun; please call us.")
    forgiving.ask_again(booking, actor=wish.actor, reason="the booking is cancelled")
    done = _store(booking, planned, wish)
    desk.settle_overdue(booking, actor=wish.actor)
    asked = refunds.Asked(
        cause=RefundCause.CANCELLATION,
        reason=f"Cancelled: {wish.reason}".removesuffix(": "),
        requested_by=wish.by,
        actor=wish.actor,
        as_credit=wish.as_credit,
        by_policy=wish.bulk is not None or _is_policys(booking, planned, wish),
        cancellation=done,
        authenticated_at=wish.authenticated_at,
    )
    parts = []
    for part in sorted(planned.returned, key=lambda part: part.payment.pk):
        _, payment = holding.lock(part.payment)
        payment.booking = booking
        parts.append((payment, part.amount_minor))
    refunds.create_together(booking, parts, asked=asked, membership=membership)
    changes.keep(booking, done)
    manual.lapse(booking, reason="the booking was cancelled")
    notices.cancelled(booking, done)
    doorbell.ring(refunds.SEND_TASK)
    return done


def _is_policys(booking: Booking, planned: Preview, wish: _Wish) -> bool:
    """Whether the policy grants it by itself: not to staff who moved the booking to a better bracket before."""
    most = planned.policy_percent
    if wish.by is not None:
        most = min(most, agreement.before_moves(booking))
    return planned.percent <= most


def _check(booking: Booking, *, by: User | None, reason: str, percent: int | None) -> None:
    if by is None:
        if percent is not None:
            raise Forbidden("Only staff may give back another share than the policy says.")
        return
    if not access.may(by, permission=access.CANCEL, merchant_id=booking.merchant_id):
        raise Forbidden("Your role does not allow to cancel bookings.")
    if not reason.strip():
        raise Invalid("Say why: the reason is kept with the booking.", fields={"reason": "Say why."})


def _in_force(booking: Booking) -> Cancellation | None:
    if booking.state != BookingState.CANCELLED:
        return None
    return booking.cancellations.filter(reinstated_at__isnull=True).first()


def _store(booking: Booking, planned: Preview, wish: _Wish) -> Cancellation:
    lifecycle.cancel(booking, actor=wish.actor, reason=wish.reason or "by the customer")
    return Cancellation.objects.create(
        booking=booking,
        bulk=wish.bulk,
        actor=wish.actor,
        requested_by=wish.by,
        reason=wish.reason[:300],
        notice_days=planned.notice_days,
        percent=planned.percent,
        overruled=planned.is_overruled,
        paid_minor=planned.paid_minor,
        refund_minor=planned.refund_minor,
        kept_minor=planned.kept_minor,
        kept_tax_minor=planned.kept_tax_minor,
    )


def end_open_cards(booking: Booking, *, reason: str = "the booking was cancelled") -> None:
    """What could be paid still is ended at Stripe, what a card promised released; paid after all, it is late money.

    What cannot be ended now, or is left when the process dies before this, is ended by reconcile.
    """
    for payment in Payment.objects.filter(booking=booking, method="card", state__in=OPEN_STATES):
        try:
            end_open_card(payment, reason=reason)
        except errors.PaymentInProgress:
            continue
        except (
            errors.GatewayUnknown,
            errors.GatewayBusy,
            errors.GatewayRefused,
            errors.GatewayMisconfigured,
        ):
            logger.warning("payment %s was not ended: %s", payment.public_id, reason)


def end_open_card(payment: Payment, *, reason: str = "the booking was cancelled") -> None:
    """The same for one payment of a booking that is over; raises as `closing.close`. Twice is once."""
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=payment.merchant_id)
    money = closing.close(account, payment, reason=reason)
    if money is not None:
        settlement.settle(account, money)


@transaction.atomic
def reinstate(booking: Booking, *, actor: str, reason: str) -> bool:
    """cancelled -> confirmed, if its time is free; what was kept counts as paid again. False: it is not cancelled.

    Refunds that nobody sent yet are withdrawn; those on their way stay, and what they took is due again. Raises
    NoCapacity; then nothing changed. Joins the caller's transaction.
    """
    booking = placing.lock([booking.pk])[booking.pk]
    if booking.state != BookingState.CANCELLED:
        return False
    lifecycle.reinstate(booking, actor=actor, reason=reason)
    done = booking.cancellations.select_for_update(of=("self",)).filter(reinstated_at__isnull=True).first()
    if done is None:
        return True
    done.reinstated_at = clock.now()
    done.save(update_fields=["reinstated_at"])
    changes.unkeep(booking, done)
    _withdraw(booking, done, actor=actor)
    return True


def _withdraw(booking: Booking, done: Cancellation, *, actor: str) -> None:
    """Refunds of the cancellation that wait for a second person, or to be sent by hand, have no cause any more."""
    waiting = (RefundState.REQUESTED, RefundState.APPROVED)
    for refund in done.refunds.filter(state__in=waiting).select_related("payment").order_by("payment_id"):
        _, payment = holding.lock(refund.payment)
        before = refund.state
        refund.failure_reason = "the booking was reinstated"
        refund.transition_to(
            RefundState.CANCELED,
            actor=actor,
            reason=refund.failure_reason,
            save=["failure_reason", "updated_at"],
        )
        if before == RefundState.REQUESTED:
            holding.release(refund, payment)
        else:
            holding.move(refund, payment, booking, before=before)
