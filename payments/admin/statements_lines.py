"""An import's lines: what waits, what was decided, and one click for what is suggested, one for what went out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.errors import DomainError
from customers import access
from payments import matching, statements
from payments.admin.dialogs import person
from payments.matching import Candidate, Suggestion, Verdict
from payments.models import LineState, StatementImport, StatementLine

PER_PAGE = 50
LINE_TONES = {LineState.UNMATCHED: "warn", LineState.MATCHED: "good", LineState.DESK: "bad"}
_IGNORING = {"_went_out": statements.ignore_went_out, "_open": statements.ignore_open}
VERDICT_WORDS = {
    Verdict.CERTAIN: ("No doubt", "good"),
    Verdict.LIKELY: ("Likely", "done"),
    Verdict.UNSURE: ("Several fit", "warn"),
    Verdict.NONE: ("Nobody's yet", "plain"),
}


@dataclass(frozen=True)
class Row:
    """A line as the page shows it."""

    line: StatementLine
    suggestion: Suggestion | None
    codes: tuple[str, ...] = ()
    is_next: bool = False

    @property
    def tone(self) -> str:
        return LINE_TONES.get(LineState(self.line.state), "plain")

    @property
    def verdict(self) -> tuple[str, str]:
        """In words, with its colour."""
        if self.suggestion is None:
            return ("", "")
        words, tone = VERDICT_WORDS[self.suggestion.verdict]
        if self.suggestion.verdict == Verdict.UNSURE and len(self.suggestion.candidates) == 1:
            words = "Perhaps"
        return (words, tone)

    @property
    def shown(self) -> tuple[Candidate, ...]:
        """The one that is offered, else some of those that fit."""
        if self.suggestion is None:
            return ()
        return self.suggestion.candidates[: 1 if self.suggestion.best else 3]

    @property
    def target(self) -> str:
        best = self.suggestion.best if self.suggestion else None
        return target_of(best) if best else ""


def target_of(candidate: Candidate) -> str:
    """What a form sends for a candidate."""
    if candidate.transfer is not None:
        return f"transfer:{candidate.transfer.pk}"
    if candidate.claim is not None:
        return f"claim:{candidate.claim.pk}"
    return f"booking:{candidate.booking.pk}" if candidate.booking else ""


def view(request: HttpRequest, *, statement: StatementImport, console: Any) -> HttpResponse:
    """The console has checked that the person may see this import."""
    here = reverse("admin:payments_statementimport_change", args=[statement.pk])
    may_decide = access.may(request.user, permission=access.VERIFY, merchant_id=statement.merchant_id)
    if request.method == "POST":
        if not may_decide:
            raise PermissionDenied
        _all_at_once(request, statement)
        return HttpResponseRedirect(here)
    counts = Counter(statement.lines.values_list("state", flat=True))
    wanted = request.GET.get("state") or (LineState.UNMATCHED if counts[LineState.UNMATCHED] else "all")
    lines = statement.lines.order_by("position").prefetch_related("transfers__payments__booking")
    if wanted in LineState.values:
        lines = lines.filter(state=wanted)
    page = Paginator(lines, PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    for line in shown:
        line.merchant, line.statement = statement.merchant, statement
    rows = _rows(shown)
    context = {
        **console.admin_site.each_context(request),
        "title": statement.file_name,
        "opts": console.opts,
        "statement": statement,
        "rows": rows,
        "page": page,
        "tabs": _tabs(counts),
        "wanted": wanted,
        "may_decide": may_decide,
        "open": counts[LineState.UNMATCHED] if may_decide else 0,
        "went_out": len(statements.went_out(statement)) if may_decide and counts[LineState.UNMATCHED] else 0,
        "here": request.get_full_path(),
        "certain": sum(
            row.suggestion is not None and row.suggestion.verdict == Verdict.CERTAIN for row in rows
        ),
    }
    return TemplateResponse(request, "admin/payments/statementimport/lines.html", context)


def _all_at_once(request: HttpRequest, statement: StatementImport) -> None:
    """Match what is without doubt, or ignore what went out or all that is open, with a reason."""
    by = person(request)
    ignore = next((do for name, do in _IGNORING.items() if name in request.POST), None)
    if ignore is None:
        matched = statements.take_certain(statement, by=by)
        messages.success(request, f"{_lines(matched)} matched.")
        return
    try:
        ignored = ignore(statement, by=by, reason=request.POST.get("reason", "").replace("\x00", " "))
    except DomainError as refusal:
        messages.error(request, refusal.for_staff)
    else:
        messages.success(request, f"{_lines(ignored)} ignored, with your reason.")


def _lines(number: int) -> str:
    return f"{number} line{'' if number == 1 else 's'}"


def _tabs(counts: Counter[str]) -> list[tuple[str, str, int]]:
    states = [(state.value, str(state.label), counts[state]) for state in LineState]
    return [*states, ("all", "All", sum(counts.values()))]


def _rows(lines: list[StatementLine]) -> list[Row]:
    waiting = [line for line in lines if line.state == LineState.UNMATCHED and line.amount_minor > 0]
    suggestions = dict(zip((line.pk for line in waiting), matching.suggest(waiting, limit=3), strict=True))
    first = next((line.pk for line in waiting if suggestions[line.pk].best), None)
    return [
        Row(line, suggestions.get(line.pk), tuple(_codes(line)), is_next=line.pk == first) for line in lines
    ]


def _codes(line: StatementLine) -> Iterable[str]:
    """The bookings that a matched line is for."""
    return {
        payment.booking.code: None
        for transfer in line.transfers.all()
        for payment in transfer.payments.all()
        if payment.booking
    }
