"""The tie-out: Stripe's balance against clearing:stripe, by id, in one snapshot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.functions import Substr

from payments import gateway, ledger
from payments.balance import reading
from payments.models import (
    Account,
    BalanceTransaction,
    GatewayAccount,
    LedgerTransaction,
    Payment,
)

SETTLES_WITHIN = 3


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
    reading.read(account)
    for _ in range(SETTLES_WITHIN):
        stripe_minor = gateway.balance(account, currency=currency)
        if not reading.read(account):
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
