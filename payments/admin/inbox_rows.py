"""What the verification inbox shows of each claim that waits: the word, the booking, and what speaks for it.

A fixed number of SQL statements, however many wait. Reads only.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Count, F, Max, QuerySet, Sum
from django.http import HttpRequest

from core import clock
from customers import access
from payments import matching
from payments.admin.filters import claims_to_check
from payments.models import Claim, ClaimState, StatementLine

SHOWN = 60
LATELY = timedelta(hours=24)
ORDERS = {
    "age": ("Oldest first", [F("id").asc()]),
    "event": ("Soonest event first", [F("payment__booking__starts_at").asc(nulls_last=True), F("id").asc()]),
}


@dataclass(frozen=True)
class Hint:
    """Something to know before one confirms. `tone`: good, warn, bad."""

    words: str
    tone: str


@dataclass(frozen=True)
class Row:
    """`key` is this rendering's own: confirming twice from it confirms once. `line` is the statement's line that is,
    as far as anybody can tell, this money: matched by one click.
    """

    claim: Claim
    hints: tuple[Hint, ...]
    found: tuple[matching.Candidate, ...]
    may_decide: bool
    key: str
    line: StatementLine | None = None

    @property
    def is_picture(self) -> bool:
        return self.claim.proof_type.startswith("image/")


@dataclass(frozen=True)
class Inbox:
    rows: Sequence[Row]
    more: int
    total: int
    mark: str
    by: str
    lately: Sequence[Claim]


def mark(claims: QuerySet[Claim]) -> str:
    """Which claims wait, in one statement: another mark, another list."""
    found = claims_to_check(claims).order_by().aggregate(n=Count("pk"), ids=Sum("pk"), last=Max("pk"))
    return f"{found['n']}-{found['ids'] or 0}-{found['last'] or 0}"


def inbox(request: HttpRequest, claims: QuerySet[Claim], *, by: str = "") -> Inbox:
    by = by if by in ORDERS else "age"
    seen = mark(claims)
    waiting = claims_to_check(claims).select_related(
        "merchant", "payment__instalment", "payment__booking__customer", "payment__booking__menu"
    )
    rows = list(waiting.order_by(*ORDERS[by][1])[:SHOWN])
    total = int(seen.split("-")[0])
    return Inbox(
        rows=_rows(request, rows),
        more=max(0, total - len(rows)),
        total=total,
        mark=seen,
        by=by,
        lately=_lately(claims),
    )


def _lately(claims: QuerySet[Claim]) -> list[Claim]:
    """What colleagues decided: so that two at work see each other."""
    decided = claims.filter(state__in=[ClaimState.CONFIRMED, ClaimState.REJECTED, ClaimState.CREDITED])
    since = decided.filter(decided_at__gt=clock.now() - LATELY, decided_by__isnull=False)
    return list(
        since.select_related("payment__booking", "decided_by", "transfer").order_by("-decided_at")[:5]
    )


def _rows(request: HttpRequest, claims: Sequence[Claim]) -> list[Row]:
    alike = Counter(_looks(claim) for claim in claims)
    found = _suggested(claims)
    return [
        _row(request, claim, alike=alike[_looks(claim)], found=found.get(claim.pk, matching.Suggestion()))
        for claim in claims
    ]


def _row(request: HttpRequest, claim: Claim, *, alike: int, found: matching.Suggestion) -> Row:
    line = found.best.line if found.best is not None else None
    is_all = line is not None and line.amount_minor == claim.payment.total_minor
    return Row(
        claim=claim,
        hints=tuple(_hints(claim, alike=alike)),
        found=found.candidates,
        may_decide=access.may(request.user, permission=access.VERIFY, merchant_id=claim.merchant_id),
        key=uuid.uuid4().hex,
        line=line if is_all else None,
    )


def _looks(claim: Claim) -> tuple[int, str, int]:
    """As it stands on a statement: two that look alike are easily taken for each other."""
    return claim.merchant_id, claim.payment.method, claim.payment.total_minor


def _suggested(claims: Iterable[Claim]) -> dict[int, matching.Suggestion]:
    """Lines of the bank's statements that may be a claim's money, best first."""
    by_merchant: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_merchant[claim.merchant_id].append(claim)
    return {
        claim.pk: suggestion
        for group in by_merchant.values()
        for claim, suggestion in zip(group, matching.suggest(group, limit=2), strict=True)
    }


def _hints(claim: Claim, *, alike: int) -> Iterable[Hint]:
    payment, booking = claim.payment, claim.payment.booking
    if booking is None:
        return
    names = {_plain(booking.contact_name), _plain(booking.customer.name)}
    if _plain(claim.sender_name) in names:
        yield Hint("The sender's name is the customer's", "good")
    else:
        yield Hint(f"Another name than the booking's, {booking.contact_name}", "warn")
        if alike > 1:
            yield Hint(f"{alike} claims of this amount wait: look at the code in the note", "warn")
    if payment.instalment is not None and not payment.instalment.open_minor:
        yield Hint("Paid already another way: this would become credit", "bad")
    if booking.state not in ("held", "confirmed", "completed"):
        yield Hint(f"The booking is {booking.get_state_display().lower()}", "bad")


def _plain(name: str) -> frozenset[str]:
    return frozenset(name.casefold().replace(".", " ").split())


def decider(claim: Claim) -> str:
    """Who decided about a claim, by name."""
    if claim.decided_by is not None:
        return claim.decided_by.get_full_name() or claim.decided_by.get_username()
    change = claim.changes.last()
    kind, _, number = (change.actor if change else "").partition(":")
    user = User.objects.filter(pk=int(number)).first() if kind == "user" and number.isdigit() else None
    return (user.get_full_name() or user.get_username()) if user else "the customer"
