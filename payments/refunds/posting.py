"""A refund in the ledger: posted when Stripe's balance moved, reversed when it moved back."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum

from bookings import agreement
from bookings.models import Booking, BookingState
from core import clock
from core.money import share
from payments import facts, ledger
from payments.models import (
    Account,
    GatewayAccount,
    LedgerTransaction,
    Payment,
    Refund,
    RefundRoute,
    RefundState,
)
from payments.models.refund import NO_MONEY_MOVES


def post(account: GatewayAccount, refund: Refund, payment: Payment, news: facts.RefundNews) -> bool:
    """Book what Stripe's balance did, each movement once; whether anything was new."""
    posted = False
    if news.balance_transaction_id:
        posted = _post_moved(account, refund, payment, news)
    if news.failure_balance_transaction_id:
        posted |= _post_back(account, refund, payment, news)
    return posted


def _post_back(account: GatewayAccount, refund: Refund, payment: Payment, news: facts.RefundNews) -> bool:
    """The refund failed and the money came back: both postings of its going are reversed."""
    gone, back = refund.stripe_balance_transaction_id, news.failure_balance_transaction_id
    moved = LedgerTransaction.objects.filter(
        merchant=account.merchant, source_key__in=[f"bt:{gone}", f"pf:{gone}"]
    )
    reversals = [
        ledger.reverse(
            posted=posted,
            source_key=f"{posted.source_key.partition(':')[0]}:{back}",
            description="Refund failed, the money came back",
            occurred_at=clock.now(),
        )
        for posted in moved
    ]
    if any(reversals) and payment.booking is not None:
        _not_below_zero(payment.booking, payment, source_key=f"level:{back}")
    return any(reversals)


def _not_below_zero(booking: Booking, payment: Payment, *, source_key: str) -> None:
    """What was owed because of the refund may be paid by now, or not be owed any more: then it is the deposits'."""
    over = max(0, -ledger.booking_balance(booking, account=Account.ACCOUNTS_RECEIVABLE))
    ledger.post(
        merchant=payment.merchant,
        currency=payment.currency,
        source_key=source_key,
        description=f"Refund of {booking.code} failed after what it made due was paid",
        occurred_at=clock.now(),
        payment=payment,
        lines=[
            ledger.debit(Account.ACCOUNTS_RECEIVABLE, over),
            ledger.credit(Account.CUSTOMER_DEPOSITS, over),
        ],
    )


def _owed_again(payment: Payment, *, amount_minor: int) -> int:
    """How much of it is owed for an event that is done: what is not on deposits there was earned, and stays earned."""
    booking = payment.booking
    if booking is None or booking.state != BookingState.COMPLETED:
        return 0
    held = max(0, -ledger.booking_balance(booking, account=Account.CUSTOMER_DEPOSITS))
    return max(0, amount_minor - held)


def _post_moved(account: GatewayAccount, refund: Refund, payment: Payment, news: facts.RefundNews) -> bool:
    return _post_out(
        refund,
        payment,
        clearing=Account.CLEARING_STRIPE,
        source_key=f"bt:{news.balance_transaction_id}",
        platform_key=f"pf:{news.balance_transaction_id}",
        occurred_at=news.created,
    )


def post_by_hand(refund: Refund, payment: Payment, *, clearing: str, on: date) -> bool:
    """Book what staff sent, once; the statement that shows it moves it from clearing to bank."""
    noon = datetime.combine(on, time(12), tzinfo=ZoneInfo(payment.merchant.timezone))
    key = f"refund:{refund.public_id}"
    return _post_out(
        refund,
        payment,
        clearing=clearing,
        source_key=key,
        platform_key=f"pf:{key}",
        occurred_at=min(noon, clock.now()),
    )


