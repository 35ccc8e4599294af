"""What becomes of one line: matched, ignored, on the desk, or undone. Each under the line's lock, each once.

Money in that explains a payment moves from clearing to bank, money out (a refund that staff sent) from bank to
clearing. Undoing is a reversal; nothing in the ledger is changed. Two staff at once: the second is told who decided.
"""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction

from bookings.models import Booking
from core.errors import Invalid
from core.money import format_minor
from payments import desk, errors, manual, matching, placing
from payments.matching import Candidate
from payments.models import (
    Claim,
    LineState,
    Payment,
    Refund,
    RefundRoute,
    RefundState,
    StatementLine,
    Transfer,
)
from payments.statements import posting


def match(
    line: StatementLine, *, to: Candidate, by: User, reason: str = "", method: str = ""
) -> StatementLine:
    """Take one candidate: money recorded before gets its proof, else it is booked now."""
    if to.transfer is not None:
        return match_recorded(line, transfers=[to.transfer], by=by, reason=reason or to.words)
    if to.booking is None:
        raise Invalid("Choose a booking.")
    return book(line, to=to.booking, claim=to.claim, by=by, reason=reason or to.words, method=method)


def book(
    line: StatementLine,
    *,
    to: Booking,
    by: User,
    claim: Claim | None = None,
    reason: str = "",
    method: str = "",
) -> StatementLine:
    """Record the line's money for a booking (its claim). Raises AlreadyDecided, Invalid, ReferenceUsed."""
    payment = claim.payment if claim is not None else None
    method = method or (payment.method if payment else "") or usual_method(line)
    whole = _purpose(line, to, method=method)
    part = manual.Part(amount_minor=line.amount_minor, booking=to, payment=payment, purpose=whole)
    return split(line, parts=[part], claim=claim, by=by, reason=reason, method=method)


@transaction.atomic
def split(
    line: StatementLine,
    *,
    parts: Sequence[manual.Part],
    by: User,
    claim: Claim | None = None,
    reason: str = "",
    method: str = "",
) -> StatementLine:
    """Record the line's money over several bookings or customers' credit; the parts sum to it."""
    line = _incoming(line)
    found = _found(line, by=by, method=method or usual_method(line), note=reason)
    outcome = manual.receive(found, parts=parts, said=claim)
    codes = ", ".join(part.booking.code if part.booking else "credit" for part in parts)
    return _matched(line, transfers=[outcome.transfer], by=by, reason=f"{codes}. {reason}".strip())


