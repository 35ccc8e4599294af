"""Stripe's balance, and what moved it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from payments import facts
from payments.gateway import calling
from payments.models import GatewayAccount


def balance_transactions(
    account: GatewayAccount, *, newer_than: str = "", since: datetime | None = None
) -> Iterator[list[facts.BalanceChange]]:
    """Pages of balance transactions: those newer than a known id, or created since a moment, or all."""
    params: dict[str, Any] = {"limit": calling.LIST_LIMIT}
    if newer_than:
        params["ending_before"] = newer_than
    elif since:
        params["created"] = {"gte": int(since.timestamp())}
    while True:
        page = _balance_page(account, params)
        rows = [facts.from_balance_transaction(row.to_dict()) for row in page["data"]]
        if rows:
            yield rows
        if not page["has_more"]:
            return
        # Stripe lists newest first; before a cursor, the page next to it.
        step = {"ending_before": rows[0].id} if newer_than else {"starting_after": rows[-1].id}
        params = {**params, **step}


def _balance_page(account: GatewayAccount, params: dict[str, Any]) -> Any:
    return calling.call(account, lambda v1: v1.balance_transactions.list(params))


def payouts(account: GatewayAccount, *, since: datetime) -> Iterator[facts.Payout]:
    """Those made since then, as they stand now, newest first."""
    params: dict[str, Any] = {"limit": calling.LIST_LIMIT, "created": {"gte": int(since.timestamp())}}
    while True:
        page = _payouts_page(account, params)
        yield from (facts.from_payout(row.to_dict()) for row in page["data"])
        if not page["has_more"]:
            return
        params = {**params, "starting_after": page["data"][-1]["id"]}


def _payouts_page(account: GatewayAccount, params: dict[str, Any]) -> Any:
    return calling.call(account, lambda v1: v1.payouts.list(params))


def balance(account: GatewayAccount, *, currency: str) -> int:
    """Stripe's balance, available and pending together, in minor units."""
    found = calling.call(account, lambda v1: v1.balance.retrieve()).to_dict()
    return sum(
        part["amount"]
        for kind in ("available", "pending")
        for part in found.get(kind) or ()
        if part["currency"] == currency
    )
