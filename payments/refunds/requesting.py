"""Asking for a refund, under lock: what it would be, who must agree; then it goes, or waits for a second person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from bookings.models import Booking
from core.errors import Invalid
from customers.models import PaymentMethod
from payments import disputes, errors, notices
from payments.models import Cancellation, Payment, Refund, RefundRoute
from payments.refunds import amounts, approving, executing, holding


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks for a refund, why, and under which rules. `authenticated_at` is when they last proved who they are."""

    cause: str
    reason: str
    requested_by: User | None
    actor: str
    key: str = ""
    as_credit: bool = False
    by_policy: bool = False
    cancellation: Cancellation | None = None
    authenticated_at: datetime | None = None


def request(
    *,
    payment: Payment,
    amount_minor: int,
    cause: str,
    reason: str,
    requested_by: User | None,
    actor: str,
    request_key: str = "",
    as_credit: bool = False,
    authenticated_at: datetime | None = None,
) -> Refund:
    """Refund `amount_minor` of principal plus its share of the method fee; the same `request_key` again, the same row.

    Card money goes back to the card, `as_credit` keeps it for the customer, and what came by hand is sent by hand.
    Answers with the refund as it stands: requested (a second person must agree), approved (to be sent by hand),
    succeeded, pending, failed or unknown (being asked for). Raises NotRefundable, RefundTooLarge, Invalid,
    LimitExceeded, ReauthenticationRequired; then nothing changed.
    """
    if not reason.strip():
        raise Invalid("Say why: the reason is kept with the refund.", fields={"reason": "Say why."})
    asked = Asked(
        cause=cause,
        reason=reason.strip(),
        requested_by=requested_by,
        actor=actor,
        key=request_key,
        as_credit=as_credit,
        authenticated_at=authenticated_at,
    )
    with transaction.atomic():
        membership = approving.lock_requester(requested_by, payment.merchant)
        booking, payment = holding.lock(payment)
        refund, _created = create(
            booking, payment, amount_minor=amount_minor, asked=asked, membership=membership
        )
    return executing.send(refund)


def create(
    booking: Booking | None,
    payment: Payment,
    *,
    amount_minor: int,
    asked: Asked,
    membership: approving.Membership | None = None,
) -> tuple[Refund, bool]:
    """The row, held, and started when nobody else must agree; `send` is the caller's, after commit. Under the locks."""
    if asked.key and (earlier := payment.refunds.filter(request_key=asked.key).first()):
        return earlier, False
    [refund] = create_together(booking, [(payment, amount_minor)], asked=asked, membership=membership)
    return refund, True


def create_together(
    booking: Booking | None,
    parts: Sequence[tuple[Payment, int]],
    *,
    asked: Asked,
    membership: approving.Membership | None = None,
) -> list[Refund]:
    """The rows of one decision, held: they go together, or wait together for a second person. Under the locks."""
    if asked.as_credit and asked.cause in amounts.FROM_CREDIT:
        # It is on no booking: taken as credit, it would be given twice, out of the deposits of what it did not pay.
        raise errors.NotRefundable(
            "What was paid twice or too much is kept as credit already; it can only be sent back."
        )
    planned = [
        (payment, amounts.preview(payment=payment, amount_minor=minor, cause=asked.cause))
        for payment, minor in parts
    ]
    if planned and not asked.by_policy:
        approving.check_person(
            total_minor=sum(plan.total_minor for _, plan in planned),
            currency=planned[0][0].currency,
            membership=membership,
            merchant=planned[0][0].merchant,
            requested_by=asked.requested_by,
            authenticated_at=asked.authenticated_at,
        )
    rows = [_store(payment, plan, asked) for payment, plan in planned]
    waits = any(approving.is_needed(refund, refund.payment) for refund in rows)
    if waits:
        for refund in rows:
            notices.refund_to_approve(refund)
        return rows
    why = "needs no second person"
    fallen = [
        executing.start(refund, booking, refund.payment, actor=asked.actor, reason=why) for refund in rows
    ]
    for refund, fall in zip(rows, fallen, strict=True):
        holding.leave_note(refund, booking, fall)
    return rows


def _store(payment: Payment, planned: amounts.RefundPreview, asked: Asked) -> Refund:
    refund = Refund.objects.create(
        payment=payment,
        cause=asked.cause,
        reason=asked.reason[:500],
        route=route_of(payment, as_credit=asked.as_credit),
        by_policy=asked.by_policy,
        cancellation=asked.cancellation,
        currency=payment.currency,
        amount_minor=planned.amount_minor,
        fee_minor=planned.fee_minor,
        total_minor=planned.total_minor,
        from_credit_minor=planned.amount_minor if asked.cause in amounts.FROM_CREDIT else 0,
        tax_minor=planned.tax_minor,
        requested_by=asked.requested_by,
        request_key=asked.key,
    )
    holding.reserve(refund, payment)
    return refund


def route_of(payment: Payment, *, as_credit: bool) -> RefundRoute:
    """Which way this payment's money goes back.

    What its bank took back by a dispute, or may, is not kept as credit as well: it goes to Stripe, which refuses it,
    and a person decides.
    """
    if payment.method == PaymentMethod.CREDIT or (as_credit and not disputes.stands_against(payment)):
        return RefundRoute.CREDIT
    return RefundRoute.GATEWAY if payment.method == PaymentMethod.CARD else RefundRoute.MANUAL
