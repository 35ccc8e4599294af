"""What is not asked for any more: forgiven on an instalment, posted, and asked for again. Under the Booking's lock.

Forgiving is no money: it becomes nobody's credit, nothing of it is refunded, and a cancellation does not keep it. The
books have it as an adjustment, against the customer's deposits, or what is owed once the event is done. Each change is
a row of the log and a posting of its own; `Instalment.forgiven_minor` is the rows' sum.
"""

from django.contrib.auth.models import User
from django.db.models import Sum

from bookings.models import Booking, BookingState, Instalment
from core import clock
from payments import ledger
from payments.ledger import Line
from payments.models import Account, Payment, WriteOff, WriteOffKind


def forgive(
    booking: Booking,
    instalment: Instalment,
    *,
    amount_minor: int,
    kind: WriteOffKind,
    actor: str,
    reason: str = "",
    payment: Payment | None = None,
    by: User | None = None,
    request_key: str = "",
) -> None:
    """So much of the instalment is not asked for: adjustments -> customer_deposits, or accounts_receivable."""
    receivable = ledger.receivable_in(booking, minor=amount_minor)
    row = WriteOff(
        kind=kind,
        amount_minor=amount_minor,
        reason=reason[:300],
        payment=payment,
        actor=actor,
        by=by,
        request_key=request_key,
    )
    lines = [
        ledger.debit(Account.ADJUSTMENTS, amount_minor),
        ledger.credit(Account.ACCOUNTS_RECEIVABLE, receivable),
        ledger.credit(Account.CUSTOMER_DEPOSITS, amount_minor - receivable),
    ]
    _store(booking, instalment, row, lines=lines, words="Not asked for any more")


def take_back(
    booking: Booking,
    instalment: Instalment,
    *,
    amount_minor: int,
    actor: str,
    reason: str,
    payment: Payment | None = None,
    by: User | None = None,
) -> None:
    """So much of what was forgiven is asked for again; the opposite posting."""
    is_done = booking.state == BookingState.COMPLETED
    row = WriteOff(
        kind=WriteOffKind.TAKEN_BACK,
        amount_minor=-amount_minor,
        reason=reason[:300],
        payment=payment,
        actor=actor,
        by=by,
    )
    lines = [
        ledger.debit(Account.ACCOUNTS_RECEIVABLE if is_done else Account.CUSTOMER_DEPOSITS, amount_minor),
        ledger.credit(Account.ADJUSTMENTS, amount_minor),
    ]
    _store(booking, instalment, row, lines=lines, words="Asked for again")


def ask_again(booking: Booking, *, actor: str, reason: str, by: User | None = None) -> int:
    """Everything that was forgiven of the booking is asked for again; how much that is, in minor units."""
    total = 0
    for part in booking.instalments.filter(forgiven_minor__gt=0).order_by("position"):
        total += part.forgiven_minor
        take_back(booking, part, amount_minor=part.forgiven_minor, actor=actor, reason=reason, by=by)
    return total


def ask_again_of(
    payment: Payment, booking: Booking, instalment: Instalment, *, actor: str, reason: str
) -> None:
    """The payment was none: what it was short of is asked for again with the rest."""
    own: int = payment.write_offs.aggregate(total=Sum("amount_minor", default=0))["total"]
    amount = min(own, instalment.forgiven_minor)
    if amount > 0:
        take_back(booking, instalment, amount_minor=amount, actor=actor, reason=reason, payment=payment)


def _store(booking: Booking, instalment: Instalment, row: WriteOff, *, lines: list[Line], words: str) -> None:
    row.booking, row.instalment = booking, instalment
    row.save(force_insert=True)
    instalment.forgiven_minor += row.amount_minor
    instalment.save(update_fields=["forgiven_minor"])
    ledger.post(
        merchant=booking.merchant,
        currency=booking.currency,
        source_key=f"write-off:{row.public_id}",
        description=f"{words}: {booking.code}",
        occurred_at=clock.now(),
        lines=lines,
        booking=booking,
    )
