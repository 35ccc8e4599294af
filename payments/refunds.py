"""Refunds: asked for under lock, sent to Stripe outside any transaction, recorded from what Stripe says.

Refunded plus requested never exceeds what was captured: under the Payment's lock, and by a constraint. A refund is
posted to the ledger when Stripe's balance moves. A lost answer is `unknown` and is asked for, never repeated
blindly. Lock order: Booking, Payment, Refund, ledger.
"""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum

from bookings.models import Booking, Instalment
from core import clock
from core.errors import Invalid
from core.money import format_minor, share
from payments import changes, desk, errors, facts, gateway, ledger
from payments.models import (
    Account,
    DeskKind,
    GatewayAccount,
    LedgerTransaction,
    Payment,
    PaymentState,
    Refund,
    RefundCause,
    RefundState,
)
from payments.models.refund import NO_MONEY_MOVES

FROM_CREDIT = frozenset({RefundCause.DUPLICATE, RefundCause.SURPLUS})
LOWERS_PRICE = frozenset({RefundCause.PRICE_REDUCTION})


@dataclass(frozen=True)
class RefundPreview:
    """What a refund of this principal would be, in minor units; `total_minor` goes back to the customer."""

    amount_minor: int
    fee_minor: int
    total_minor: int
    tax_minor: int


def refundable(payment: Payment, *, cause: str = RefundCause.PRICE_REDUCTION) -> int:
    """The principal that may still go back for this cause, in minor units."""
    if payment.state != PaymentState.SUCCEEDED:
        return 0
    if cause in FROM_CREDIT:
        return payment.credit_minor + payment.unallocated_minor - _principal(payment, from_credit=True)
    return payment.placed_minor - _principal(payment, from_credit=False)


def preview(*, payment: Payment, amount_minor: int, cause: str) -> RefundPreview:
    """The numbers that `request` would execute. Raises NotRefundable, RefundTooLarge, Invalid in words."""
    _check(payment, amount_minor=amount_minor, cause=cause)
    if cause in FROM_CREDIT:
        return RefundPreview(amount_minor, 0, amount_minor, 0)
    fee = _fee_share(payment, amount_minor=amount_minor)
    lowered = _lowered(_placed_on(payment), amount_minor=amount_minor)
    tax = changes.tax_within(payment.booking, amount_minor=lowered) if payment.booking and lowered else 0
    return RefundPreview(amount_minor, fee, amount_minor + fee, tax)


def request(
    *,
    payment: Payment,
    amount_minor: int,
    cause: str,
    reason: str,
    requested_by: User | None,
    actor: str,
    request_key: str = "",
) -> Refund:
    """Refund `amount_minor` of principal plus its share of the method fee; the same `request_key` again, the same row.

    Answers with the refund as Stripe left it: succeeded, pending, failed or unknown (being asked for). Raises
    NotRefundable, RefundTooLarge, Invalid; then nothing changed.
    """
    if not reason.strip():
        raise Invalid("Say why: the reason is kept with the refund.", fields={"reason": "Say why."})
    refund, created = _request(
        payment, amount_minor, cause, reason.strip(), requested_by=requested_by, actor=actor, key=request_key
    )
    return submit(refund) if created else refund


@transaction.atomic
def _request(
    payment: Payment,
    amount_minor: int,
    cause: str,
    reason: str,
    *,
    requested_by: User | None,
    actor: str,
    key: str,
) -> tuple[Refund, bool]:
    booking, payment = _lock(payment)
    if key and (earlier := payment.refunds.filter(request_key=key).first()):
        return earlier, False
    planned = preview(payment=payment, amount_minor=amount_minor, cause=cause)
    refund = Refund.objects.create(
        payment=payment,
        cause=cause,
        reason=reason,
        currency=payment.currency,
        amount_minor=planned.amount_minor,
        fee_minor=planned.fee_minor,
        total_minor=planned.total_minor,
        tax_minor=planned.tax_minor,
        requested_by=requested_by,
        request_key=key,
    )
    _reserve(refund, booking, payment)
    refund.transition_to(RefundState.APPROVED, actor=actor, reason="needs no second person")
    refund.transition_to(RefundState.SUBMITTED, actor=actor)
    return refund, True


def _lock(payment: Payment) -> tuple[Booking | None, Payment]:
    booking = (
        Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.booking_id)
        if payment.booking_id
        else None
    )
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    if booking is not None:
        locked.booking = booking
    return booking, locked


