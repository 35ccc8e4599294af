"""The plan derived anew and written onto the instalments that are there. Under the Booking's lock.

Invariants: the instalments sum to the price; one with money on it stays; what was paid beyond the price becomes the
customer's credit, never a refund by itself. An instalment that a payment points at is never deleted, at most emptied.
"""

from collections.abc import Sequence
from dataclasses import replace

from bookings import agreement, plan
from bookings.models import Booking, Instalment, Purpose
from bookings.plan import PaidPart, Part
from core import clock
from payments import credit, forgiving

ASIDE = 10_000  # Positions that no plan has, while rows change places.


def derived(booking: Booking, *, total_minor: int, rows: Sequence[Instalment]) -> tuple[Part, ...]:
    """The parts that a price of `total_minor` would have now. Reads nothing."""
    today = clock.today(booking.timezone)
    parts = plan.plan(
        total_minor=total_minor,
        policy=agreement.plan_policy(booking),
        event_date=booking.event_date,
        today=today,
        paid=_paid_parts(rows, total_minor=total_minor),
    )
    later = {
        row.purpose: row.deferred_to
        for row in rows
        if row.deferred_to is not None and today <= row.deferred_to <= booking.event_date
    }
    return tuple(
        replace(part, due_on=later[part.purpose])
        if part.purpose in later and (part.due_on or today) < later[part.purpose]
        else part
        for part in parts
    )


def _paid_parts(rows: Sequence[Instalment], *, total_minor: int) -> list[PaidPart]:
    # Emptied rows were planned away; planning must not mistake one for a deposit agreed to.
    return [
        PaidPart(Purpose(row.purpose), row.amount_minor, row.covered_minor - again, row.due_on)
        for row, again in zip(rows, _asked_again(rows, total_minor=total_minor), strict=True)
        if row.amount_minor or row.covered_minor
    ]


def _asked_again(rows: Sequence[Instalment], *, total_minor: int) -> list[int]:
    """What of each row's forgiveness a lower price leaves nothing to forgive for: it must not turn into credit."""
    beyond = max(0, sum(row.covered_minor for row in rows) - total_minor)
    found = []
    for row in reversed(rows):
        found.append(min(beyond, row.forgiven_minor))
        beyond -= found[-1]
    return found[::-1]


def replan(booking: Booking, *, source_key: str) -> int:
    """Make the instalments fit the booking's price; what became the customer's credit, in minor units."""
    rows = list(booking.instalments.order_by("position"))
    parts = derived(booking, total_minor=booking.total_minor, rows=rows)
    for row, again in zip(rows, _asked_again(rows, total_minor=booking.total_minor), strict=True):
        if again:
            forgiving.take_back(
                booking, row, amount_minor=again, actor="system", reason="the price is lower now"
            )
    placed = _match(parts, rows=rows)
    for row in rows:
        row.position += ASIDE
    Instalment.objects.bulk_update(rows, ["position"])
    kept = [_write(booking, part, row, position=n) for n, (part, row) in enumerate(placed, start=1)]
    _empty([row for row in rows if row not in kept], after=len(kept))
    surplus = 0
    for row in booking.instalments.order_by("position"):
        above = row.covered_minor - row.amount_minor
        if above > 0:
            credit.from_deposits(
                booking, instalment=row, amount_minor=above, source_key=f"{source_key}:{row.pk}"
            )
            surplus += above
    return surplus


def _match(parts: Sequence[Part], *, rows: Sequence[Instalment]) -> list[tuple[Part, Instalment | None]]:
    """Each part with the row that is it: the first of its purpose, rows with money before empty ones."""
    free = sorted(rows, key=lambda row: (row.covered_minor == 0, row.position))
    found: list[tuple[Part, Instalment | None]] = []
    for part in parts:
        row = next((row for row in free if row.purpose == part.purpose), None)
        if row is not None:
            free.remove(row)
        found.append((part, row))
    return found


def _write(booking: Booking, part: Part, row: Instalment | None, *, position: int) -> Instalment:
    row = row or Instalment(booking=booking, purpose=part.purpose)
    row.position, row.amount_minor, row.due_on = position, part.amount_minor, part.due_on
    row.save()
    return row


def _empty(rows: Sequence[Instalment], *, after: int) -> None:
    """Rows that the plan no longer has: gone, or empty when a payment or what it paid keeps them."""
    for place, row in enumerate(rows, start=after + 1):
        if not row.covered_minor and not row.payments.exists() and not row.write_offs.exists():
            row.delete()
            continue
        row.position, row.amount_minor = place, 0
        row.save(update_fields=["position", "amount_minor"])
