"""Amounts that a client sends: compared with ours before anything happens, never used.

A client that thinks in other amounts than we do is told so (422 `amount_mismatch`), whatever form it sends
them in.
"""

from collections.abc import Mapping
from typing import Any

from core.money import Money
from payments import errors
from payments.checkout import Due


def compare(sent: Mapping[str, Any], *, due: Due, currency: str) -> None:
    """AmountMismatch unless each of amount, total, currency and line_items that was sent is ours."""
    ours = {"amount": due.amount_minor, "total": due.total_minor, "line_items": due.total_minor}
    for name, minor in ours.items():
        if name in sent and _read(name, sent[name], currency=currency) != minor:
            raise _mismatch(due, currency=currency)
    if "currency" in sent and sent["currency"] != currency:
        raise _mismatch(due, currency=currency)


def _mismatch(due: Due, *, currency: str) -> errors.AmountMismatch:
    return errors.AmountMismatch(
        amount=Money(due.amount_minor, currency).as_json(),
        fee=Money(due.fee_minor, currency).as_json(),
        total=Money(due.total_minor, currency).as_json(),
    )


def _read(name: str, value: Any, *, currency: str) -> int | None:
    return _sum(value, currency=currency) if name == "line_items" else _minor(value, currency=currency)


def sent_minor(value: Any, *, currency: str) -> int | None:
    """An amount that a client decides on (staff, of a capture): minor units, or None when it cannot be read."""
    return _minor(value, currency=currency)


def _minor(value: Any, *, currency: str) -> int | None:
    """An integer of minor units, bare or beside its currency; None for anything else."""
    if isinstance(value, Mapping):
        if value.get("currency", currency) != currency:
            return None
        value = value.get("amount", value.get("unit_amount"))
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _sum(items: Any, *, currency: str) -> int | None:
    """The sum of [{"amount", "quantity"}], or of Stripe's [{"price_data": {…}, "quantity"}]; None if
    unreadable.
    """
    if not isinstance(items, list):
        return None
    total = 0
    for item in items:
        if not isinstance(item, Mapping):
            return None
        minor = _minor(item.get("price_data", item), currency=currency)
        quantity = _minor(item.get("quantity", 1), currency=currency)
        if minor is None or quantity is None:
            return None
        total += minor * quantity
    return total
