"""Reading Stripe's balance into the ledger: each balance transaction once, and the tie-out that proves it.

A charge's gross was posted at settlement; its balance transaction adds the fees alone. Refunds, payouts and the
rest post whole. One that nobody understands goes to `unallocated` with a desk item. Never inside a transaction: it
calls Stripe.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models.functions import Substr

from core import clock
from core.errors import DomainError, Unavailable
from payments import desk, disputes, errors, facts, gateway, ledger, refunds, settlement
from payments.models import (
    Account,
    BalanceCursor,
    BalanceTransaction,
    DeskKind,
    GatewayAccount,
    LedgerTransaction,
    Payment,
)

logger = logging.getLogger(__name__)

MOST_UNANSWERED = 3
SETTLES_WITHIN = 3

CHARGES = frozenset({"charge", "payment"})
REFUNDS = frozenset({"refund", "payment_refund"})
REFUND_FAILURES = frozenset({"refund_failure", "payment_failure_refund"})
PAYOUTS = frozenset({"payout", "payout_cancel", "payout_failure"})


def read(account: GatewayAccount, *, since: datetime | None = None) -> int:
    """Store and post what is new on Stripe's balance; how many rows were new.

    Goes on from the newest id known; `since` reads again from a moment on, so that one which appeared late is found
    too.
    """
    cursor, _ = BalanceCursor.objects.get_or_create(gateway_account=account)
    pages = gateway.balance_transactions(account, newer_than="" if since else cursor.last_id, since=since)
    new, newest = 0, ""
    for page in pages:
        new += _store(account, page)
        newest = page[0].id if since is None and (cursor.last_id or not newest) else newest
    cursor.last_id = newest or cursor.last_id
    cursor.read_at = clock.now()
    cursor.save(update_fields=["last_id", "read_at"])
    post_due(account)
    return new


def _store(account: GatewayAccount, changes: Iterable[facts.BalanceChange]) -> int:
    rows = [
        BalanceTransaction(
            gateway_account=account,
            stripe_id=change.id,
            type=change.type,
            source_id=change.source_id,
            currency=change.currency,
            amount_minor=change.amount_minor,
            fee_minor=change.fee_minor,
            net_minor=change.net_minor,
            fee_details=[list(fee) for fee in change.fees],
            stripe_created=change.created,
        )
        for change in changes
    ]
    known = set(
        BalanceTransaction.objects.filter(
            gateway_account=account, stripe_id__in=[row.stripe_id for row in rows]
        ).values_list("stripe_id", flat=True)
    )
    BalanceTransaction.objects.bulk_create(rows, ignore_conflicts=True)
    return sum(row.stripe_id not in known for row in rows)


def post_due(account: GatewayAccount) -> int:
    """Post every stored row that is not in the ledger yet, oldest first; those that must wait stay due."""
    posted = 0
    due = BalanceTransaction.objects.filter(gateway_account=account, posted_at__isnull=True)
    unanswered = 0
    for row in due.order_by("stripe_created", "id").iterator():
        try:
            _bring_source(account, row)
            posted += _post(account, row)
            unanswered = 0
        except DomainError as wait:
            logger.warning("Balance transaction %s has to wait: %s", row.stripe_id, wait.code)
            unanswered += isinstance(wait, Unavailable)
            if unanswered == MOST_UNANSWERED:
                raise  # Stripe does not answer at all: the next sweep goes on.
        except Exception as bug:  # One row must not hold up the ledger of all others.
            logger.exception("Balance transaction %s cannot be posted", row.stripe_id)
            _put_on_desk(account, row, why=type(bug).__name__)
    return posted


def _put_on_desk(account: GatewayAccount, row: BalanceTransaction, *, why: str) -> None:
    desk.raise_item(
        merchant=account.merchant,
        kind=DeskKind.BALANCE_STUCK,
        key=f"stuck:{row.stripe_id}",
        summary=f"A movement of Stripe's balance cannot be booked: {row.type} {row.source_id}",
        evidence={"balance_transaction": row.stripe_id, "net_minor": row.net_minor, "why": why},
    )


def _bring_source(account: GatewayAccount, row: BalanceTransaction) -> None:
    """A charge or refund whose webhook never came is asked for, so that its posting has something to stand on."""
    if (
        row.type in CHARGES
        and not Payment.objects.filter(
            merchant_id=account.merchant_id, stripe_charge_id=row.source_id
        ).exists()
    ):
        money = facts.received_by_charge(gateway.retrieve_charge(account, row.source_id))
        if money is not None:
            settlement.settle(account, money)
    if row.type in REFUNDS | REFUND_FAILURES and not _is_booked(account, row):
        try:
            refunds.record(account, gateway.retrieve_refund(account, row.source_id))
        except errors.NotYet:
            return


def _is_booked(account: GatewayAccount, row: BalanceTransaction) -> bool:
    return bool(ledger.is_posted(merchant=account.merchant, source_keys=[f"bt:{row.stripe_id}"]))


@transaction.atomic
def _post(account: GatewayAccount, row: BalanceTransaction) -> bool:
    row = BalanceTransaction.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
    if row.posted_at is not None:
        return False
    if row.type in CHARGES:
        done = _post_charge_fees(account, row)
    elif row.type in REFUNDS | REFUND_FAILURES:
        done = _is_booked(account, row)
    else:
        done = _post_other(account, row)
    if done:
        row.posted_at = clock.now()
        row.save(update_fields=["posted_at"])
    return done


def _post_charge_fees(account: GatewayAccount, row: BalanceTransaction) -> bool:
    payment = Payment.objects.filter(merchant_id=account.merchant_id, stripe_charge_id=row.source_id).first()
    if payment is None:
        return False
    Payment.objects.filter(pk=payment.pk).update(gateway_fee_minor=row.fee_minor)
    ledger.post(
        merchant=account.merchant,
        currency=row.currency,
        source_key=f"bt:{row.stripe_id}",
        description=f"Stripe's fee on {row.source_id}",
        occurred_at=row.stripe_created,
        payment=payment,
        lines=_fee_lines(row),
    )
    return True


def _fee_lines(row: BalanceTransaction) -> list[ledger.Line]:
    platform = sum(amount for kind, amount in row.fee_details if kind == "application_fee")
    return [
        ledger.debit(Account.GATEWAY_FEES, row.fee_minor - platform),
        ledger.debit(Account.PLATFORM_FEES, platform),
        ledger.credit(Account.CLEARING_STRIPE, row.fee_minor),
    ]


def _dispute_fee_lines(row: BalanceTransaction) -> list[ledger.Line]:
    return [
        ledger.debit(Account.DISPUTE_FEES, row.fee_minor),
        ledger.credit(Account.CLEARING_STRIPE, row.fee_minor),
    ]


def _post_other(account: GatewayAccount, row: BalanceTransaction) -> bool:
    counter = Account.UNALLOCATED
    if row.type in PAYOUTS:
        counter = Account.PAYOUTS_IN_TRANSIT
    elif row.type == "stripe_fee":
        counter = Account.GATEWAY_FEES
    elif disputes.is_source(row.source_id):
        counter = Account.DISPUTES
    ledger.post(
        merchant=account.merchant,
        currency=row.currency,
        source_key=f"bt:{row.stripe_id}",
        description=f"Stripe's balance: {row.type}",
        occurred_at=row.stripe_created,
        lines=[
            ledger.debit(Account.CLEARING_STRIPE, row.amount_minor),
            ledger.credit(counter, row.amount_minor),
            *(_fee_lines(row) if counter != Account.DISPUTES else _dispute_fee_lines(row)),
        ],
    )
    if counter == Account.UNALLOCATED:
        desk.raise_item(
            merchant=account.merchant,
            kind=DeskKind.BALANCE_MOVED,
            key=f"balance:{row.stripe_id}",
            summary=f"Stripe's balance moved for another reason: {row.type}",
            evidence={
                "balance_transaction": row.stripe_id,
                "type": row.type,
                "net_minor": row.net_minor,
                "currency": row.currency,
                "source": row.source_id,
            },
        )
    return True


@dataclass(frozen=True)
class TieOut:
    """Stripe's balance against clearing:stripe, in minor units; `difference_minor` is zero when all is explained.

    `not_posted` lists Stripe's balance transactions that the ledger lacks, `awaiting` our postings that Stripe's
    balance lacks, each as (id, minor units of clearing:stripe).
    """

    stripe_minor: int
    clearing_minor: int
    not_posted: tuple[tuple[str, int], ...]
    awaiting: tuple[tuple[str, int], ...]

    @property
    def difference_minor(self) -> int:
        explained = sum(minor for _, minor in self.not_posted) - sum(minor for _, minor in self.awaiting)
        return self.stripe_minor - self.clearing_minor - explained


def tie_out(account: GatewayAccount, *, currency: str) -> TieOut:
    """Compare Stripe's balance with the ledger, by id. Asks Stripe for its balance and its newest transactions.

    Money that moves meanwhile blurs nothing: the balance is asked for again when a transaction came between it and its
    list, and our own side is one snapshot.
    """
    read(account)
    for _ in range(SETTLES_WITHIN):
        stripe_minor = gateway.balance(account, currency=currency)
        if not read(account):
            break
    with _snapshot():
        clearing = ledger.balances(merchant=account.merchant, currency=currency)
        return TieOut(
            stripe_minor,
            clearing.get(Account.CLEARING_STRIPE, 0),
            _not_posted(account, currency=currency),
            _awaiting(account, currency=currency),
        )


@contextmanager
def _snapshot() -> Iterator[None]:
    """Every statement inside sees the same moment, and none can write. Inside somebody's transaction it is theirs."""
    is_ours = not connection.in_atomic_block
    with transaction.atomic():
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _not_posted(account: GatewayAccount, *, currency: str) -> tuple[tuple[str, int], ...]:
    """Rows that the ledger lacks; of a charge whose gross is booked, its fee is what is missing."""
    rows = BalanceTransaction.objects.filter(
        gateway_account=account, currency=currency, posted_at__isnull=True
    ).order_by("id")
    gross = ledger.is_posted(merchant=account.merchant, source_keys=[f"ch:{row.source_id}" for row in rows])
    return tuple(
        (row.stripe_id, -row.fee_minor if f"ch:{row.source_id}" in gross else row.net_minor) for row in rows
    )


def _awaiting(account: GatewayAccount, *, currency: str) -> tuple[tuple[str, int], ...]:
    """Charges and refunds in the ledger whose balance transaction Stripe has not listed yet."""
    listed = BalanceTransaction.objects.filter(gateway_account=account)
    charges = (
        Payment.objects.filter(merchant_id=account.merchant_id, currency=currency, received_minor__gt=0)
        .exclude(stripe_charge_id="")
        .exclude(stripe_charge_id__in=listed.values("source_id"))
        .values_list("stripe_charge_id", "received_minor")
    )
    postings = (
        LedgerTransaction.objects.filter(
            merchant_id=account.merchant_id,
            currency=currency,
            source_key__startswith="bt:",
            entries__account=Account.CLEARING_STRIPE,
        )
        .annotate(stripe_id=Substr("source_key", 4))
        .exclude(stripe_id__in=listed.values("stripe_id"))
        .values_list("stripe_id", "entries__amount_minor")
    )
    return (*charges, *postings)
