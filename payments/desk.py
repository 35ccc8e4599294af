"""The desk: money that does not fit, put where a person sees it; taken off by itself once nothing is left to do."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from bookings.models import Booking, BookingState, Instalment
from core import clock
from customers.models import Merchant
from payments.models import DeskItem, DeskKind, Payment

# What is open of these is owed.
OWING = frozenset({BookingState.CONFIRMED, BookingState.COMPLETED})
# Items that ask where received money belongs.
ABOUT_MONEY = frozenset(
    {
        DeskKind.LATE_MONEY,
        DeskKind.NO_CAPACITY,
        DeskKind.SURPLUS,
        DeskKind.AMOUNT_MISMATCH,
        DeskKind.FOREIGN_MONEY,
    }
)


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


def raise_overdue(booking: Booking, part: Instalment, *, why: str = " is overdue") -> None:
    """Say that this part is not paid though it was due. Closed meanwhile and open again, it is another item; but what
    staff closed with a note stays so. `why` ends the item's sentence.
    """
    key = _overdue_key(part)
    before = list(DeskItem.objects.filter(merchant=booking.merchant, key__startswith=key))
    if any(item.closed_at is None or item.action for item in before):
        return
    raise_item(
        merchant=booking.merchant,
        kind=DeskKind.OVERDUE,
        key=f"{key}:{len(before) + 1}" if before else key,
        summary=f"The {part.get_purpose_display().lower()} of {booking.code}{why}",
        booking=booking,
        evidence={
            "open_minor": part.open_minor,
            "currency": booking.currency,
            "due_on": str(part.due_on) if part.due_on else "at once",
        },
    )


def _overdue_key(part: Instalment) -> str:
    """Another day to pay is another item."""
    return f"overdue:{part.pk}:{part.due_on}"


def settle_overdue(booking: Booking, *, actor: str, words: str = "Nothing of it is open any more") -> None:
    """Close the items of the booking's overdue payments that are paid, forgiven, put off, or gone with the booking.

    Under the Booking's lock. Nobody locks such an item before its booking: what is done about it happens there.
    """
    items = list(DeskItem.objects.filter(booking=booking, kind=DeskKind.OVERDUE, closed_at__isnull=True))
    if not items:
        return
    parts = booking.instalments.all() if booking.state in OWING else []
    owed = tuple(_overdue_key(part) for part in parts if part.open_minor)
    done = (
        [item.pk for item in items if not item.key.startswith(owed)] if owed else [item.pk for item in items]
    )
    _close(DeskItem.objects.filter(pk__in=done), actor=actor, words=words)


def lock_of(payments: QuerySet[Payment]) -> None:
    """Lock the open items about these payments' money: before their bookings, as whoever resolves one does."""
    rows = DeskItem.objects.filter(payment__in=payments, closed_at__isnull=True)
    list(rows.order_by("pk").select_for_update(of=("self",), no_key=True))


def close_of(payment: Payment, *, actor: str, words: str) -> None:
    """The payment's money is gone from the books: what the desk asked about it has no answer any more."""
    rows = DeskItem.objects.filter(payment=payment, kind__in=ABOUT_MONEY, closed_at__isnull=True)
    _close(rows, actor=actor, words=words)


def _close(rows: QuerySet[DeskItem], *, actor: str, words: str) -> None:
    kind, _, number = actor.partition(":")
    by = int(number) if kind == "user" and number.isdigit() else None
    rows.update(closed_at=clock.now(), closed_by_id=by, resolution=words[:500])
