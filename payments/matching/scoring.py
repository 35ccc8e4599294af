"""How much speaks for one candidate, and in which words. Pure: rows come ready, nothing is asked of the database.

Points are an order, not a probability: a code outweighs an amount, an amount a name, a name a date. They are told in
words; the number is for sorting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bookings.models import Booking
from core.money import format_minor
from payments.matching import names
from payments.matching.reading import Damage, Trace
from payments.models import Claim, StatementLine, Transfer, reference_key

LEAST = 15  # Less than this is no suggestion.
LIKELY = 40
LEAD = 10
_REFERENCE = {
    Damage.NONE: (60, "the code {code} stands in it"),
    Damage.GLUED: (55, "the code {code} stands in it, inside a longer word"),
    Damage.ZEROS: (50, "“{written}” is the code {code} without its leading zeros"),
    Damage.SWAPPED: (45, "“{written}” is the code {code} with two characters exchanged"),
    Damage.WRONG: (40, "“{written}” is the code {code} with one character wrong"),
}
EXACT, ALL_OPEN, WITHOUT_FEE = 25, 20, 18
_WHOLE_NAME, _PART_OF_NAME = 15, 8
_CLAIMED, _RECORDED, _SAME_REFERENCE = 5, 10, 50
_NEAR = ((3, 8), (7, 4))  # days, points


class Verdict(StrEnum):
    CERTAIN = "certain"
    LIKELY = "likely"
    UNSURE = "unsure"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Why:
    """`kind`: reference, amount, name, date or known. `words` go into a sentence; a score of zero is a remark."""

    kind: str
    words: str
    points: int


@dataclass(frozen=True)
class Seen:
    """Money as a statement shows it."""

    line: StatementLine
    traces: Mapping[str, Trace]
    words: frozenset[str]


@dataclass(frozen=True)
class Expected:
    """Money that should come, or that was recorded and waits for its proof. `amounts`: minor -> (points, words)."""

    booking: Booking | None
    codes: tuple[str, ...] = ()
    claim: Claim | None = None
    transfer: Transfer | None = None
    currency: str = ""
    due_minor: int = 0
    names: tuple[str, ...] = ()
    amounts: Mapping[int, tuple[int, str]] = field(default_factory=dict)

    @property
    def day(self) -> date | None:
        if self.transfer is not None:
            return self.transfer.received_on
        return self.claim.sent_on if self.claim is not None else None


@dataclass(frozen=True)
class Candidate:
    """One possible answer: money `line` is for `booking`, which `claim` announced or `transfer` is already."""

    booking: Booking | None
    claim: Claim | None
    transfer: Transfer | None
    line: StatementLine
    score: int
    whys: tuple[Why, ...]
    exact_reference: bool
    exact_amount: bool

    @property
    def words(self) -> str:
        """Why, as one sentence."""
        said = "; ".join(why.words for why in self.whys)
        return f"{said[:1].upper()}{said[1:]}."


@dataclass(frozen=True)
class Suggestion:
    """Best first. `more`: how many further candidates were left off."""

    candidates: tuple[Candidate, ...] = ()
    verdict: Verdict = Verdict.NONE
    more: int = 0

    @property
    def best(self) -> Candidate | None:
        """The one to offer by one click; none while it is unsure."""
        return self.candidates[0] if self.verdict in (Verdict.CERTAIN, Verdict.LIKELY) else None


def weigh(seen: Seen, expected: Expected) -> Candidate | None:
    """The candidate with all that speaks for it, or None when that is too little."""
    line = seen.line
    if line.currency != expected.currency:
        return None
    trace = next((seen.traces[code] for code in expected.codes if code in seen.traces), None)
    whys = [
        *_reference(trace),
        *_bank_reference(line, expected.transfer),
        *_amount(line.amount_minor, expected, has_code=trace is not None),
        *_name(seen, expected),
        *_known(expected),
        *_date(line.booked_on, expected),
    ]
    # That somebody said so, or that a day is near, speaks for nothing by itself.
    if not any(why.kind in ("reference", "amount", "name") and why.points for why in whys):
        return None
    score = sum(why.points for why in whys)
    if score < LEAST:
        return None
    return Candidate(
        booking=expected.booking,
        claim=expected.claim,
        transfer=expected.transfer,
        line=line,
        score=score,
        whys=tuple(whys),
        exact_reference=trace is not None and trace.damage == Damage.NONE,
        exact_amount=any(why.kind == "amount" and why.points == EXACT for why in whys),
    )


def _reference(trace: Trace | None) -> list[Why]:
    if trace is None:
        return []
    points, words = _REFERENCE[trace.damage]
    return [Why("reference", words.format(code=trace.code, written=trace.written), points)]


def _bank_reference(line: StatementLine, transfer: Transfer | None) -> list[Why]:
    """The bank's own id of the transfer, as staff noted it."""
    if transfer is None or not transfer.reference_key or not line.reference:
        return []
    key = reference_key(line.reference, method=transfer.method, sender_name=transfer.sender_name)
    if key != transfer.reference_key:
        return []
    return [Why("reference", f"the reference {transfer.reference} agrees", _SAME_REFERENCE)]