def _post_out(
    refund: Refund,
    payment: Payment,
    *,
    clearing: str,
    source_key: str,
    platform_key: str,
    occurred_at: datetime,
) -> bool:
    credit_minor = _of_credit(refund)
    fee_tax = _fee_tax(refund, payment)
    owed = _owed_again(payment, amount_minor=refund.from_booking_minor)
    done = ledger.post(
        merchant=payment.merchant,
        currency=refund.currency,
        source_key=source_key,
        description=f"Refund {payment.booking.code if payment.booking else payment.stripe_charge_id}",
        occurred_at=occurred_at,
        payment=payment,
        lines=[
            ledger.debit(Account.ACCOUNTS_RECEIVABLE, owed),
            ledger.debit(Account.CUSTOMER_DEPOSITS, refund.from_booking_minor - owed),
            ledger.debit(Account.CUSTOMER_CREDIT, credit_minor),
            ledger.debit(Account.UNALLOCATED, refund.from_credit_minor - credit_minor),
            ledger.debit(Account.PROCESSING_FEE_INCOME, refund.fee_minor - fee_tax),
            ledger.debit(Account.TAX_PAYABLE, fee_tax),
            ledger.credit(clearing, refund.total_minor),
        ],
    )
    back = _platform_share(refund, payment)
    ledger.post(
        merchant=payment.merchant,
        currency=refund.currency,
        source_key=platform_key,
        description="Platform fee returned with a refund",
        occurred_at=occurred_at,
        payment=payment,
        lines=[ledger.debit(Account.PLATFORM_PAYABLE, back), ledger.credit(Account.PLATFORM_FEES, back)],
    )
    return done


def post_to_credit(refund: Refund, payment: Payment) -> bool:
    """The refund was taken as credit: nothing leaves, so no clearing account and no platform fee moves.

    `payment.received_fee_minor` is what is left of the fee after it.
    """
    fee_tax = 0
    if payment.booking is not None and refund.fee_minor:
        before = payment.received_fee_minor + refund.fee_minor
        fee_tax = agreement.tax_in_method_fee(payment.booking, fee_minor=before)
        fee_tax -= agreement.tax_in_method_fee(payment.booking, fee_minor=payment.received_fee_minor)
    owed = _owed_again(payment, amount_minor=refund.amount_minor)
    return ledger.post(
        merchant=payment.merchant,
        currency=refund.currency,
        source_key=f"refund:{refund.public_id}",
        description=f"Refund as credit {payment.booking.code if payment.booking else ''}".strip(),
        occurred_at=clock.now(),
        payment=payment,
        lines=[
            ledger.debit(Account.ACCOUNTS_RECEIVABLE, owed),
            ledger.debit(Account.CUSTOMER_DEPOSITS, refund.amount_minor - owed),
            ledger.debit(Account.PROCESSING_FEE_INCOME, refund.fee_minor - fee_tax),
            ledger.debit(Account.TAX_PAYABLE, fee_tax),
            ledger.credit(Account.CUSTOMER_CREDIT, refund.total_minor),
        ],
    )


def _of_credit(refund: Refund) -> int:
    """What of it was the customer's credit; the rest off the booking was nobody's yet."""
    if not refund.from_credit_minor:
        return 0
    taken: int = refund.credit_uses.filter(amount_minor__gt=0).aggregate(
        minor=Sum("amount_minor", default=0)
    )["minor"]
    return taken


def _platform_share(refund: Refund, payment: Payment) -> int:
    """The platform fee's share, on all refunds that moved together, less what the ledger has returned already."""
    if not payment.platform_fee_minor or not payment.received_minor:
        return 0
    whole = share(
        payment.platform_fee_minor, part=_moved(refund, payment, "total_minor"), whole=payment.received_minor
    )
    kept = ledger.payment_balance(payment, account=Account.PLATFORM_FEES)
    return whole - (payment.platform_fee_minor - kept)


def _fee_tax(refund: Refund, payment: Payment) -> int:
    """The tax inside the method fee that goes back, on all refunds that moved, less what the ledger has returned."""
    if payment.booking is None or not refund.fee_minor:
        return 0
    contained = agreement.tax_in_method_fee(payment.booking, fee_minor=payment.received_fee_minor)
    whole = agreement.tax_in_method_fee(payment.booking, fee_minor=_moved(refund, payment, "fee_minor"))
    return whole - (contained + ledger.payment_balance(payment, account=Account.TAX_PAYABLE))


def _moved(refund: Refund, payment: Payment, field: str) -> int:
    """The sum over this refund and those whose money had gone before and that did not fail."""
    others = payment.refunds.exclude(pk=refund.pk).exclude(state__in=NO_MONEY_MOVES)
    gone = ~Q(stripe_balance_transaction_id="") | Q(route=RefundRoute.MANUAL, state=RefundState.SUCCEEDED)
    moved = others.filter(gone).aggregate(total=Sum(field, default=0))["total"]
    return moved + getattr(refund, field)
