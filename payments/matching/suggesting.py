"""The rows that suggestions are made of: read once for all lines or claims, weighed in memory."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q

from bookings import agreement
from bookings.models import Booking, BookingState, Instalment
from bookings.pricing import method_total
from customers.models import PaymentMethod
from payments.matching import names, scoring
from payments.matching.reading import traces
from payments.matching.scoring import Candidate, Expected, Seen, Suggestion
from payments.models import (
    MANUAL_METHODS,
    Claim,
    ClaimState,
    LineState,
    Payment,
    StatementLine,
    Transfer,
)

MOST_BOOKINGS = 3_000
MOST_LINES = 1_000
_BACK = timedelta(days=120)  # How long after the event, or before the line, money is still looked for.
_PAYABLE = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED, BookingState.EXPIRED)
_PURPOSE = {"deposit": "the deposit", "balance": "the balance", "addon": "the add-ons", "full": "all of it"}


def suggest(rows: Sequence[StatementLine] | Sequence[Claim], *, limit: int = 5) -> list[Suggestion]:
    """One Suggestion per row, in the rows' order; the rows are of one merchant and all of one kind."""
    if not rows:
        return []
    assert len({row.merchant_id for row in rows}) == 1, "suggestions are made for one merchant at a time"
    lines = [row for row in rows if isinstance(row, StatementLine)]
    claims = [row for row in rows if isinstance(row, Claim)]
    return _for_lines(lines, limit=limit) if lines else _for_claims(claims, limit=limit)


def method_of(text: str, *, usual: str = "") -> str:
    """Which method a line's words name, else the account's usual one."""
    lower = text.casefold()
    for method in MANUAL_METHODS:
        if method.value in lower:
            return method.value
    return usual


def see(line: StatementLine) -> Seen:
    """What a line tells, read once."""
    parts = (line.description, line.reference, line.payer)
    # The same code twice: as it is damaged least.
    found = sorted((trace for part in parts for trace in traces(part)), key=lambda trace: -trace.severity)
    return Seen(line, {trace.code: trace for trace in found}, names.tokens(" | ".join(parts)))


def _for_lines(lines: Sequence[StatementLine], *, limit: int) -> list[Suggestion]:
    incoming = [see(line) if line.amount_minor > 0 else None for line in lines]
    seen = [one for one in incoming if one is not None]
    if not seen:
        return [Suggestion() for _ in lines]
    merchant_id = lines[0].merchant_id
    codes = {code for one in seen for code in one.traces}
    earliest = min(one.line.booked_on for one in seen)
    bookings = _bookings(merchant_id, codes=codes, since=earliest)
    index = _Index([*_of_bookings(bookings), *_of_transfers(merchant_id, bookings=bookings, since=earliest)])
    return [scoring.judge(index.candidates(one), limit=limit) if one else Suggestion() for one in incoming]


def _for_claims(claims: Sequence[Claim], *, limit: int) -> list[Suggestion]:
    """A claim's booking is known; what is looked for is the line that is its money."""
    ids = [claim.pk for claim in claims]
    full = {
        claim.pk: claim
        for claim in Claim.objects.filter(pk__in=ids)
        .select_related("payment__booking__customer", "payment__booking__merchant")
        .prefetch_related("payment__booking__instalments")
    }
    lines = StatementLine.objects.filter(
        merchant_id=claims[0].merchant_id,
        state=LineState.UNMATCHED,
        amount_minor__gt=0,
        booked_on__gte=min(claim.sent_on for claim in claims) - timedelta(days=3),
    ).select_related("statement__mapping")
    index = _Index([_of_claim(full[claim.pk]) for claim in claims])
    by_claim: dict[int, list[Candidate]] = defaultdict(list)
    for line in lines[:MOST_LINES]:
        for found in index.candidates(see(line)):
            if found.claim is not None:
                by_claim[found.claim.pk].append(found)
    return [scoring.judge(by_claim[claim.pk], limit=limit) for claim in claims]


class _Index:
    """Expected money by code, amount and name, so that a line is weighed only against what it may be."""

    def __init__(self, expected: Iterable[Expected]) -> None:
        self.by_code: dict[str, list[Expected]] = defaultdict(list)
        self.by_amount: dict[int, list[Expected]] = defaultdict(list)
        self.by_name: dict[str, list[Expected]] = defaultdict(list)
        for one in expected:
            for code in one.codes:
                self.by_code[code].append(one)
            for minor in one.amounts:
                self.by_amount[minor].append(one)
            for word in {word for name in one.names for word in names.tokens(name)}:
                self.by_name[word].append(one)

    def candidates(self, seen: Seen) -> list[Candidate]:
        """All that anything speaks for, each booking once: as recorded money, as a claim, or by itself."""
        near: dict[int, Expected] = {}
        for code in seen.traces:
            near.update((id(one), one) for one in self.by_code.get(code, ()))
        near.update((id(one), one) for one in self.by_amount.get(seen.line.amount_minor, ()))
        for word in seen.words:
            near.update((id(one), one) for one in self.by_name.get(word, ()))
        found = [candidate for one in near.values() if (candidate := scoring.weigh(seen, one))]
        return _each_booking_once(found)