def _check(payment: Payment, *, amount_minor: int, cause: str) -> None:
    if payment.state != PaymentState.SUCCEEDED:
        raise errors.NotRefundable("This payment was never completed, so there is nothing to send back.")
    if amount_minor <= 0:
        raise Invalid("Refund more than zero.", fields={"amount": "Refund more than zero."})
    left = refundable(payment, cause=cause)
    if amount_minor > left:
        kind = "paid twice or too much" if cause in FROM_CREDIT else "placed on the booking"
        raise errors.RefundTooLarge(
            f"Of what was {kind}, {format_minor(left, payment.currency)} may still go back, "
            f"not {format_minor(amount_minor, payment.currency)}."
        )


def _principal(payment: Payment, *, from_credit: bool) -> int:
    """Principal of the refunds that moved or will move, from the customer's credit or from the booking."""
    refunds = payment.refunds.exclude(state__in=NO_MONEY_MOVES)
    refunds = refunds.filter(cause__in=FROM_CREDIT) if from_credit else refunds.exclude(cause__in=FROM_CREDIT)
    return refunds.aggregate(total=Sum("amount_minor"))["total"] or 0


def _fee_share(payment: Payment, *, amount_minor: int) -> int:
    """The method fee's share, computed on all refunds of the payment together, less what earlier ones took."""
    if not payment.placed_minor:
        return 0
    before = payment.refunds.exclude(state__in=NO_MONEY_MOVES).exclude(cause__in=FROM_CREDIT)
    sums = before.aggregate(amount=Sum("amount_minor", default=0), fee=Sum("fee_minor", default=0))
    whole = share(payment.received_fee_minor, part=sums["amount"] + amount_minor, whole=payment.placed_minor)
    return max(0, whole - sums["fee"])


def _reserve(refund: Refund, booking: Booking | None, payment: Payment) -> None:
    """Take the refund out of what may be refunded, and out of what the booking has been paid and costs."""
    payment.refunding_minor += refund.total_minor
    payment.save(update_fields=["refunding_minor", "updated_at"])
    instalment = _instalment(refund, payment)
    if booking is None or instalment is None:
        return
    lowered = _lowered(instalment, amount_minor=refund.amount_minor)
    instalment.paid_minor -= refund.amount_minor
    instalment.save(update_fields=["paid_minor"])
    if refund.cause in LOWERS_PRICE and lowered:
        changes.reduce_price(
            booking=booking,
            instalment=instalment,
            amount_minor=lowered,
            description=f"Price reduction: {refund.reason}",
            source_key=f"fall:{refund.public_id}",
        )


def _instalment(refund: Refund, payment: Payment) -> Instalment | None:
    """The instalment whose money this refund takes; none when it comes out of the customer's credit."""
    return None if refund.cause in FROM_CREDIT else _placed_on(payment)


def _placed_on(payment: Payment) -> Instalment | None:
    return Instalment.objects.get(pk=payment.instalment_id) if payment.instalment_id else None


def _lowered(instalment: Instalment | None, *, amount_minor: int) -> int:
    """By how much the price falls: what an earlier refund that failed left above it goes back first."""
    above = max(0, instalment.paid_minor - instalment.amount_minor) if instalment else 0
    return amount_minor - min(amount_minor, above)


def submit(refund: Refund) -> Refund:
    """Ask Stripe to refund, under the row's own key. Twice is harmless: the key, and the row's state, make it one."""
    payment = refund.payment
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=payment.merchant_id)
    try:
        news = gateway.create_refund(
            account,
            key=f"refund:{refund.public_id}:{refund.attempt}",
            charge_id=payment.stripe_charge_id,
            amount_minor=refund.total_minor,
            metadata={facts.REFUND_KEY: str(refund.public_id), facts.PAYMENT_KEY: str(payment.public_id)},
        )
    except errors.GatewayRefused as refusal:
        return _end(refund, RefundState.FAILED, why=refusal.detail)
    except errors.GatewayUnknown:
        return _end(refund, RefundState.UNKNOWN, why="Stripe did not answer")
    except errors.GatewayBusy:
        return refund  # Nothing was done; reconcile sends it again under the same key.
    record(account, news)
    return Refund.objects.get(pk=refund.pk)


