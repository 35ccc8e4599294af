"""A desk item's evidence for people: amounts with currency, our own rows as links, Stripe's ids to be searched."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from customers.console import amount, link
from customers.console.shown import redacted
from payments.models import DeskItem, Payment, Refund, Transfer
from payments.models.refund import FAILURE_WORDS

# As they are read; PostgreSQL keeps no order of its own.
FIRST = ("received_minor", "due_minor", "placed_minor", "credit_minor", "unallocated_minor", "reference")
# What an item is about, the first of these that is something.
ABOUT = (
    "unallocated_minor",
    "open_minor",
    "credit_minor",
    "net_minor",
    "spent_minor",
    "amount_minor",
    "received_minor",
)
LABELS = {
    "open_minor": "Open when this was raised",
    "received_minor": "Received",
    "due_minor": "Was due",
    "placed_minor": "Placed on the booking",
    "credit_minor": "Kept as credit",
    "unallocated_minor": "Without a place",
    "spent_credit_minor": "Credit spent meanwhile",
    "spent_minor": "Credit spent meanwhile",
    "net_minor": "Net movement",
    "balance_transaction": "Balance transaction",
    "why": "Why it cannot be booked",
    "livemode": "Real money",
    "ours": "Our account",
    "found": "The key's account",
    "intent": "Payment intent",
}
ROWS: dict[str, tuple[type[Model], str]] = {
    "transfer": (Transfer, "The transfer"),
    "refund": (Refund, "The refund"),
    "payment": (Payment, "The payment"),
}
SEARCHED = {
    "charge": "admin:payments_payment_changelist",
    "intent": "admin:payments_payment_changelist",
    "event": "admin:payments_webhookevent_changelist",
}


def shown(item: DeskItem) -> list[tuple[str, object]]:
    """Name and value of all that is known, amounts first."""
    evidence = redacted(item.evidence)
    if not isinstance(evidence, dict):
        return [("Noted", str(evidence))]
    currency = str(evidence.get("currency") or item.merchant.currency)
    facts = [
        (LABELS.get(name, name.replace("_", " ").capitalize()), _value(item, name, value, currency=currency))
        for name, value in _sensible(evidence)
    ]
    return [(name, value) for name, value in facts if value not in ("", None)]


def about(item: DeskItem) -> SafeString | str:
    """The amount that somebody must decide on, for the list."""
    evidence = item.evidence if isinstance(item.evidence, dict) else {}
    minor = next((evidence[name] for name in ABOUT if evidence.get(name)), 0)
    currency = str(evidence.get("currency") or item.merchant.currency)
    return amount(minor, currency=currency, locale=item.merchant.locale) if minor else "–"


def _sensible(evidence: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Without what stands elsewhere (currency, method), and without amounts of nothing."""
    order = {name: place for place, name in enumerate(FIRST)}
    for name in sorted(evidence, key=lambda name: order.get(name, len(FIRST))):
        value = evidence[name]
        if name not in ("currency", "method") and not (name.endswith("_minor") and value == 0):
            yield name, value


def _value(item: DeskItem, name: str, value: Any, *, currency: str) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and (name.endswith("_minor") or name == "amount"):
        return amount(value, currency=currency, locale=item.merchant.locale)
    if name == "reason" and value in FAILURE_WORDS:
        return FAILURE_WORDS[value]
    if name in ROWS and isinstance(value, str):
        return _row(item, name, value)
    if name in SEARCHED and value:
        return format_html(
            '<a class="ts-link ts-code" href="{}?q={}">{}</a>', reverse(SEARCHED[name]), value, value
        )
    return _plain(value)


def _row(item: DeskItem, name: str, value: str) -> SafeString | str:
    """Our own row, when it is this merchant's; else what was noted."""
    model, words = ROWS[name]
    path = "payment__merchant" if model is Refund else "merchant"
    try:
        found = model._default_manager.filter(public_id=UUID(value), **{path: item.merchant_id}).first()
    except ValueError:
        found = None
    return link(found, text=words) if found else _plain(value)


def _plain(value: object) -> SafeString | str:
    text = str(value)
    with suppress(ValueError):
        day = date.fromisoformat(text)
        return f"{day:%a} {day.day} {day:%b %Y}"
    return format_html('<span class="ts-code">{}</span>', text) if "_" in text else text
