"""Posting to the ledger. Every posting has a source key and happens once; corrections are reversals.

`post` must run inside the transaction that changes what it books. Debits are positive, credits negative. The database
checks the balance at commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum

from bookings.models import Booking, BookingState
from core import clock
from customers.models import Customer, Merchant
from payments.models import Account, LedgerEntry, LedgerTransaction, Payment


@dataclass(frozen=True)
class Line:
    """One entry: signed minor units on an account."""

    account: str
    amount_minor: int


def debit(account: str, amount_minor: int) -> Line:
    return Line(account, amount_minor)


def credit(account: str, amount_minor: int) -> Line:
    return Line(account, -amount_minor)


# The transaction and its entries in one statement; nothing at all when the source was posted before.
POST_ONCE = """
    WITH posted AS (
        INSERT INTO payments_ledgertransaction
            (merchant_id, currency, source_key, description, occurred_at, created_at)
        VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (merchant_id, source_key) DO NOTHING RETURNING id
    )
    INSERT INTO payments_ledgerentry
        (transaction_id, account, amount_minor, payment_id, booking_id, customer_id)
    SELECT posted.id, line.account, line.amount_minor, %s, %s, %s
    FROM posted, UNNEST(%s::text[], %s::bigint[]) WITH ORDINALITY AS line (account, amount_minor, place)
    ORDER BY line.place
"""


def post(
    *,
    merchant: Merchant,
    currency: str,
    source_key: str,
    description: str,
    occurred_at: datetime,
    lines: Sequence[Line],
    payment: Payment | None = None,
    booking: Booking | None = None,
    customer: Customer | None = None,
) -> bool:
    """Book `lines` under `source_key`; False, and nothing is written, when that key was booked before.

    Entries carry the payment, the booking (the payment's unless given) and its customer (or the one given). Lines of
    zero are left out; a posting of nothing but zeros writes nothing and answers False. Raises IntegrityError at commit
    when the lines do not sum to zero.
    """
    moving = [line for line in lines if line.amount_minor]
    if not moving:
        return False
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Post in the transaction that changes what is booked.")
    about: list[Any] = [merchant.pk, currency, source_key, description[:200], occurred_at, clock.now()]
    of = [payment.pk if payment else None, *_of(booking, payment, customer)]
    amounts = [line.amount_minor for line in moving]
    with connection.cursor() as cursor:
        cursor.execute(POST_ONCE, [*about, *of, [str(line.account) for line in moving], amounts])
        return bool(cursor.rowcount)


def _of(
    booking: Booking | None, payment: Payment | None, customer: Customer | None
) -> tuple[int | None, int | None]:
    """Booking and customer that the entries carry."""
    if booking is not None:
        return booking.pk, booking.customer_id
    if payment is not None:
        return payment.booking_id, payment.customer_id
    return None, customer.pk if customer else None


def reverse(*, posted: LedgerTransaction, source_key: str, description: str, occurred_at: datetime) -> bool:
    """Book the opposite of `posted`, once: its `reverses` is unique too."""
    with transaction.atomic():
        if LedgerTransaction.objects.filter(reverses=posted).exists():
            return False
        reversal, created = LedgerTransaction.objects.get_or_create(
            merchant=posted.merchant,
            source_key=source_key,
            defaults={
                "currency": posted.currency,
                "description": description[:200],
                "occurred_at": occurred_at,
                "reverses": posted,
            },
        )
        if not created:
            return False
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                transaction=reversal,
                account=entry.account,
                amount_minor=-entry.amount_minor,
                payment_id=entry.payment_id,
                booking_id=entry.booking_id,
                customer_id=entry.customer_id,
            )
            for entry in posted.entries.all()
        )
    return True


def balances(*, merchant: Merchant, currency: str) -> Mapping[str, int]:
    """Each account's balance in minor units (debits positive); accounts never used are absent."""
    rows = (
        LedgerEntry.objects.filter(transaction__merchant=merchant, transaction__currency=currency)
        .values_list("account")
        .annotate(Sum("amount_minor"))
    )
    return dict(rows.order_by("account"))


def booking_balance(booking: Booking, *, account: str) -> int:
    """What this booking has on one account, in minor units (debits positive)."""
    total = LedgerEntry.objects.filter(booking=booking, account=account).aggregate(total=Sum("amount_minor"))
    return total["total"] or 0


def receivable_in(booking: Booking, *, minor: int) -> int:
    """How much of `minor` pays what is owed for an event that is done already."""
    if booking.state != BookingState.COMPLETED:
        return 0
    return min(max(0, booking_balance(booking, account=Account.ACCOUNTS_RECEIVABLE)), minor)


def payment_balance(payment: Payment, *, account: str) -> int:
    """What this payment has on one account, in minor units (debits positive)."""
    total = LedgerEntry.objects.filter(payment=payment, account=account).aggregate(total=Sum("amount_minor"))
    return total["total"] or 0


def is_posted(*, merchant: Merchant, source_keys: Iterable[str]) -> set[str]:
    """Which of these sources are booked."""
    return set(
        LedgerTransaction.objects.filter(merchant=merchant, source_key__in=list(source_keys)).values_list(
            "source_key", flat=True
        )
    )
