"""What an import would do, and doing it: only lines that are new are stored, however often the file is brought.

A line's identity is its fingerprint with its occurrence among equal rows of the file, per account; the database keeps
it unique. So an overlapping export stores what is new in it, and two equal transfers of one day stay two lines.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import User
from django.db import connection, transaction

from core import clock
from core.errors import DomainError
from customers.models import Merchant
from payments import matching
from payments.errors import AlreadyDecided
from payments.matching import Suggestion, Verdict
from payments.models import LineState, Refund, RefundRoute, StatementImport, StatementLine
from payments.statements import columns as columns_of
from payments.statements import deciding
from payments.statements.columns import Columns
from payments.statements.entries import Entry, Problem, entries
from payments.statements.reading import Table

_IMPORTS = 0x57A7E  # Our own space among PostgreSQL's advisory locks: one import per merchant at a time.


class Standing(StrEnum):
    """What an import makes of a row."""

    NEW = "new"
    KNOWN = "known"  # imported before
    ZERO = "zero"
    UNREADABLE = "unreadable"
    NO_LINE = "no_line"


_OF_PROBLEM = {
    Problem.ZERO: Standing.ZERO,
    Problem.UNREADABLE: Standing.UNREADABLE,
    Problem.NO_LINE: Standing.NO_LINE,
}


@dataclass(frozen=True)
class LookRow:
    """A row of the file: `line` as it would be stored, or as it is; `suggestion` for new money in."""

    entry: Entry
    standing: Standing
    line: StatementLine | None = None
    suggestion: Suggestion | None = None

    @property
    def is_foreign(self) -> bool:
        """New money that nothing speaks for."""
        return self.verdict == Verdict.NONE

    @property
    def verdict(self) -> str:
        """How sure its match is; empty where none is looked for."""
        return self.suggestion.verdict if self.suggestion else ""


@dataclass(frozen=True)
class Look:
    """What an import would do. Nothing is stored."""

    rows: tuple[LookRow, ...]
    account: str

    def count(self, standing: str) -> int:
        return Counter(row.standing for row in self.rows)[Standing(standing)]

    @property
    def new(self) -> tuple[LookRow, ...]:
        return tuple(row for row in self.rows if row.standing == Standing.NEW)

    @property
    def certain(self) -> int:
        return sum(row.verdict == Verdict.CERTAIN for row in self.rows)


@dataclass(frozen=True)
class Stored:
    """`statement` is None when every line had been imported before: nothing was stored."""

    statement: StatementImport | None
    new: int
    known: int


def look(merchant: Merchant, table: Table, *, columns: Columns, account: str) -> Look:
    """Every row with what would become of it; five or so statements, however many rows."""
    today = clock.today(merchant.timezone)
    found = list(entries(table, columns, currency=merchant.currency, today=today))
    account = _account(account)
    known = _known(merchant, found, account=account)
    lines = {
        entry.position: _line(merchant, entry, account=account)
        for entry in found
        if entry.problem == Problem.NONE and entry.fingerprint not in known
    }
    incoming = [line for line in lines.values() if line.amount_minor > 0]
    suggestions = {
        line.position: suggestion
        for line, suggestion in zip(incoming, matching.suggest(incoming), strict=True)
    }
    rows = []
    for entry in found:
        if entry.problem != Problem.NONE:
            rows.append(LookRow(entry, _OF_PROBLEM[entry.problem]))
        elif entry.position in lines:
            line = lines[entry.position]
            rows.append(LookRow(entry, Standing.NEW, line, suggestions.get(entry.position)))
        else:
            rows.append(LookRow(entry, Standing.KNOWN, known[entry.fingerprint]))
    return Look(tuple(rows), account)


def _account(name: str) -> str:
    return " ".join(name.split())[:80] or "Account"


def _known(merchant: Merchant, found: Iterable[Entry], *, account: str) -> dict[str, StatementLine]:
    prints = [entry.fingerprint for entry in found if entry.problem == Problem.NONE]
    rows = StatementLine.objects.filter(merchant=merchant, account=account, fingerprint__in=prints)
    return {line.fingerprint: line for line in rows}


def _line(merchant: Merchant, entry: Entry, *, account: str) -> StatementLine:
    assert entry.booked_on is not None
    return StatementLine(
        merchant=merchant,
        account=account,
        position=entry.position,
        booked_on=entry.booked_on,
        currency=entry.currency,
        amount_minor=entry.amount_minor,
        fee_minor=entry.fee_minor,
        description=entry.description,
        payer=entry.payer,
        reference=entry.reference,
        occurrence=entry.occurrence,
        fingerprint=entry.fingerprint,
    )


@transaction.atomic
def store(
    merchant: Merchant,
    table: Table,
    *,
    columns: Columns,
    account: str,
    file_name: str,
    data: bytes,
    by: User,
) -> Stored:
    """Store the lines that are new and remember the columns; again, or by two at once: the second finds nothing new.

    Raises Invalid while it is not known how to read the file.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_IMPORTS, merchant.pk])
    account = _account(account)
    mapping = columns_of.remember(merchant, table, columns=columns, name=account)
    today = clock.today(merchant.timezone)
    found = [
        entry
        for entry in entries(table, columns, currency=merchant.currency, today=today)
        if entry.problem == Problem.NONE
    ]
    known = _known(merchant, found, account=account)
    lines = [_line(merchant, entry, account=account) for entry in found if entry.fingerprint not in known]
    if not lines:
        return Stored(None, 0, len(known))
    statement = StatementImport.objects.create(
        merchant=merchant,
        mapping=mapping,
        account=account,
        file_name=file_name[:200],
        sha256=hashlib.sha256(data).hexdigest(),
        imported_by=by,
        known_before=len(known),
    )
    for line in lines:
        line.statement = statement
    StatementLine.objects.bulk_create(lines, batch_size=1_000)
    return Stored(statement, len(lines), len(known))


