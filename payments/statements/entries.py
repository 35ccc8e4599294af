"""One row of a table read as a statement's line, or told in words why it is none. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.money import exponent
from payments.models.statement import line_fingerprint
from payments.statements import amounts, dates
from payments.statements.columns import OUT, Columns
from payments.statements.reading import Table, TableRow

# Rows of what was only tried, or has not happened yet: Venmo's, PayPal's and some banks' exports print them.
NOT_MOVED = frozenset(
    (
        "pending",
        "failed",
        "cancelled",
        "canceled",
        "declined",
        "denied",
        "expired",
        "refused",
        "rejected",
        "void",
    )
)


class Problem(StrEnum):
    """Why a row is not imported."""

    NONE = ""
    NO_LINE = "no_line"  # totals, balances and other rows around the table
    ZERO = "zero"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row. `amount_minor` is signed and before `fee_minor`; `occurrence` counts equal rows of the file, from 1."""

    position: int
    cells: tuple[str, ...]
    problem: Problem = Problem.NONE
    words: str = ""
    booked_on: date | None = None
    amount_minor: int = 0
    fee_minor: int = 0
    currency: str = ""
    description: str = ""
    payer: str = ""
    reference: str = ""
    occurrence: int = 1

    @property
    def fingerprint(self) -> str:
        assert self.booked_on is not None, "only a row that was read has an identity"
        return line_fingerprint(
            booked_on=self.booked_on,
            amount_minor=self.amount_minor,
            currency=self.currency,
            description=self.description,
            payer=self.payer,
            reference=self.reference,
            occurrence=self.occurrence,
        )


def entries(table: Table, columns: Columns, *, currency: str, today: date) -> Iterator[Entry]:
    """Each row of the table, in order. `currency` is the account's, for files that print none."""
    seen: Counter[tuple[object, ...]] = Counter()
    for row in table.rows:
        entry = _entry(row, columns, currency=currency, today=today)
        if entry.problem == Problem.NONE:
            same = (entry.booked_on, entry.amount_minor, entry.currency)
            # Case and spaces are no difference, as in the fingerprint.
            texts = tuple(text.casefold() for text in (entry.description, entry.payer, entry.reference))
            seen[(*same, *texts)] += 1
            entry = Entry(**{**vars(entry), "occurrence": seen[(*same, *texts)]})
        yield entry


def _cell(row: TableRow, place: int | None) -> str:
    return row.cells[place] if place is not None and place < len(row.cells) else ""


def _entry(row: TableRow, columns: Columns, *, currency: str, today: date) -> Entry:
    def refused(problem: Problem, words: str) -> Entry:
        return Entry(position=row.number, cells=row.cells, problem=problem, words=words)

    figures = [_cell(row, place) for place in (columns.amount, columns.credit, columns.debit)]
    named = next(filter(None, (amounts.currency_of(figure, usual=currency) for figure in figures)), currency)
    when, coin = _cell(row, columns.booked_on), _currency(_cell(row, columns.currency), usual=named)
    if not when or not any(figures):
        return refused(Problem.NO_LINE, "No day or no amount: not a line of the statement.")
    if (status := _cell(row, columns.status)).casefold() in NOT_MOVED:
        return refused(Problem.NO_LINE, f"“{status}”: no money moved.")
    booked_on = dates.day(when, order=columns.order)
    if booked_on is None:
        return refused(Problem.UNREADABLE, f"“{when[:40]}” is no day.")
    if booked_on > today + timedelta(days=1):
        return refused(
            Problem.UNREADABLE, f"{booked_on:%Y-%m-%d} is still to come. Are day and month exchanged?"
        )
    if not coin:
        return refused(Problem.UNREADABLE, f"“{_cell(row, columns.currency)[:20]}” is no currency.")
    amount = _amount(figures, columns, currency=coin)
    if amount is None:
        shown = " / ".join(figure for figure in figures if figure)[:40]
        return refused(Problem.UNREADABLE, f"“{shown}” is no amount in {coin.upper()}.")
    if amount > 0 and _cell(row, columns.side).casefold() in OUT:
        amount = -amount
    if not amount:
        return refused(Problem.ZERO, "An amount of zero: nothing moved.")
    fee = abs(amounts.minor(_cell(row, columns.fee), decimal=columns.decimal, currency=coin) or 0)
    if fee >= abs(amount):
        return refused(Problem.UNREADABLE, "The fee is more than the amount.")
    if columns.fee_within and amount > 0:
        amount += fee
    return Entry(
        position=row.number,
        cells=row.cells,
        booked_on=booked_on,
        amount_minor=amount,
        fee_minor=fee if amount > 0 else 0,
        currency=coin,
        description=_cell(row, columns.description),
        payer=_cell(row, columns.payer)[:200],
        reference=_cell(row, columns.reference)[:200],
    )


def _currency(text: str, *, usual: str) -> str:
    """The row's own currency, the account's where none is printed, "" for what is none."""
    code = text.strip().lower() or usual
    try:
        exponent(code)
    except ValueError:
        return ""
    return code


def _amount(figures: list[str], columns: Columns, *, currency: str) -> int | None:
    """Money in is positive. Two filled columns contradict each other unless one of them is zero."""
    signed, credit, debit = (
        amounts.minor(figure, decimal=columns.decimal, currency=currency) if figure else 0
        for figure in figures
    )
    if signed is None or credit is None or debit is None:
        return None
    if columns.amount is not None:
        return -signed if columns.flipped else signed
    if credit and debit:
        return None
    return abs(credit) - abs(debit)
