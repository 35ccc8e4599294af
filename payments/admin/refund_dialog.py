"""The refund dialog: what will happen is shown first, in amounts, and happens by POST only.

One address. GET shows the form with the figures for the whole rest. POST with "_preview", or when the figures that
the person saw are no longer those, shows new figures; POST with exactly the figures shown refunds. The form carries a
one-time token which becomes the refund's request key, so sending it twice makes one refund.
"""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from core.errors import DomainError
from core.money import format_minor
from customers.console import MinorAmountField
from payments import refunds
from payments.admin import panels
from payments.models import Payment, Refund, RefundCause, RefundState
from payments.refunds import RefundPreview

WORDS = {
    RefundCause.PRICE_REDUCTION: "Price reduction: the booking costs less, and nothing more is owed",
    RefundCause.DUPLICATE: "Paid twice: the booking's price stays as it is",
}


class RefundForm(forms.Form):
    amount = MinorAmountField(label="Amount", help_text="Without the method fee; its share is added.")
    cause = forms.ChoiceField(label="Cause", widget=UnfoldAdminRadioSelectWidget)
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="In your words. It stays with the refund.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=64)
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=120)

    def __init__(self, *args: Any, payment: Payment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["amount"]
        assert isinstance(field, MinorAmountField)
        field.currency = payment.currency
        causes = self.fields["cause"]
        assert isinstance(causes, forms.ChoiceField)
        causes.choices = [
            (cause.value, f"{words} (up to {format_minor(left, payment.currency)})")
            for cause, words in WORDS.items()
            if (left := refunds.refundable(payment, cause=cause)) > 0 or cause == RefundCause.PRICE_REDUCTION
        ]

    def clean_amount(self) -> int:
        minor: int = self.cleaned_data["amount"]
        if minor <= 0:
            raise ValidationError("Type an amount above zero.")
        return minor


def view(request: HttpRequest, *, payment: Payment | None, site: AdminSite) -> HttpResponse:
    """The caller has checked the permission and found the payment among the person's own."""
    if payment is None:
        raise Http404
    if request.method == "POST":
        return _post(request, payment=payment, site=site)
    cause = _likely_cause(payment)
    left = refunds.refundable(payment, cause=cause)
    initial = {"amount": left, "cause": cause, "request_key": uuid.uuid4().hex}
    form = RefundForm(initial=initial, payment=payment)
    preview, refusal = _preview(payment, amount_minor=left, cause=cause)
    return _page(request, payment=payment, form=form, preview=preview, refusal=refusal, site=site)


def _likely_cause(payment: Payment) -> str:
    placed = refunds.refundable(payment, cause=RefundCause.PRICE_REDUCTION)
    return (RefundCause.PRICE_REDUCTION if placed > 0 else RefundCause.DUPLICATE).value


def _post(request: HttpRequest, *, payment: Payment, site: AdminSite) -> HttpResponse:
    key = request.POST.get("request_key", "")
    if key and (earlier := payment.refunds.filter(request_key=key).first()):
        return _done(request, earlier)  # the same form once more
    form = RefundForm(request.POST, payment=payment)
    complete = form.is_valid()
    amount_minor, cause = form.cleaned_data.get("amount"), form.cleaned_data.get("cause")
    if amount_minor is None or cause is None:
        return _page(request, payment=payment, form=form, preview=None, refusal="", site=site)
    preview, refusal = _preview(payment, amount_minor=amount_minor, cause=cause)
    only_look = "_preview" in request.POST
    if only_look:
        form.errors.pop("reason", None)
    elif complete and preview and form.cleaned_data["shown"] == _shown(preview, cause=cause):
        return _refund(request, payment=payment, form=form, site=site)
    elif complete:
        refusal = refusal or "The figures have changed. Look at them once more, then confirm."
    return _page(request, payment=payment, form=form, preview=preview, refusal=refusal, site=site)


def _refund(request: HttpRequest, *, payment: Payment, form: RefundForm, site: AdminSite) -> HttpResponse:
    data = form.cleaned_data
    try:
        refund = refunds.request(
            payment=payment,
            amount_minor=data["amount"],
            cause=data["cause"],
            reason=data["reason"],
            requested_by=request.user,  # type: ignore[arg-type]  # the console's own guard: never anonymous
            actor=f"user:{request.user.pk}",
            request_key=data["request_key"],
        )
    except DomainError as refusal:
        preview, _ = _preview(payment, amount_minor=data["amount"], cause=data["cause"])
        return _page(request, payment=payment, form=form, preview=preview, refusal=refusal.detail, site=site)
    return _done(request, refund)


def _done(request: HttpRequest, refund: Refund) -> HttpResponse:
    _tell(request, refund)
    url = reverse("admin:payments_payment_change", args=[refund.payment_id])
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)


def _tell(request: HttpRequest, refund: Refund) -> None:
    """What really became of it; only a refund that Stripe calls done is called done."""
    total = format_minor(refund.total_minor, refund.currency)
    if refund.state == RefundState.SUCCEEDED:
        messages.success(request, f"{total} went back to the customer.")
    elif refund.state in (RefundState.FAILED, RefundState.CANCELED, RefundState.DECLINED):
        why = f" {refund.failure_reason}" if refund.failure_reason else ""
        messages.error(request, f"The refund of {total} failed: no money moved.{why}")
    elif refund.state == RefundState.UNKNOWN:
        messages.warning(
            request,
            f"Stripe has not answered about the refund of {total}. It is being asked for: do not refund again, "
            "the state below will change by itself.",
        )
    else:
        messages.info(request, f"The refund of {total} is on its way; Stripe has not finished it yet.")


def _preview(payment: Payment, *, amount_minor: int, cause: str) -> tuple[RefundPreview | None, str]:
    try:
        return refunds.preview(payment=payment, amount_minor=amount_minor, cause=cause), ""
    except DomainError as refusal:
        return None, refusal.detail


def _shown(preview: RefundPreview, *, cause: str) -> str:
    """The entries and figures on the page: confirming counts only for exactly these."""
    figures = (preview.amount_minor, preview.fee_minor, preview.total_minor, preview.tax_minor)
    return ":".join([cause, *map(str, figures)])


def _page(
    request: HttpRequest,
    *,
    payment: Payment,
    form: RefundForm,
    preview: RefundPreview | None,
    refusal: str,
    site: AdminSite,
) -> HttpResponse:
    cause = form["cause"].value()
    shown = _shown(preview, cause=cause) if preview else ""
    context = {
        **site.each_context(request),
        "title": "Refund",
        "opts": Payment._meta,
        "payment": payment,
        "form": form,
        "preview": preview,
        "refusal": refusal,
        "shown": shown,
        "to": panels.method(payment),
        "payment_url": reverse("admin:payments_payment_change", args=[payment.pk]),
        "is_reduction": cause == RefundCause.PRICE_REDUCTION,
    }
    return TemplateResponse(request, "admin/payments/payment/refund.html", context)