def _amount(minor: int, expected: Expected, *, has_code: bool) -> list[Why]:
    if minor in expected.amounts:
        points, words = expected.amounts[minor]
        return [Why("amount", words.format(amount=format_minor(minor, expected.currency)), points)]
    if not has_code:
        return []
    if not expected.due_minor:
        return [Why("amount", "nothing is open on it", 0)]
    due = format_minor(expected.due_minor, expected.currency)
    return [
        Why("amount", f"{'less' if minor < expected.due_minor else 'more'} than the {due} that is due", 0)
    ]


def _name(seen: Seen, expected: Expected) -> list[Why]:
    best, whose = 0.0, ""
    for name in expected.names:
        agrees = names.agreement(names.tokens(name), seen=seen.words)
        if agrees > best:
            best, whose = agrees, name
    if not best:
        return []
    if best == 1.0:
        return [Why("name", f"the name {whose} agrees", _WHOLE_NAME)]
    return [Why("name", f"a part of the name {whose} agrees", _PART_OF_NAME)]


def _known(expected: Expected) -> list[Why]:
    if expected.transfer is not None:
        return [Why("known", "it was recorded already and waits for its proof", _RECORDED)]
    if expected.claim is not None:
        return [Why("known", f"{expected.claim.sender_name} says it was sent", _CLAIMED)]
    return []


def _date(day: date, expected: Expected) -> list[Why]:
    if expected.day is None:
        return []
    apart = abs((day - expected.day).days)
    points = next((points for days, points in _NEAR if apart <= days), 0)
    if not points:
        return []
    words = "on the same day" if not apart else f"{apart} day{'s' if apart > 1 else ''} apart"
    return [Why("date", words, points)]


def judge(candidates: Sequence[Candidate], *, limit: int) -> Suggestion:
    """Rank them and say how sure one may be. Equal ones stay equal: then nobody is picked."""
    ranked = sorted(candidates, key=lambda found: (-found.score, _place(found)))
    if not ranked:
        return Suggestion()
    return Suggestion(tuple(ranked[:limit]), _verdict(ranked), max(0, len(ranked) - limit))


def _place(found: Candidate) -> tuple[int, int, int]:
    """An order for equals that is the same each time."""
    rows = (found.transfer, found.booking, found.line)
    first, second, third = (row.pk if row is not None and row.pk else 0 for row in rows)
    return first, second, third


def _verdict(ranked: Sequence[Candidate]) -> Verdict:
    best, rest = ranked[0], ranked[1:]
    lead = best.score - max((other.score for other in rest), default=0)
    if lead < LEAD:
        return Verdict.UNSURE
    if best.exact_reference and best.exact_amount and not any(other.exact_reference for other in rest):
        return Verdict.CERTAIN
    return Verdict.LIKELY if best.score >= LIKELY else Verdict.UNSURE
