"""One line's page: match it with a suggestion or with another booking, split it, ignore it, the desk, undo. By POST."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from bookings import codes
from bookings.models import Booking
from core import money
from core.errors import DomainError, Forbidden, Invalid
from customers import access
from payments import manual, matching, statements
from payments.admin.statements_lines import Row, target_of
from payments.models import (
    MANUAL_METHODS,
    Claim,
    ClaimState,
    LineState,
    Refund,
    StatementLine,
    Transfer,
)

SPLITS = 4
_PAYOUT = "Stripe's payout: booked by itself"
_FOUND = 12


def view(request: HttpRequest, *, line: StatementLine, console: Any) -> HttpResponse:
    """The caller has checked that the person may decide about this line."""
    if request.method != "POST":
        return _page(request, line=line, console=console)
    act = _ACTS.get(request.POST.get("action", ""))
    if act is None:
        return _page(request, line=line, console=console, refusal="Choose what to do.", status=422)
    by: Any = request.user
    try:
        words = act(request, line, by)
    except DomainError as refusal:
        line.refresh_from_db()
        return _page(request, line=line, console=console, refusal=refusal.for_staff, status=409)
    messages.success(request, words)
    return HttpResponseRedirect(_back(request, line))


def _back(request: HttpRequest, line: StatementLine) -> str:
    """To the list one came from, at our own host only."""
    wanted = request.POST.get("back") or request.GET.get("back", "")
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return reverse("admin:payments_statementimport_change", args=[line.statement_id])


def _match(request: HttpRequest, line: StatementLine, by: User) -> str:
    kind, _, number = request.POST.get("target", "").partition(":")
    method, note = _method(request), _typed(request, "note")
    if kind == "code":
        booking = _by_code(line, _typed(request, "code"))
        statements.book(line, to=booking, by=by, reason=note, method=method)
        return f"Matched with {booking.code}."
    pk = int(number) if number.isdigit() else 0
    if kind == "transfer":
        statements.match_recorded(line, transfers=_transfers(line, [pk]), by=by, reason=note)
        return "Matched with what was recorded."
    if kind == "claim":
        claim = Claim.objects.filter(pk=pk, merchant_id=line.merchant_id, state=ClaimState.OPEN)
        said = claim.select_related("payment__booking").first()
        if said is None or said.payment.booking is None:
            raise Invalid("That claim was decided meanwhile. Look at the suggestions again.")
        statements.book(line, to=said.payment.booking, claim=said, by=by, reason=note, method=method)
        return f"Matched with {said.payment.booking.code}; the claim is confirmed."
    chosen = Booking.objects.filter(pk=pk, merchant_id=line.merchant_id).first()
    if kind != "booking" or chosen is None:
        raise Invalid("Choose what it is matched with.")
    statements.book(line, to=chosen, by=by, reason=note, method=method)
    return f"Matched with {chosen.code}."


def _typed(request: HttpRequest, name: str) -> str:
    return _plain(request.POST.get(name, ""))


def _plain(text: str) -> str:
    """Without the characters that no column keeps."""
    return text.replace("\x00", " ").strip()


def _method(request: HttpRequest) -> str:
    method = request.POST.get("method", "")
    return method if method in MANUAL_METHODS else ""


def _by_code(line: StatementLine, text: str) -> Booking:
    text = _plain(text)
    booking = Booking.objects.filter(merchant_id=line.merchant_id, code=codes.normalise(text)).first()
    if booking is None:
        raise Invalid(f"There is no booking “{text.strip()[:20]}”.")
    return booking


def _transfers(line: StatementLine, ids: list[int]) -> list[Transfer]:
    found = list(Transfer.objects.filter(pk__in=ids, merchant_id=line.merchant_id))
    if not found:
        raise Invalid("Choose what was recorded.")
    return found


def _recorded(request: HttpRequest, line: StatementLine, by: User) -> str:
    ids = [int(one) for one in request.POST.getlist("transfer") if one.isdigit()]
    rows = _transfers(line, ids)
    statements.match_recorded(line, transfers=rows, by=by, reason=_typed(request, "note"))
    return f"Matched with {len(rows)} recorded transfers."


def _split(request: HttpRequest, line: StatementLine, by: User) -> str:
    pairs = zip(request.POST.getlist("part_code"), request.POST.getlist("part_amount"), strict=False)
    parts = [
        manual.Part(
            booking=_by_code(line, code), amount_minor=money.parse(amount, currency=line.currency).minor
        )
        for code, amount in pairs
        if code.strip() or amount.strip()
    ]
    if not parts:
        raise Invalid("Name the bookings and their parts.")
    note = _typed(request, "note")
    statements.split(line, parts=parts, by=by, reason=note, method=_method(request))
    return f"Split over {len(parts)} bookings."


def _sent(request: HttpRequest, line: StatementLine, by: User) -> str:
    number = request.POST.get("refund", "")
    refund = Refund.objects.filter(
        pk=int(number) if number.isdigit() else 0, payment__merchant_id=line.merchant_id
    ).first()
    if refund is None:
        raise Invalid("Choose the refund.")
    statements.match_sent(line, refund=refund, by=by)
    return "Matched with the refund."


def _ignore(request: HttpRequest, line: StatementLine, by: User) -> str:
    statements.ignore(line, by=by, reason=_typed(request, "reason"))
    return "Ignored, with your reason."


def _desk(request: HttpRequest, line: StatementLine, by: User) -> str:
    statements.to_desk(line, by=by, reason=_typed(request, "reason"), method=_method(request))
    return "It lies on the desk now."


def _undo(request: HttpRequest, line: StatementLine, by: User) -> str:
    if line.state != LineState.IGNORED and not _may_undo(line, by):
        raise Forbidden("Only managers undo a match: money moves back.")
    done = statements.undo(
        line, by=by, reason=_typed(request, "reason"), take_back=bool(request.POST.get("take_back"))
    )
    return "Undone." if done else "It was undone before."


_ACTS: dict[str, Callable[[HttpRequest, StatementLine, User], str]] = {
    "match": _match,
    "recorded": _recorded,
    "split": _split,
    "sent": _sent,
    "ignore": _ignore,
    "desk": _desk,
    "undo": _undo,
}


def _may_undo(line: StatementLine, by: Any) -> bool:
    return access.may(by, permission=access.REVERSE, merchant_id=line.merchant_id)


def _page(
    request: HttpRequest, *, line: StatementLine, console: Any, refusal: str = "", status: int = 200
) -> HttpResponse:
    waits = line.state == LineState.UNMATCHED
    comes_in = waits and line.amount_minor > 0
    suggestion = matching.suggest([line], limit=6)[0] if comes_in else None
    query = _plain(request.GET.get("q", ""))
    sent = request.POST
    context = {
        **console.admin_site.each_context(request),
        "title": "A line of the statement",
        "opts": console.opts,
        "line": line,
        "row": Row(line, suggestion),
        "candidates": [(target_of(one), one) for one in suggestion.candidates]
        if suggestion and not query
        else [],
        "query": query,
        "found": _search(line, query) if query and comes_in else [],
        "recorded": _unproven(line) if comes_in else [],
        "refunds": statements.sent_candidates(line) if waits and line.amount_minor < 0 else [],
        "methods": [(method.value, method.label) for method in MANUAL_METHODS],
        "usual": sent.get("method") or statements.usual_method(line),
        "comes_in": comes_in,
        "waits": waits,
        "splits": _splits(request),
        "reason": sent.get("reason") or (_PAYOUT if waits and "stripe" in line.description.lower() else ""),
        "changes": list(line.changes.order_by("-id")[:10]),
        "transfers": line.transfers.prefetch_related("payments__booking"),
        "said": statements.decided(line) if not waits else "",
        "may_undo": line.state == LineState.IGNORED or _may_undo(line, request.user),
        "back": request.POST.get("back") or request.GET.get("back", ""),
        "back_url": _back(request, line),
        "refusal": refusal,
    }
    return TemplateResponse(request, "admin/payments/statementline/decide.html", context, status=status)


def _splits(request: HttpRequest) -> list[tuple[str, str]]:
    """The rows of the split as they were typed, with empty ones to type into."""
    typed = list(zip(request.POST.getlist("part_code"), request.POST.getlist("part_amount"), strict=False))
    return (typed + [("", "")] * SPLITS)[:SPLITS]


def _search(line: StatementLine, query: str) -> list[Booking]:
    """Bookings by code, name or e-mail, the newest first."""
    wanted = Q(contact_name__icontains=query) | Q(contact_email__icontains=query)
    code = codes.normalise(query)
    if code:
        wanted |= Q(code__startswith=code)
    rows = Booking.objects.filter(wanted, merchant_id=line.merchant_id, currency=line.currency)
    return list(rows.select_related("customer").prefetch_related("instalments").order_by("-id")[:_FOUND])


def _unproven(line: StatementLine) -> list[Transfer]:
    """What was recorded and no line proves yet, for choosing several at once."""
    rows = Transfer.objects.filter(
        merchant_id=line.merchant_id,
        currency=line.currency,
        statement_line__isnull=True,
        reversed_at__isnull=True,
    )
    return list(rows.prefetch_related("payments__booking").order_by("-received_on", "-id")[:_FOUND])