def take_certain(statement: StatementImport, *, by: User) -> int:
    """Match the import's lines of which there is no doubt; how many. Each is asked about anew just before: what one
    match paid is no longer open for the next line.
    """
    lines = list(
        statement.lines.filter(state=LineState.UNMATCHED, amount_minor__gt=0)
        .select_related("merchant", "statement__mapping")
        .order_by("position")
    )
    matched = 0
    for line, first in zip(lines, matching.suggest(lines), strict=True):
        if first.verdict != Verdict.CERTAIN:
            continue
        [now] = matching.suggest([line])
        if now.verdict != Verdict.CERTAIN or now.best is None:
            continue
        try:
            deciding.match(line, to=now.best, by=by, reason=now.best.words)
        except DomainError:
            continue  # Somebody was faster, or it does not fit any more: a person looks at it.
        matched += 1
    return matched


def went_out(statement: StatementImport) -> list[StatementLine]:
    """The import's waiting lines of money out that is no refund's by its amount: rent, wages, the bank's own fees."""
    lines = list(statement.lines.filter(state=LineState.UNMATCHED, amount_minor__lt=0).order_by("position"))
    if not lines:
        return []
    refunds = Refund.objects.filter(
        payment__merchant_id=statement.merchant_id,
        route=RefundRoute.MANUAL,
        total_minor__in={-line.amount_minor for line in lines},
    )
    of_refunds = set(refunds.values_list("total_minor", flat=True))
    return [line for line in lines if -line.amount_minor not in of_refunds]


def ignore_went_out(statement: StatementImport, *, by: User, reason: str) -> int:
    """Ignore them all for one reason; how many. Raises Invalid without a reason. Each is undone like any other."""
    return _ignore(went_out(statement), by=by, reason=reason)


def ignore_open(statement: StatementImport, *, by: User, reason: str) -> int:
    """Ignore every line of the import that still waits, money in too: its columns were read wrongly. As above."""
    open_lines = statement.lines.filter(state=LineState.UNMATCHED).order_by("position")
    return _ignore(open_lines, by=by, reason=reason)


def _ignore(lines: Iterable[StatementLine], *, by: User, reason: str) -> int:
    ignored = 0
    for line in lines:
        with contextlib.suppress(AlreadyDecided):  # somebody was faster with this one
            deciding.ignore(line, by=by, reason=reason)
            ignored += 1
    return ignored