@transaction.atomic
def _end(refund: Refund, to: RefundState, *, why: str) -> Refund:
    booking, payment = _lock(refund.payment)
    refund = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=refund.pk)
    before = refund.state
    refund.failure_reason = why[:200] if to == RefundState.FAILED else ""
    if refund.transition_to(to, actor="stripe", reason=why[:200], save=["failure_reason", "updated_at"]):
        _move(refund, payment, booking, before=before)
    return refund


def record(account: GatewayAccount, news: facts.RefundNews, *, event_id: str = "") -> str:
    """What Stripe says of a refund, ours or made in its dashboard. Raises NotYet when its payment is not settled."""
    known = _find(account, news)
    payment = known.payment if known else _payment(account, news)
    with transaction.atomic():
        booking, payment = _lock(payment)
        refund = (
            Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=known.pk)
            if known
            else _adopt(payment, booking, news)
        )
        moved = _record(refund, payment, booking, news, event_id=event_id)
        posted = _post(account, refund, payment, news)
    return f"refund {refund.state}" if moved else "posted" if posted else "nothing new"


def _find(account: GatewayAccount, news: facts.RefundNews) -> Refund | None:
    mine = Refund.objects.filter(payment__merchant_id=account.merchant_id).select_related("payment")
    if found := mine.filter(stripe_refund_id=news.id).first():
        return found
    try:
        uuid = UUID(news.refund_public_id)
    except ValueError:
        return None
    # Metadata alone proves nothing: the charge must be this refund's.
    return mine.filter(public_id=uuid, stripe_refund_id="", payment__stripe_charge_id=news.charge_id).first()


def _payment(account: GatewayAccount, news: facts.RefundNews) -> Payment:
    payment = Payment.objects.filter(
        merchant_id=account.merchant_id, stripe_charge_id=news.charge_id, state=PaymentState.SUCCEEDED
    ).first()
    if payment is None:
        raise errors.NotYet(f"Refund {news.id}: its charge is not settled yet.")
    return payment


def _adopt(payment: Payment, booking: Booking | None, news: facts.RefundNews) -> Refund:
    """A refund that somebody made in Stripe's dashboard: split from its total, the booking's price follows."""
    again = payment.refunds.filter(stripe_refund_id=news.id).first()
    if again is not None:
        return again
    loose = refundable(payment, cause=RefundCause.SURPLUS)
    cause = RefundCause.SURPLUS if loose >= news.amount_minor else RefundCause.PRICE_REDUCTION
    amount, fee = (news.amount_minor, 0) if loose >= news.amount_minor else _split(payment, news.amount_minor)
    tax = 0
    if booking is not None and cause in LOWERS_PRICE:
        lowered = _lowered(_placed_on(payment), amount_minor=amount)
        tax = changes.tax_within(booking, amount_minor=lowered) if lowered else 0
    refund = Refund.objects.create(
        payment=payment,
        state=RefundState.SUBMITTED,
        cause=cause,
        reason="Made in Stripe's dashboard",
        currency=payment.currency,
        amount_minor=amount,
        fee_minor=fee,
        total_minor=news.amount_minor,
        tax_minor=tax,
        stripe_refund_id=news.id,
    )
    _reserve(refund, booking, payment)
    return refund


def _split(payment: Payment, total_minor: int) -> tuple[int, int]:
    """(principal, fee) of a total, computed on all refunds of the payment together, less what earlier ones took."""
    before = payment.refunds.exclude(state__in=NO_MONEY_MOVES).exclude(cause__in=FROM_CREDIT)
    sums = before.aggregate(amount=Sum("amount_minor", default=0), total=Sum("total_minor", default=0))
    whole = payment.placed_minor + payment.received_fee_minor
    principal = share(sums["total"] + total_minor, part=payment.placed_minor, whole=whole) - sums["amount"]
    principal = max(0, min(principal, total_minor, payment.placed_minor - sums["amount"]))
    return principal, total_minor - principal


def _record(
    refund: Refund, payment: Payment, booking: Booking | None, news: facts.RefundNews, *, event_id: str
) -> bool:
    before = refund.state
    refund.stripe_refund_id = news.id
    refund.stripe_balance_transaction_id = news.balance_transaction_id or refund.stripe_balance_transaction_id
    refund.failure_reason = news.failure_reason or refund.failure_reason
    refund.succeeded_at = clock.now() if news.state == RefundState.SUCCEEDED else refund.succeeded_at
    named = ["stripe_refund_id", "stripe_balance_transaction_id", "failure_reason", "updated_at"]
    refund.save(update_fields=named)
    moved = refund.transition_to(news.state, actor="stripe", event_id=event_id, save=["succeeded_at"])
    if moved:
        _move(refund, payment, booking, before=before)
    return moved