@transaction.atomic
def match_recorded(
    line: StatementLine, *, transfers: Sequence[Transfer], by: User, reason: str = ""
) -> StatementLine:
    """The line proves money that was recorded before. What it is short of Venmo's transfers is Venmo's fee, five per
    cent at most. Raises AlreadyDecided when the line or a transfer was matched meanwhile, Invalid when sums differ.
    """
    line = _incoming(line)
    ids = {transfer.pk for transfer in transfers}
    rows = list(
        Transfer.objects.filter(pk__in=ids, merchant=line.merchant)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    if not rows or len(rows) != len(ids):
        raise Invalid("Choose what was recorded.")
    if any(row.is_reversed or row.statement_line_id for row in rows):
        raise errors.AlreadyDecided("That money was matched with another line, or taken back, meanwhile.")
    fee = posting.fee_between(line, rows)
    if fee is None:
        total = format_minor(sum(row.amount_minor for row in rows), line.currency)
        shown = format_minor(line.amount_minor, line.currency)
        raise Invalid(f"{total} were recorded, and the line shows {shown}.")
    return _matched(line, transfers=rows, by=by, reason=reason)


@transaction.atomic
def match_sent(line: StatementLine, *, refund: Refund, by: User, reason: str = "") -> StatementLine:
    """The line is a refund that staff sent by hand: bank to clearing. Raises AlreadyDecided, Invalid."""
    line = _lock(line)
    refund = (
        Refund.objects.select_for_update(of=("self",), no_key=True)
        .select_related("payment__merchant")
        .get(pk=refund.pk)
    )
    fits = (
        refund.payment.merchant_id == line.merchant_id
        and refund.route == RefundRoute.MANUAL
        and refund.state == RefundState.SUCCEEDED
        and refund.total_minor == -line.amount_minor
        and refund.currency == line.currency
    )
    if not fits:
        raise Invalid("Choose a refund of exactly this amount that was sent by hand.")
    if posting.is_sent(refund):
        raise errors.AlreadyDecided("That refund was matched with another line meanwhile.")
    posting.sent(line, refund)
    _decide(line, LineState.MATCHED, by=by, reason=reason or "A refund that was sent")
    return line


def sent_candidates(line: StatementLine) -> list[Refund]:
    """Refunds of exactly this amount that staff sent by hand and no line explains, the newest first."""
    rows = Refund.objects.filter(
        payment__merchant_id=line.merchant_id,
        route=RefundRoute.MANUAL,
        state=RefundState.SUCCEEDED,
        total_minor=-line.amount_minor,
        currency=line.currency,
    )
    found = rows.select_related("payment__booking", "payment__merchant").order_by("-id")[:10]
    return [refund for refund in found if not posting.is_sent(refund)]


@transaction.atomic
def to_desk(line: StatementLine, *, by: User, reason: str, method: str = "") -> StatementLine:
    """Nobody knows whose money it is: booked as unallocated, and an item for somebody to find out."""
    line = _incoming(line)
    found = _found(line, by=by, method=method or usual_method(line), note=_said(reason))
    outcome = manual.unplaced(found)
    _prove(line, [outcome.transfer])
    _decide(line, LineState.DESK, by=by, reason=reason)
    return line


@transaction.atomic
def ignore(line: StatementLine, *, by: User, reason: str) -> StatementLine:
    """No money of a booking: the ledger knows of it otherwise or not at all. Raises Invalid without a reason."""
    line = _lock(line)
    line.ignored_reason = _said(reason)[:300]
    _decide(line, LineState.IGNORED, by=by, reason=line.ignored_reason, save=["ignored_reason"])
    return line


def lock_of(payment: Payment | None) -> StatementLine | None:
    """The line on the desk whose money this is, locked, before anything else of it is."""
    transfer = payment.transfer if payment is not None else None
    if transfer is None or transfer.statement_line_id is None:
        return None
    rows = StatementLine.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(pk=transfer.statement_line_id, state=LineState.DESK).first()


def found_home(line: StatementLine, *, actor: str, reason: str) -> None:
    """The desk has placed the line's money: the line is matched. Under the line's lock."""
    line.transition_to(LineState.MATCHED, actor=actor, reason=reason[:500], save=["updated_at"])


@transaction.atomic
def undo(line: StatementLine, *, by: User, reason: str, take_back: bool = False) -> bool:
    """Set the line free again; False when it is. `take_back`: the booking was wrong too, not only the match.

    What lies on the desk is always taken back: it was booked for nothing but the line. Raises Invalid without a
    reason, NotReversible while a refund of the money stands; then nothing changed.
    """
    reason = _said(reason)
    line = _lock(line, undecided=False)
    if line.state == LineState.UNMATCHED:
        return False
    transfers = list(line.transfers.order_by("pk"))
    # The desk and bookings before transfers, as `manual.reverse` locks them.
    desk.lock_of(Payment.objects.filter(transfer__in=transfers))
    placing.lock(
        set(
            line.transfers.filter(payments__booking__isnull=False).values_list("payments__booking", flat=True)
        )
    )
    line.transfers.update(statement_line=None)  # What a line proves is taken back with its match alone.
    if take_back or line.state == LineState.DESK:
        for transfer in transfers:
            manual.reverse(transfer, reason=reason, by=by)
    posting.reverse(line)
    line.ignored_reason = ""
    line.transition_to(
        LineState.UNMATCHED,
        actor=f"user:{by.pk}",
        reason=reason,
        save=["ignored_reason", "updated_at"],
    )
    return True


def usual_method(line: StatementLine) -> str:
    """Which way the money came: what the line says, else the account's usual one."""
    usual = line.statement.mapping.columns.get("method", "")
    return matching.method_of(f"{line.description} {line.payer}", usual=usual)


def _lock(line: StatementLine, *, undecided: bool = True) -> StatementLine:
    locked = (
        StatementLine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant", "statement__mapping")
        .get(pk=line.pk)
    )
    if undecided and locked.state != LineState.UNMATCHED:
        raise errors.AlreadyDecided(decided(locked))
    return locked


def _incoming(line: StatementLine) -> StatementLine:
    line = _lock(line)
    if line.amount_minor <= 0:
        raise Invalid("This line is money that went out.")
    return line


def decided(line: StatementLine) -> str:
    """Who decided, and what, for the colleague who comes second."""
    last = line.changes.last()
    kind, _, number = (last.actor if last else "").partition(":")
    who = User.objects.filter(pk=int(number)).first() if kind == "user" and number.isdigit() else None
    name = (who.get_full_name() or who.get_username()) if who else "the system"
    return f"{line.get_state_display()} by {name} already."


def _said(reason: str) -> str:
    reason = " ".join(reason.split())[:500]
    if not reason:
        raise Invalid("Say why.", fields={"reason": "Say why."})
    return reason


def _found(line: StatementLine, *, by: User, method: str, note: str) -> manual.Found:
    return manual.Found(
        merchant=line.merchant,
        method=method,
        amount_minor=line.amount_minor,
        currency=line.currency,
        received_on=line.booked_on,
        by=by,
        reference=_reference(line, method=method),
        sender_name=line.payer,
        note=note,
        # Undone and decided anew, it is another request.
        request_key=f"line:{line.public_id}:{line.changes.count()}",
        statement_line=line,
    )


def _reference(line: StatementLine, *, method: str) -> str:
    """The bank's id. Some banks print the same one on every line: another line's money is no twin of this one's,
    while money that staff recorded without a line is (the use case refuses it then).
    """
    twins = Transfer.objects.filter(
        merchant=line.merchant, method=method, reversed_at__isnull=True, statement_line__isnull=False
    )
    same = {transfer.reference for transfer in twins.filter(reference__iexact=line.reference[:120])}
    return "" if same else line.reference


def _purpose(line: StatementLine, booking: Booking, *, method: str) -> str:
    """`full` where the line is exactly all that is open, so that nothing of it turns into credit."""
    everything = sum(part.open_minor for part in booking.instalments.all())
    asked = manual.with_fee(booking, everything, method=method) if everything else None
    return "full" if asked is not None and asked.total_minor == line.amount_minor else ""


def _matched(line: StatementLine, *, transfers: Sequence[Transfer], by: User, reason: str) -> StatementLine:
    _prove(line, transfers)
    _decide(line, LineState.MATCHED, by=by, reason=reason)
    return line


def _prove(line: StatementLine, transfers: Sequence[Transfer]) -> None:
    Transfer.objects.filter(pk__in=[transfer.pk for transfer in transfers]).update(statement_line=line)
    posting.received(line, transfers)


def _decide(line: StatementLine, state: str, *, by: User, reason: str, save: Sequence[str] = ()) -> None:
    line.transition_to(state, actor=f"user:{by.pk}", reason=reason[:500], save=["updated_at", *save])
