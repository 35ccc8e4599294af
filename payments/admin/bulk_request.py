"""The page on which staff ask to cancel a day: choose it, see every booking and what goes back, then ask."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from core import clock
from core.errors import DomainError
from customers import access
from customers.authentication import recent
from customers.models import Merchant
from payments import bulk
from payments.admin import dialogs
from payments.models import BulkState, RefundTerms

RUNNING = "The bookings are being cancelled one by one; this page shows how far it is."


class DayForm(forms.Form):
    merchant = forms.ModelChoiceField(
        label="Caterer", queryset=Merchant.objects.none(), empty_label=None, widget=UnfoldAdminSelectWidget
    )
    day = forms.DateField(
        label="Day", widget=UnfoldAdminDateWidget(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    terms = forms.ChoiceField(
        label="Goes back", choices=RefundTerms.choices, widget=UnfoldAdminRadioSelectWidget
    )
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        required=False,
        help_text="Customers read it.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)

    def __init__(self, *args: Any, merchants: list[Merchant], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["merchant"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = Merchant.objects.filter(pk__in=[merchant.pk for merchant in merchants])
        if len(merchants) == 1:
            choice.initial = merchants[0].pk
            choice.widget = forms.HiddenInput()


def view(request: HttpRequest, *, console: Any) -> HttpResponse:
    merchants = access.merchants_where(request.user, permission=access.CANCEL)
    if not merchants:
        raise PermissionDenied
    if request.method == "POST":
        return _post(request, merchants, console=console)
    if typed := recent.typed_before(request):
        form = DayForm(typed, merchants=merchants)
        form.is_valid()
        preview, refusal = _preview(form)
        return _page(request, form=form, preview=preview, refusal=refusal, console=console)
    initial = {
        "day": clock.today(merchants[0].timezone),
        "terms": RefundTerms.FULL,
        "request_key": uuid.uuid4().hex,
    }
    form = DayForm(initial=initial, merchants=merchants)
    return _page(request, form=form, preview=None, refusal="", console=console)


def _post(request: HttpRequest, merchants: list[Merchant], *, console: Any) -> HttpResponse:
    form = DayForm(request.POST, merchants=merchants)
    complete = form.is_valid()
    preview, refusal = _preview(form)
    data = form.cleaned_data
    if "_ask" in request.POST and complete:
        try:
            asked = bulk.request(
                data["merchant"],
                day=data["day"],
                terms=data["terms"],
                reason=data["reason"],
                by=dialogs.person(request),
                expected=data["shown"],
                authenticated_at=recent.proof_of(request).at,
                request_key=data["request_key"],
            )
        except recent.ReauthenticationRequired:
            return recent.lead_to_proof(request)
        except DomainError as refused:
            refusal = dialogs.words(refused)
        else:
            _tell(request, asked.state)
            return HttpResponseRedirect(reverse("admin:payments_bulkcancellation_change", args=[asked.pk]))
    return _page(request, form=form, preview=preview, refusal=refusal, console=console)


def _tell(request: HttpRequest, state: str) -> None:
    if state == BulkState.REQUESTED:
        messages.info(
            request, "It waits: a second person must agree to the whole. Nothing was cancelled yet."
        )
    else:
        messages.info(request, RUNNING)


def _preview(form: DayForm) -> tuple[bulk.BulkPreview | None, str]:
    data = form.cleaned_data
    if any(data.get(name) is None for name in ("merchant", "day", "terms")):
        return None, ""
    try:
        return bulk.preview(data["merchant"], day=data["day"], terms=data["terms"]), ""
    except DomainError as refusal:
        return None, dialogs.words(refusal)


def _page(
    request: HttpRequest, *, form: DayForm, preview: bulk.BulkPreview | None, refusal: str, console: Any
) -> HttpResponse:
    merchant = form.cleaned_data.get("merchant") if form.is_bound else None
    needs_second = (
        preview is not None
        and merchant is not None
        and bulk.needs_second(merchant, preview, by=dialogs.person(request))
    )
    context = {
        **console.admin_site.each_context(request),
        "title": "Cancel a day",
        "opts": console.opts,
        "form": form,
        "preview": preview,
        "currency": merchant.currency if merchant else "usd",
        "needs_second": needs_second,
        "refusal": refusal,
        "list_url": reverse("admin:payments_bulkcancellation_changelist"),
    }
    return TemplateResponse(request, "admin/payments/bulkcancellation/request.html", context)
