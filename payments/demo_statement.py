"""The bank's files of the demonstration: brought as staff bring them, what is beyond doubt taken.

Called by the demonstration's modules alone.
"""

from collections.abc import Iterable
from datetime import date

from django.contrib.auth.models import User

from customers.models import Merchant
from payments import statements
from payments.models import LineState, StatementImport

ACCOUNT = "Checking, demonstration"
HEAD = "Date,Description,Amount,Transaction ID"


def line(day: date, words: str, amount_minor: int, reference: str) -> str:
    """One line of the file."""
    sign, minor = "-" if amount_minor < 0 else "", abs(amount_minor)
    return f"{day.isoformat()},{words},{sign}{minor // 100}.{minor % 100:02},{reference}"


def bring(merchant: Merchant, lines: Iterable[str], *, file_name: str, by: User) -> StatementImport | None:
    """Import the file, unless an earlier run did, and match what is certain. None when all lines are known."""
    before = StatementImport.objects.filter(merchant=merchant, file_name=file_name).first()
    brought = before or _store(merchant, "\r\n".join([HEAD, *lines, ""]).encode(), file_name=file_name, by=by)
    if brought is not None:
        statements.take_certain(brought, by=by)
    return brought


def ignore_fees(brought: StatementImport, *, by: User) -> None:
    """What the bank took for itself is no booking's."""
    for fee in brought.lines.filter(state=LineState.UNMATCHED, amount_minor__lt=0):
        statements.ignore(fee, by=by, reason="The bank's own fee")


def _store(merchant: Merchant, data: bytes, *, file_name: str, by: User) -> StatementImport | None:
    table = statements.read(data)
    stored = statements.store(
        merchant,
        table,
        columns=statements.guess(table),
        account=ACCOUNT,
        file_name=file_name,
        data=data,
        by=by,
    )
    return stored.statement
