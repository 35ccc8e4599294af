"""What staff do about a claim: one click for exactly what was claimed, a dialog for anything else, a kind refusal.

Everything happens by POST. The dialog shows beforehand what becomes of the cent (`inbox_effects`) and confirms only
what it showed; each form carries a key of its own, so that sending it twice records once.
"""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from unfold.widgets import UnfoldAdminTextareaWidget

from bookings.models import Booking
from core import clock
from core.errors import DomainError
from core.money import format_minor
from customers import access
from payments import errors, manual, statements
from payments.admin import inbox_effects, inbox_rows
from payments.admin.inbox_forms import FoundForm
from payments.models import Claim, ClaimState, StatementLine

_ENDED: dict[str, str] = {
    ClaimState.CONFIRMED: "confirmed",
    ClaimState.REJECTED: "turned down",
    ClaimState.CREDITED: "kept as credit",
}


class RejectForm(forms.Form):
    reason = forms.CharField(
        label="What the customer reads",
        max_length=500,
        help_text="It is sent as it stands here, and they may say again that they sent it.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )


def leave(request: HttpRequest, url: str) -> HttpResponse:
    """To a page, out of a dialog too."""
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)


class Verifying:
    """Beside a ScopedAdmin of Claim."""

    def confirm_claim(self, request: HttpRequest, object_id: str) -> HttpResponse:
        claim = self._to_decide(request, object_id)
        if request.method == "POST" and "_exact" in request.POST:
            return _exactly(request, claim)
        if claim.state != ClaimState.OPEN and not _is_repeated(request, claim):
            return _was_faster(request, claim)
        return _confirm(self, request, claim)

    def match_line(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One click for the line that is the claim's money, as its own page does. By POST, with its `line`."""
        claim = self._to_decide(request, object_id)
        if claim.state != ClaimState.OPEN:
            return _was_faster(request, claim)
        number = request.POST.get("line", "")
        rows = StatementLine.objects.filter(merchant_id=claim.merchant_id)
        line = rows.filter(pk=int(number)).first() if number.isdigit() else None
        if line is None:
            messages.warning(request, "Choose the line on the statement that is this claim's money.")
            return leave(request, _inbox())
        return _match(request, claim, line)

    def reject_claim(self, request: HttpRequest, object_id: str) -> HttpResponse:
        claim = self._to_decide(request, object_id)
        if claim.state != ClaimState.OPEN:
            return _was_faster(request, claim)
        form = RejectForm(request.POST or None, initial={"reason": _kind_words(claim)})
        if request.method == "POST" and form.is_valid():
            try:
                manual.reject(claim, reason=form.cleaned_data["reason"], by=_person(request))
            except errors.AlreadyDecided:
                claim.refresh_from_db()
                return _was_faster(request, claim)
            messages.success(request, f"{claim.sender_name} is told kindly, and may say it again.")
            return leave(request, _inbox())
        context = {"claim": claim, "form": form, "title": "Not found"}
        return self._dialog(request, "admin/payments/claim/reject.html", context)

    def _to_decide(self, request: HttpRequest, object_id: str) -> Claim:
        console: Any = self
        if not access.may(request.user, permission=access.VERIFY):
            raise Http404
        claim: Claim | None = console.get_object(request, object_id)
        if claim is None or not access.may(
            request.user, permission=access.VERIFY, merchant_id=claim.merchant_id
        ):
            raise Http404
        return claim

    def _dialog(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        console: Any = self
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        shared = {**console.admin_site.each_context(request), "opts": console.opts, "inbox_url": _inbox()}
        return TemplateResponse(request, template, {**shared, **context})


def _inbox() -> str:
    return reverse("admin:payments_claim_inbox")


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the console's own guard: never anonymous"
    return request.user


def _kind_words(claim: Claim) -> str:
    payment = claim.payment
    total = format_minor(payment.total_minor, payment.currency)
    return (
        f"We looked for {total} from {claim.sender_name} by {payment.get_method_display()} and have not found it "
        "yet. Please check whom it was sent to and whether it has left your account, and tell us again once it has."
    )


def _was_faster(request: HttpRequest, claim: Claim) -> HttpResponse:
    """Somebody decided meanwhile: say who, and show what is left to do."""
    what = _ENDED.get(claim.state, "ended")
    messages.warning(
        request, f"{inbox_rows.decider(claim)} was faster: {claim.sender_name}'s claim is {what} already."
    )
    return leave(request, _inbox())


def _key(claim: Claim, token: str) -> str:
    """The form's token, for this claim alone."""
    return f"claim-{claim.pk}-{token[:32]}"


def _is_repeated(request: HttpRequest, claim: Claim) -> bool:
    """Whether this very form was sent before."""
    key = _key(claim, request.POST.get("request_key", ""))
    return bool(claim.transfer and claim.transfer.request_key == key)


def _match(request: HttpRequest, claim: Claim, line: StatementLine) -> HttpResponse:
    booking = claim.payment.booking
    assert booking is not None, "claims are about bookings"
    words = f"On the statement of {line.booked_on:%Y-%m-%d}"
    try:
        statements.book(line, to=booking, claim=claim, by=_person(request), reason=words)
    except errors.AlreadyDecided as faster:
        claim.refresh_from_db()
        if claim.state != ClaimState.OPEN:
            return _was_faster(request, claim)
        messages.warning(request, f"That line was decided meanwhile: {faster.for_staff}")
    except DomainError as refusal:
        messages.error(request, refusal.for_staff)
    else:
        messages.success(request, _matched(line, booking))
    return leave(request, _inbox())


def _matched(line: StatementLine, booking: Booking) -> str:
    amount = format_minor(line.amount_minor, line.currency)
    return f"{amount} on the statement is matched with {booking.code}; the claim is confirmed."


def _exactly(request: HttpRequest, claim: Claim) -> HttpResponse:
    """Exactly the amount that was claimed, on the day that was named."""
    merchant = claim.merchant
    try:
        outcome = manual.confirm(
            claim,
            amount_minor=claim.payment.total_minor,
            received_on=min(claim.sent_on, clock.today(merchant.timezone)),
            by=_person(request),
            request_key=_key(claim, request.POST.get("request_key", "")),
        )
    except errors.AlreadyDecided:
        claim.refresh_from_db()
        return _was_faster(request, claim)
    except DomainError as refusal:
        messages.error(request, refusal.for_staff)
    else:
        messages.success(request, inbox_effects.told(outcome))
    return leave(request, _inbox())


def _confirm(console: Any, request: HttpRequest, claim: Claim) -> HttpResponse:
    payment = claim.payment
    merchant = claim.merchant
    if request.method != "POST":
        day = min(claim.sent_on, clock.today(merchant.timezone))
        first = {
            "amount": payment.total_minor,
            "received_on": day.isoformat(),
            "sender_name": claim.sender_name,
            "request_key": uuid.uuid4().hex,
        }
        # Bound to what it proposes, so that its effects are shown at once.
        shown = FoundForm(initial=first, merchant=merchant, currency=payment.currency)
        bound = {**first, "amount": shown["amount"].value()}
        proposed = FoundForm(bound, merchant=merchant, currency=payment.currency)
        return _page(console, request, claim, form=shown, seen=_rehearsed(request, claim, proposed))
    form = FoundForm(request.POST, merchant=merchant, currency=payment.currency)
    if not form.is_valid():
        return _page(console, request, claim, form=form, seen=inbox_effects.Rehearsal())
    if _is_repeated(request, claim):
        return _do(request, claim, form)
    seen = _rehearsed(request, claim, form)
    if "_preview" in request.POST or seen.refusal:
        return _page(console, request, claim, form=form, seen=seen)
    if form.cleaned_data["shown"] != seen.key:
        words = "This is what happens now. Look at it once more, then confirm."
        return _page(console, request, claim, form=form, seen=seen, changed=words)
    return _do(request, claim, form)


def _rehearsed(request: HttpRequest, claim: Claim, form: FoundForm) -> inbox_effects.Rehearsal:
    if not form.is_valid():
        return inbox_effects.Rehearsal()
    # A key of no form: a rehearsal is never taken for the thing itself.
    return inbox_effects.rehearse(lambda: _confirmed(request, claim, form, key=""))


def _confirmed(request: HttpRequest, claim: Claim, form: FoundForm, *, key: str) -> manual.Outcome:
    data = form.cleaned_data
    others = [*form.others(), *form.kept(claim.payment.customer)]
    return manual.confirm(
        Claim.objects.get(pk=claim.pk),
        amount_minor=data["amount"],
        received_on=data["received_on"],
        by=_person(request),
        reference=data["reference"],
        sender_name=data["sender_name"],
        note=data["note"],
        request_key=key,
        others=others,
    )


def _do(request: HttpRequest, claim: Claim, form: FoundForm) -> HttpResponse:
    try:
        outcome = _confirmed(request, claim, form, key=_key(claim, form.cleaned_data["request_key"]))
    except errors.AlreadyDecided:
        claim.refresh_from_db()
        return _was_faster(request, claim)
    except DomainError as refusal:
        messages.error(request, refusal.for_staff)
    else:
        messages.success(request, inbox_effects.told(outcome))
    return leave(request, _inbox())


def _page(
    console: Any,
    request: HttpRequest,
    claim: Claim,
    *,
    form: FoundForm,
    seen: inbox_effects.Rehearsal,
    changed: str = "",
) -> HttpResponse:
    context = {
        "title": "Confirm a payment",
        "claim": claim,
        "payment": claim.payment,
        "booking": claim.payment.booking,
        "form": form,
        "effects": seen.effects,
        "shown": seen.key,
        "refusal": changed or seen.refusal,
    }
    answer: HttpResponse = console._dialog(request, "admin/payments/claim/confirm.html", context)
    return answer