def _move(refund: Refund, payment: Payment, booking: Booking | None, *, before: str) -> None:
    """Keep the payment's sums and the instalment in step with a refund that just left `before`."""
    if refund.state == RefundState.SUCCEEDED:
        payment.refunding_minor -= refund.total_minor
        payment.refunded_minor += refund.total_minor
    elif refund.state in NO_MONEY_MOVES:
        if before == RefundState.SUCCEEDED:
            payment.refunded_minor -= refund.total_minor
        else:
            payment.refunding_minor -= refund.total_minor
        _reopen(refund, payment, booking)
    else:
        return
    payment.save(update_fields=["refunding_minor", "refunded_minor", "updated_at"])


def _reopen(refund: Refund, payment: Payment, booking: Booking | None) -> None:
    """The money is here still: it counts as paid again, and a person has to decide what becomes of it."""
    instalment = _instalment(refund, payment)
    if instalment is not None:
        instalment.paid_minor += refund.amount_minor
        instalment.save(update_fields=["paid_minor"])
    desk.raise_item(
        merchant=payment.merchant,
        kind=DeskKind.REFUND_FAILED,
        key=f"refund:{refund.public_id}",
        summary=f"A refund of {format_minor(refund.total_minor, refund.currency)} failed: {refund.failure_reason}",
        payment=payment,
        booking=booking,
        evidence={"refund": str(refund.public_id), "reason": refund.failure_reason},
    )


def _post(account: GatewayAccount, refund: Refund, payment: Payment, news: facts.RefundNews) -> bool:
    posted = False
    if news.balance_transaction_id:
        posted = _post_moved(account, refund, payment, news)
    if news.failure_balance_transaction_id:
        moved = LedgerTransaction.objects.filter(
            merchant=account.merchant, source_key=f"bt:{refund.stripe_balance_transaction_id}"
        ).first()
        posted |= moved is not None and ledger.reverse(
            posted=moved,
            source_key=f"bt:{news.failure_balance_transaction_id}",
            description="Refund failed, the money came back",
            occurred_at=clock.now(),
        )
    return posted


def _post_moved(account: GatewayAccount, refund: Refund, payment: Payment, news: facts.RefundNews) -> bool:
    principal = Account.CUSTOMER_DEPOSITS
    if refund.cause in FROM_CREDIT or payment.booking_id is None:
        principal = Account.UNALLOCATED if payment.unallocated_minor else Account.CUSTOMER_CREDIT
    done = ledger.post(
        merchant=account.merchant,
        currency=refund.currency,
        source_key=f"bt:{news.balance_transaction_id}",
        description=f"Refund {payment.booking.code if payment.booking else payment.stripe_charge_id}",
        occurred_at=news.created,
        payment=payment,
        lines=[
            ledger.debit(principal, refund.amount_minor),
            ledger.debit(Account.PROCESSING_FEE_INCOME, refund.fee_minor),
            ledger.credit(Account.CLEARING_STRIPE, refund.total_minor),
        ],
    )
    back = _platform_share(refund, payment)
    ledger.post(
        merchant=account.merchant,
        currency=refund.currency,
        source_key=f"pf:{news.balance_transaction_id}",
        description="Platform fee returned with a refund",
        occurred_at=news.created,
        payment=payment,
        lines=[ledger.debit(Account.PLATFORM_PAYABLE, back), ledger.credit(Account.PLATFORM_FEES, back)],
    )
    return done


def _platform_share(refund: Refund, payment: Payment) -> int:
    """The platform fee's share of this refund, on all posted refunds together, less what earlier ones returned."""
    if not payment.platform_fee_minor or not payment.received_minor:
        return 0
    earlier = payment.refunds.filter(pk__lt=refund.pk).exclude(state__in=NO_MONEY_MOVES)
    before = earlier.aggregate(total=Sum("total_minor", default=0))["total"]

    def returned(total_minor: int) -> int:
        return share(payment.platform_fee_minor or 0, part=total_minor, whole=payment.received_minor)

    return returned(before + refund.total_minor) - returned(before)