def _each_booking_once(found: Sequence[Candidate]) -> list[Candidate]:
    """Where the very money was recorded already, its booking is not offered to be paid again."""
    recorded = {
        one.booking.pk for one in found if one.transfer is not None and one.booking and one.exact_amount
    }
    return [
        one
        for one in found
        if one.transfer is not None or one.booking is None or one.booking.pk not in recorded
    ]


def _bookings(merchant_id: int, *, codes: Iterable[str], since: date) -> list[Booking]:
    """Those that a line names, whatever their state, and those that wait for money."""
    is_open = Instalment.objects.filter(
        booking=OuterRef("pk"), amount_minor__gt=F("paid_minor") + F("forgiven_minor")
    )
    waiting = (
        Booking.objects.filter(
            merchant_id=merchant_id, state__in=_PAYABLE, starts_at__date__gte=since - _BACK
        )
        .filter(Exists(is_open))
        .order_by("-id")
        .values("pk")[:MOST_BOOKINGS]
    )
    claims = Claim.objects.filter(state=ClaimState.OPEN).select_related("payment")
    return list(
        Booking.objects.filter(Q(merchant_id=merchant_id), Q(code__in=list(codes)) | Q(pk__in=waiting))
        .select_related("customer", "merchant")
        .prefetch_related(
            Prefetch("instalments", Instalment.objects.order_by("position")),
            Prefetch("payments", Payment.objects.filter(claims__state=ClaimState.OPEN).distinct()),
            Prefetch("payments__claims", claims, to_attr="open_claims"),
        )
    )


def _of_bookings(bookings: Iterable[Booking]) -> Iterable[Expected]:
    for booking in bookings:
        claims: list[Claim] = [claim for payment in booking.payments.all() for claim in _open_claims(payment)]
        for claim in claims:
            yield _expected(booking, claim=claim)
        if not claims:
            yield _expected(booking)


def _open_claims(payment: Any) -> list[Claim]:
    found: list[Claim] = payment.open_claims
    return found


def _of_claim(claim: Claim) -> Expected:
    booking = claim.payment.booking
    assert booking is not None, "claims are about bookings"
    return _expected(booking, claim=claim)


def _expected(booking: Booking, *, claim: Claim | None = None) -> Expected:
    who = [claim.sender_name] if claim else []
    amounts, due = _amounts(booking, claim=claim)
    return Expected(
        booking=booking,
        codes=(booking.code,),
        claim=claim,
        currency=booking.currency,
        due_minor=due,
        names=tuple(dict.fromkeys([*who, booking.contact_name, booking.customer.name])),
        amounts=amounts,
    )


def _amounts(booking: Booking, *, claim: Claim | None) -> tuple[Mapping[int, tuple[int, str]], int]:
    """What would fit, the best reason for each amount; and what is due next, with the claim's fee if there is one."""
    parts = [part for part in booking.instalments.all() if part.open_minor]
    agreed = agreement.method_fee_rates(booking) if booking.agreement else {}
    rates = {method: agreed.get(method.value, Decimal(0)) for method in MANUAL_METHODS}
    found: dict[int, tuple[int, str]] = {}
    due = 0
    if claim is not None:
        due = claim.payment.total_minor
        found[due] = (scoring.EXACT, "exactly the {amount} that were said to be sent")
        found.setdefault(
            claim.payment.amount_minor, (scoring.WITHOUT_FEE, "{amount} is what was asked without the fee")
        )
    if not parts:
        return found, due
    first, everything = parts[0].open_minor, sum(part.open_minor for part in parts)
    of = _PURPOSE[parts[0].purpose]
    due = due or first
    for method, rate in sorted(rates.items(), key=lambda pair: pair[1]):
        by = "" if method == PaymentMethod.ZELLE or not rate else f" with {method.label}'s fee"
        found.setdefault(method_total(first, rate=rate), (scoring.EXACT, f"{{amount}} is exactly {of}{by}"))
        found.setdefault(
            method_total(everything, rate=rate), (scoring.ALL_OPEN, f"{{amount}} is all that is open{by}")
        )
    return found, due


def _of_transfers(merchant_id: int, *, bookings: Iterable[Booking], since: date) -> Iterable[Expected]:
    """Money that staff recorded before the statement came: the line is its proof, not new money."""
    known = {booking.pk: booking for booking in bookings}
    rows = (
        Transfer.objects.filter(
            merchant_id=merchant_id,
            statement_line__isnull=True,
            reversed_at__isnull=True,
            received_on__gte=since - _BACK,
        )
        .prefetch_related(
            Prefetch("payments", Payment.objects.select_related("booking__customer", "customer"))
        )
        .order_by("-id")[:MOST_BOOKINGS]
    )
    for transfer in rows:
        payments = list(transfer.payments.all())
        of_bookings = [known.get(payment.booking_id or 0) or payment.booking for payment in payments]
        booking = next((one for one in of_bookings if one is not None), None)
        who = [transfer.sender_name, *(one.contact_name for one in of_bookings if one is not None)]
        yield Expected(
            booking=booking,
            codes=tuple(one.code for one in of_bookings if one is not None),
            transfer=transfer,
            currency=transfer.currency,
            due_minor=transfer.amount_minor,
            names=tuple(name for name in dict.fromkeys(who) if name),
            amounts={transfer.amount_minor: (scoring.EXACT, "exactly the {amount} that were recorded")},
        )
