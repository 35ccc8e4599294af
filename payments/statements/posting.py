"""What a decided line moves in the ledger: clearing to bank, bank to clearing, and back. Inside the line's transaction.

Source keys are `bank:line:<id>:<how often decided>`, so a line moves once per decision; the line's lock counts.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from core import clock
from core.money import format_minor
from customers.models import PaymentMethod
from payments import ledger
from payments.models import Account, LedgerTransaction, Refund, StatementLine, Transfer

_MOST_FEE_PERCENT = 5


def fee_between(line: StatementLine, transfers: Sequence[Transfer]) -> int | None:
    """What was kept on the way: nothing, the line's own fee, the rest of Venmo's transfers. None: it does not fit."""
    if any(transfer.currency != line.currency for transfer in transfers):
        return None
    gross = sum(transfer.amount_minor for transfer in transfers)
    if gross == line.amount_minor:
        return line.fee_minor
    kept = gross - line.amount_minor
    all_venmo = all(transfer.method == PaymentMethod.VENMO for transfer in transfers)
    return kept if all_venmo and not line.fee_minor and 0 < kept <= gross * _MOST_FEE_PERCENT // 100 else None


def received(line: StatementLine, transfers: Sequence[Transfer]) -> None:
    """The transfers' money is in the bank, less what Venmo kept."""
    fee = fee_between(line, transfers)
    assert fee is not None, "the caller has compared the sums"
    gross: Counter[str] = Counter()
    for transfer in transfers:
        gross[transfer.method] += transfer.amount_minor
    payments = [payment for transfer in transfers for payment in transfer.payments.all()]
    total = sum(gross.values())
    ledger.post(
        merchant=line.merchant,
        currency=line.currency,
        source_key=_key(line),
        description=f"On the statement: {format_minor(total - fee, line.currency)}",
        occurred_at=_moment(line),
        payment=payments[0] if len(payments) == 1 else None,
        lines=[
            ledger.debit(Account.BANK, total - fee),
            ledger.debit(Account.GATEWAY_FEES, fee),
            *(ledger.credit(f"clearing:{method}", minor) for method, minor in sorted(gross.items())),
        ],
    )


def sent(line: StatementLine, refund: Refund) -> None:
    """A refund left the bank."""
    ledger.post(
        merchant=line.merchant,
        currency=line.currency,
        source_key=f"{_key(line)}:refund:{refund.public_id}",
        description=f"On the statement: {format_minor(line.amount_minor, line.currency)}",
        occurred_at=_moment(line),
        payment=refund.payment,
        lines=[
            ledger.debit(f"clearing:{refund.payment.method}", refund.total_minor),
            ledger.credit(Account.BANK, refund.total_minor),
        ],
    )


def is_sent(refund: Refund) -> bool:
    """Whether a line explains this refund."""
    return LedgerTransaction.objects.filter(
        merchant_id=refund.payment.merchant_id,
        entries__payment=refund.payment_id,
        source_key__startswith="bank:line:",
        source_key__endswith=f":refund:{refund.public_id}",
        reverses__isnull=True,
        reversed_by__isnull=True,
    ).exists()


def reverse(line: StatementLine) -> None:
    """Whatever the line moved moves back."""
    posted = LedgerTransaction.objects.filter(
        merchant=line.merchant,
        source_key__startswith=f"bank:line:{line.public_id}:",
        reverses__isnull=True,
        reversed_by__isnull=True,
    )
    for transaction in posted:
        ledger.reverse(
            posted=transaction,
            source_key=f"{transaction.source_key}:undone",
            description="A match was undone",
            occurred_at=clock.now(),
        )


def _key(line: StatementLine) -> str:
    return f"bank:line:{line.public_id}:{line.changes.count()}"


def _moment(line: StatementLine) -> datetime:
    """Noon of the line's day in the merchant's zone; never later than now."""
    noon = datetime.combine(line.booked_on, time(12), tzinfo=ZoneInfo(line.merchant.timezone))
    return min(noon, clock.now())
