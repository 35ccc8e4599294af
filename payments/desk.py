"""The desk: money that does not fit, put where a person sees it."""

from collections.abc import Mapping
from typing import Any

from bookings.models import Booking
from customers.models import Merchant
from payments.models import DeskItem, Payment


def raise_item(
    *,
    merchant: Merchant,
    kind: str,
    key: str,
    summary: str,
    payment: Payment | None = None,
    booking: Booking | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> None:
    """Put one item on the merchant's desk; the same `key` again changes nothing."""
    item = DeskItem(
        merchant=merchant,
        kind=kind,
        key=key,
        summary=summary[:300],
        payment=payment,
        booking=booking,
        evidence=dict(evidence or {}),
    )
    DeskItem.objects.bulk_create([item], ignore_conflicts=True)
