"""A cancellation as its customer reads it afterwards: what was decided, and how far the money is. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from bookings import page_legal
from bookings.models import Booking, BookingState, LegalKind
from bookings.page_legal import Accepted
from bookings.page_words import full_day
from payments.models import Cancellation, Payment, Refund, RefundState
from payments.models.refund import NO_MONEY_MOVES


@dataclass(frozen=True, slots=True)
class Cancelled:
    """In minor units; `arrived` + `coming` is what goes back, `failed` came back to us and will be sent anew."""

    words: str
    arrived_minor: int
    coming_minor: int
    failed_minor: int
    kept_minor: int
    kept_tax_minor: int
    percent: int
    policy: Accepted | None


def in_force(booking: Booking) -> Cancellation | None:
    """The cancellation of a cancelled booking, of those that were loaded along."""
    if booking.state != BookingState.CANCELLED:
        return None
    return next((one for one in booking.cancellations.all() if one.reinstated_at is None), None)


def build(booking: Booking, *, payments: Sequence[Payment]) -> Cancelled | None:
    done = in_force(booking)
    if done is None:
        return None
    refunds = [
        refund
        for payment in payments
        for refund in payment.refunds.all()
        if refund.cancellation_id == done.pk
    ]
    accepted = () if done.overruled else page_legal.accepted(booking)
    return Cancelled(
        words=_words(booking, done),
        arrived_minor=_sum(refunds, state=RefundState.SUCCEEDED),
        coming_minor=sum(
            refund.total_minor
            for refund in refunds
            if refund.state not in NO_MONEY_MOVES | {RefundState.SUCCEEDED, RefundState.REQUESTED}
        ),
        failed_minor=_sum(refunds, state=RefundState.FAILED),
        kept_minor=done.kept_minor,
        kept_tax_minor=done.kept_tax_minor,
        percent=done.percent,
        policy=next((text for text in accepted if text.label == LegalKind.REFUNDS.label), None),
    )


def _sum(refunds: Sequence[Refund], *, state: RefundState) -> int:
    return sum(refund.total_minor for refund in refunds if refund.state == state)


def _words(booking: Booking, done: Cancellation) -> str:
    on = full_day(booking.local(done.created_at).date())
    days = f"{done.notice_days} day{'' if done.notice_days == 1 else 's'} before the event"
    who = "You cancelled" if done.requested_by_id is None and done.bulk_id is None else "We cancelled"
    return f"{who} on {on}, {days}."
