"""A payment's page in the console: capture what its card promised, in full or in part, or release it.

GET shows what will happen, in amounts; only POST with exactly the figures shown does it. Sent twice, it happens once:
Stripe lets an authorization be captured or released a single time, and the use case says what became of it.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import DomainError, Unavailable
from core.money import format_minor
from customers import access
from customers.console import MinorAmountField
from payments import authorizations
from payments.admin import panels
from payments.models import OPEN_STATES, Capture, Payment, PaymentState

PROMISED = ("capture", "void")


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="In your words. It stays in the payment's history.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


class CaptureForm(ReasonForm):
    amount = MinorAmountField(label="Amount", help_text="Without the method fee, which is added by its rate.")
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)
    field_order = ("amount", "reason")

    def __init__(self, *args: Any, payment: Payment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["amount"]
        assert isinstance(field, MinorAmountField)
        field.currency = payment.currency


class Promises:
    """Beside a ScopedAdmin of Payment."""

    def has_capture_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Of the payment's own merchant. unfold hands over an id, so the row is looked up."""
        if obj is None:
            return access.may(request.user, permission=access.CAPTURE)
        row = obj if isinstance(obj, Payment) else self._row(request, str(obj))
        return row is not None and access.may(
            request.user, permission=access.CAPTURE, merchant_id=row.merchant_id
        )

    @action(
        description="Capture", icon="check_circle", permissions=["capture"], variant=ActionVariant.PRIMARY
    )
    def capture(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _capture(self, request, self._mine(request, object_id))

    @action(description="Release", icon="lock_open", permissions=["capture"])
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return _void(self, request, self._mine(request, object_id))

    # unfold's link opens what these addresses answer as a dialog; without scripts they are pages.
    capture.dialog = {"title": "Capture", "description": ""}
    void.dialog = {"title": "Release", "description": ""}

    def _row(self, request: HttpRequest, object_id: str) -> Payment | None:
        console: Any = self
        row: Payment | None = console.get_object(request, object_id)
        return row

    def _mine(self, request: HttpRequest, object_id: str) -> Payment:
        row = self._row(request, object_id)
        if row is None or not self.has_capture_permission(request, row):
            raise Http404
        return row


def offered(row: Payment | None) -> set[str]:
    """Which of the two make sense for this payment now."""
    if row is None or row.capture != Capture.MANUAL or row.state not in OPEN_STATES:
        return set()
    return set(PROMISED) if row.state == PaymentState.AUTHORIZED else {"void"}


def _capture(console: Any, request: HttpRequest, payment: Payment) -> HttpResponse:
    most = authorizations.largest_capture(payment)
    if request.method != "POST":
        form = CaptureForm(initial={"amount": most}, payment=payment)
        return _capture_page(console, request, payment, form=form, amount_minor=most)
    form = CaptureForm(request.POST, payment=payment)
    complete = form.is_valid()
    amount_minor = form.cleaned_data.get("amount")
    if "_preview" in request.POST:
        form.errors.pop("reason", None)
    elif complete and form.cleaned_data["shown"] == _figures(payment, amount_minor=amount_minor or 0):
        return _do(
            request,
            payment,
            lambda: authorizations.capture(
                payment=payment,
                actor=f"user:{request.user.pk}",
                amount_minor=amount_minor,
                reason=form.cleaned_data["reason"],
            ),
            refused=lambda words: _capture_page(
                console, request, payment, form=form, amount_minor=amount_minor, refusal=words
            ),
        )
    return _capture_page(console, request, payment, form=form, amount_minor=amount_minor)


def _void(console: Any, request: HttpRequest, payment: Payment) -> HttpResponse:
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _do(
            request,
            payment,
            lambda: authorizations.void(
                payment=payment, actor=f"user:{request.user.pk}", reason=form.cleaned_data["reason"]
            ),
            refused=lambda words: _page(
                console, request, payment, template="void", title="Release", form=form, refusal=words
            ),
        )
    return _page(console, request, payment, template="void", title="Release", form=form)


def _do(request: HttpRequest, payment: Payment, act: Any, *, refused: Any) -> HttpResponse:
    """Do it and tell what became of it; a lost answer is no failure, for it is carried out later."""
    try:
        done: Payment = act()
    except Unavailable as wait:
        messages.warning(
            request,
            f"{wait.for_staff} It was noted and is carried out by itself: look again in some minutes.",
        )
    except DomainError as refusal:
        answer: HttpResponse = refused(refusal.for_staff)
        return answer
    else:
        _tell(request, done)
    url = reverse("admin:payments_payment_change", args=[payment.pk])
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)


def _tell(request: HttpRequest, payment: Payment) -> None:
    if payment.state == PaymentState.SUCCEEDED:
        messages.success(request, f"{format_minor(payment.received_minor, payment.currency)} was captured.")
    else:
        messages.success(request, "The card's money is released. Nobody was charged.")


def _figures(payment: Payment, *, amount_minor: int) -> str:
    """The figures on the page: confirming counts only for exactly these."""
    return f"{amount_minor}:{authorizations.fee_of(payment, amount_minor=amount_minor)}:{payment.total_minor}"


def _capture_page(
    console: Any,
    request: HttpRequest,
    payment: Payment,
    *,
    form: CaptureForm,
    amount_minor: int | None,
    refusal: str = "",
) -> HttpResponse:
    most = authorizations.largest_capture(payment)
    fits = amount_minor is not None and 0 < amount_minor <= most
    if amount_minor is not None and not fits:
        refusal = refusal or f"At most {format_minor(most, payment.currency)} can be captured."
    fee = authorizations.fee_of(payment, amount_minor=amount_minor or 0)
    figures = {
        "amount_minor": amount_minor,
        "fee_minor": fee,
        "total_minor": (amount_minor or 0) + fee,
        "released_minor": payment.total_minor - (amount_minor or 0) - fee,
        "shown": _figures(payment, amount_minor=amount_minor or 0),
    }
    return _page(
        console,
        request,
        payment,
        template="capture",
        title="Capture",
        form=form,
        refusal=refusal,
        figures=figures if fits else None,
    )


def _page(
    console: Any, request: HttpRequest, payment: Payment, *, template: str, title: str, **context: object
) -> HttpResponse:
    shown = {
        **console.admin_site.each_context(request),
        "title": title,
        "opts": console.opts,
        "payment": payment,
        "card": panels.method(payment),
        "payment_url": reverse("admin:payments_payment_change", args=[payment.pk]),
        **context,
    }
    return TemplateResponse(request, f"admin/payments/payment/{template}.html", shown)
