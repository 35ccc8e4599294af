"""Stripe's balance transactions become rows, and each row is posted when what it stands on is there."""

import logging
from collections.abc import Iterable
from datetime import datetime

from core import clock
from core.errors import DomainError, Unavailable
from payments import desk, disputes, errors, facts, gateway, refunds, settlement
from payments.balance import posting
from payments.models import (
    BalanceCursor,
    BalanceTransaction,
    DeskKind,
    GatewayAccount,
    Payment,
)

logger = logging.getLogger(__name__)
MOST_UNANSWERED = 3


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
            posted += posting.post(account, row, charge_id=_disputed(account, row))
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


def _disputed(account: GatewayAccount, row: BalanceTransaction) -> str:
    """The charge that a dispute's movement is about, as Stripe has it; empty for any other movement."""
    if not disputes.is_source(row.source_id):
        return ""
    try:
        return facts.id_of(gateway.retrieve(account, "dispute", row.source_id).get("charge"))
    except errors.GatewayRefused:
        return ""  # Its money moved all the same.


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
        row.type in posting.CHARGES
        and not Payment.objects.filter(
            merchant_id=account.merchant_id, stripe_charge_id=row.source_id
        ).exists()
    ):
        money = facts.received_by_charge(gateway.retrieve_charge(account, row.source_id))
        if money is not None:
            settlement.settle(account, money)
    if row.type in posting.REFUNDS | posting.REFUND_FAILURES and not posting.is_booked(account, row):
        try:
            refunds.record(account, gateway.retrieve_refund(account, row.source_id))
        except errors.NotYet:
            return
