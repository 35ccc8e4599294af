"""How credit comes to be, and how what staff gave ends."""

from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from bookings.models import Booking, Instalment
from core import clock
from core.errors import Invalid
from customers.models import Customer, PaymentMethod
from payments import ledger
from payments.credit import lots, taking
from payments.models import (
    Account,
    Credit,
    CreditSource,
    CreditUseKind,
    Payment,
    RefundRoute,
    RefundState,
)
from payments.models.refund import NO_MONEY_MOVES

MAX_GRANT_MINOR = 10_000_000


def keep(payment: Payment, *, amount_minor: int, source: str) -> Credit | None:
    """A lot for money of this payment that the caller has just posted to customer_credit; None for nothing."""
    if not amount_minor:
        return None
    assert payment.customer is not None, "money is kept for somebody"
    return Credit.objects.create(
        merchant_id=payment.merchant_id,
        customer=payment.customer,
        source=source,
        currency=payment.currency,
        amount_minor=amount_minor,
        remaining_minor=amount_minor,
        payment=payment,
        booking_id=payment.booking_id,
    )


@transaction.atomic
def grant(
    *,
    customer: Customer,
    amount_minor: int,
    currency: str,
    reason: str,
    granted_by: User | None,
    request_key: str = "",
    booking: Booking | None = None,
) -> Credit:
    """Staff give credit, at the merchant's expense; the same `request_key` again, the same lot.

    It ends after the merchant's `credit_valid_days`, when there is such a number. Raises Invalid.
    """
    if not reason.strip():
        raise Invalid("Say why: the reason is kept with the credit.", fields={"reason": "Say why."})
    if not 0 < amount_minor <= MAX_GRANT_MINOR:
        raise Invalid("Give more than zero, and no fortune.", fields={"amount": "Give more than zero."})
    merchant = customer.merchant
    lot, created = Credit.objects.get_or_create(
        merchant=merchant,
        request_key=request_key or f"grant:{clock.now().timestamp()}",
        defaults={
            "customer": customer,
            "source": CreditSource.GRANT,
            "currency": currency,
            "amount_minor": amount_minor,
            "remaining_minor": amount_minor,
            "booking": booking,
            "reason": reason.strip()[:300],
            "granted_by": granted_by,
            "expires_on": _last_day(customer),
        },
    )
    if created:
        ledger.post(
            merchant=merchant,
            currency=currency,
            source_key=f"credit:{lot.public_id}",
            description=f"Credit given: {lot.reason}",
            occurred_at=clock.now(),
            lines=[
                ledger.debit(Account.ADJUSTMENTS, amount_minor),
                ledger.credit(Account.CUSTOMER_CREDIT, amount_minor),
            ],
            booking=booking,
            customer=customer,
        )
    return lot


def _last_day(customer: Customer) -> date | None:
    days = customer.merchant.credit_valid_days
    return clock.today(customer.merchant.timezone) + timedelta(days=days) if days else None


def from_deposits(booking: Booking, *, instalment: Instalment, amount_minor: int, source_key: str) -> None:
    """The price fell below what was paid of this instalment: so much of it becomes the customer's credit.

    Under the Booking's lock. The newest payments give first; each keeps account of where its money is.
    """
    left = amount_minor
    rows = Payment.objects.filter(instalment=instalment, placed_minor__gt=0).order_by("-succeeded_at", "-pk")
    for payment in rows.select_for_update(of=("self",), no_key=True):
        part = min(left, _still_placed(payment))
        if not part:
            continue
        payment.placed_minor -= part
        payment.credit_minor += part
        payment.save(update_fields=["placed_minor", "credit_minor", "updated_at"])
        _post_from_deposits(
            booking, payment, amount_minor=part, source_key=f"{source_key}:{payment.public_id}"
        )
        left -= part
    if left:
        raise AssertionError(f"instalment {instalment.pk} was paid by nobody: {left} is missing")
    instalment.paid_minor -= amount_minor
    instalment.save(update_fields=["paid_minor"])


def _still_placed(payment: Payment) -> int:
    """Principal of the payment that is on its instalment and on no refund."""
    refunds = payment.refunds.exclude(state__in=NO_MONEY_MOVES)
    if payment.method != PaymentMethod.CREDIT:
        # What was taken as credit has left `placed_minor` already.
        refunds = refunds.exclude(route=RefundRoute.CREDIT, state=RefundState.SUCCEEDED)
    return payment.placed_minor - sum(refund.from_booking_minor for refund in refunds)


def _post_from_deposits(booking: Booking, payment: Payment, *, amount_minor: int, source_key: str) -> None:
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=source_key,
        description=f"Price of {booking.code} below what was paid",
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.CUSTOMER_DEPOSITS, amount_minor),
            ledger.credit(Account.CUSTOMER_CREDIT, amount_minor),
        ],
        payment=payment,
    )
    if payment.method == PaymentMethod.CREDIT:
        # Back to the lots that it came from, with their last day.
        taking.unspend(payment, amount_minor=amount_minor, actor="system", source_key=f"owed:{source_key}")
    else:
        keep(payment, amount_minor=amount_minor, source=CreditSource.PRICE_FALL)


def expire_due(*, limit: int = 500) -> int:
    """End what staff gave and nobody used; how many lots. Twice, or at once, is harmless."""
    done = 0
    # A day anywhere on earth: each lot's own merchant's day is checked under its lock.
    latest = clock.now().date() + timedelta(days=1)
    due = Credit.objects.filter(remaining_minor__gt=0, expires_on__lt=latest).order_by("expires_on", "pk")
    for pk in list(due.values_list("pk", flat=True)[:limit]):
        done += _expire(pk)
    return done


@transaction.atomic
def _expire(pk: int) -> bool:
    lot = (
        Credit.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "customer")
        .get(pk=pk)
    )
    ended = lot.expires_on is not None and lot.expires_on < clock.today(lot.merchant.timezone)
    if not ended or not lot.remaining_minor:
        return False
    [taken] = lots.use([lot], amount_minor=lot.remaining_minor, kind=CreditUseKind.EXPIRED, actor="system")
    ledger.post(
        merchant=lot.merchant,
        currency=lot.currency,
        source_key=_expiry_key(lot),
        description="Credit that staff had given expired",
        occurred_at=clock.now(),
        lines=[
            ledger.debit(Account.CUSTOMER_CREDIT, taken.amount_minor),
            ledger.credit(Account.OTHER_INCOME, taken.amount_minor),
        ],
        booking=lot.booking,
        customer=lot.customer,
    )
    return True


def _expiry_key(lot: Credit) -> str:
    """What was spent of a lot may come back after its day, and then ends too: each time has a posting of its own."""
    times = lot.uses.filter(kind=CreditUseKind.EXPIRED).count()
    return f"credit-expired:{lot.public_id}" + (f":{times}" if times > 1 else "")
