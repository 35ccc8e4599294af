"""A change of a booking as its customer reads it before agreeing: the new price, what is still to pay, what is kept.

Shown beside the form of a change and of a move; made from `changes.preview` alone. Reads only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bookings import agreement, page_prices, pricing
from bookings.models import Booking, LineKind
from bookings.page_prices import Saving, ShownLine
from bookings.page_words import day
from bookings.plan import Part
from core.money import format_minor
from customers.models import PaymentMethod
from payments.changes import Changed


@dataclass(frozen=True, slots=True)
class StillToPay:
    """One part that stays open, by card."""

    label: str
    card_minor: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Prices with tax, without method fees; `open_parts` by card, `savings` of all of them together."""

    currency: str
    lines: tuple[ShownLine, ...]
    before_minor: int
    after_minor: int
    words: str
    paid_minor: int
    open_parts: tuple[StillToPay, ...]
    savings: tuple[Saving, ...]
    credit_minor: int


def build(booking: Booking, changed: Changed) -> Difference:
    """What `changed` means for this booking."""
    currency = booking.currency
    rates = agreement.method_fee_rates(booking)
    open_parts = _open_parts(booking, changed.parts)
    paid = sum(row.paid_minor for row in booking.instalments.all())
    totals = pricing.totals_by_method(
        parts_minor=[minor for _, minor in open_parts], rates=page_prices.taken_rates(booking.merchant, rates)
    )
    card = rates.get(PaymentMethod.CARD, Decimal(0))
    return Difference(
        currency=currency,
        lines=_lines(booking, changed),
        before_minor=changed.before_minor,
        after_minor=changed.after_minor,
        words=_words(changed, currency=currency),
        paid_minor=min(paid, changed.after_minor),
        open_parts=tuple(
            StillToPay(_label(part), pricing.method_total(minor, rate=card)) for part, minor in open_parts
        ),
        savings=tuple(page_prices.savings(totals)) if open_parts else (),
        credit_minor=changed.credit_minor,
    )


def _words(changed: Changed, *, currency: str) -> str:
    minor = changed.difference_minor
    if not minor:
        return "The price stays the same"
    return f"{format_minor(abs(minor), currency)} {'more' if minor > 0 else 'less'} than before"


def _lines(booking: Booking, changed: Changed) -> tuple[ShownLine, ...]:
    """The new lines, then what came later and stays, then the fee for moving."""
    later = [line for line in booking.lines.all() if line.kind in (LineKind.REDUCTION, LineKind.EXTRA)]
    rows = [
        (LineKind(line.kind), line.description, line.quantity, line.unit_minor, line.amount_minor)
        for line in changed.proposal.price.lines
    ] + [
        (LineKind(line.kind), line.description, line.quantity, line.unit_minor, line.amount_minor)
        for line in later
    ]
    found = page_prices.shown_lines(rows, currency=booking.currency)
    if changed.proposal.fee_minor:
        found.append(ShownLine("Moved to another day", "", changed.proposal.fee_minor))
    return tuple(found)


def _open_parts(booking: Booking, parts: Sequence[Part]) -> list[tuple[Part, int]]:
    """Each new part that is not paid, with what is open of it; money stays with the part of its purpose."""
    rows = sorted(booking.instalments.all(), key=lambda row: (row.paid_minor == 0, row.position))
    found = []
    for part in parts:
        row = next((row for row in rows if row.purpose == part.purpose), None)
        if row is not None:
            rows.remove(row)
        open_minor = part.amount_minor - (row.covered_minor if row else 0)
        if open_minor > 0:
            found.append((part, open_minor))
    return found


def _label(part: Part) -> str:
    when = f"by {day(part.due_on)}" if part.due_on else "due now"
    return f"{part.purpose.label}, {when}"
