"""The booking's page in the console: charge a card that its customer keeps with us, for what is due next.

GET shows the amount with its fee; only POST with exactly that amount charges. Sent twice, it charges once: the second
finds the instalment paid, or its payment waiting.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from bookings.models import Booking
from core.errors import DomainError, Unavailable
from core.money import format_minor
from customers import access
from payments import cards, charging, checkout
from payments.models import Payment, PaymentState, SavedCard


class CardChoice(forms.ModelChoiceField):
    def label_from_instance(self, card: Any) -> str:
        expiry = f", expires {card.expiry}" if card.expiry else ""
        return f"{card}{expiry}{', the default' if card.is_default else ''}"


class ChargeForm(forms.Form):
    card = CardChoice(queryset=None, empty_label=None, widget=UnfoldAdminRadioSelectWidget)
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="In your words. It stays with the charge.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=60)

    def __init__(self, *args: Any, booking: Booking, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["card"]
        assert isinstance(choice, CardChoice)
        choice.queryset = chargeable(booking)
        if not self.is_bound:
            choice.initial = choice.queryset.first()


class CardCharging:
    """Beside a ScopedAdmin of Booking."""

    def has_charge_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Of the booking's own merchant. unfold hands over an id, so the row is looked up."""
        if obj is None:
            return access.may(request.user, permission=access.CHARGE_CARD)
        row = obj if isinstance(obj, Booking) else self._booking(request, str(obj))
        return row is not None and access.may(
            request.user, permission=access.CHARGE_CARD, merchant_id=row.merchant_id
        )

    @action(description="Charge the saved card", icon="credit_card", permissions=["charge"])
    def charge_card(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._booking(request, object_id)
        if row is None or not self.has_charge_permission(request, row):
            raise Http404
        return _view(self, request, row)

    # unfold's link opens what this address answers as a dialog; without scripts it is a page.
    charge_card.dialog = {"title": "Charge the saved card", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No button where there is no card, or nothing is due."""
        above: Any = super()
        found: list[Any] = above.get_actions_detail(request, object_id)
        row = self._booking(request, str(object_id))
        is_due = row is not None and any(part.open_minor for part in row.instalments.all())
        if row is not None and is_due and chargeable(row).exists():
            return found
        return [one for one in found if not one.action_name.endswith("charge_card")]

    def _booking(self, request: HttpRequest, object_id: str) -> Booking | None:
        console: Any = self
        row: Booking | None = console.get_object(request, object_id)
        return row


def chargeable(booking: Booking) -> Any:
    """The customer's cards that they agreed to be charged with."""
    return cards.kept(booking.customer).filter(setup__isnull=False)


def _due(booking: Booking) -> checkout.Due | None:
    try:
        return checkout.due(booking)
    except DomainError:
        return None


def _view(console: Any, request: HttpRequest, booking: Booking) -> HttpResponse:
    due = _due(booking)
    form = ChargeForm(request.POST if request.method == "POST" else None, booking=booking)
    refusal = ""
    if due is None:
        refusal = "Nothing is due on this booking."
    elif request.method == "POST" and form.is_valid():
        if form.cleaned_data["shown"] == _shown(due):
            return _charge(console, request, booking, form=form, due=due)
        refusal = "The amount has changed. Look at it once more, then confirm."
    return _page(console, request, booking, form=form, due=due, refusal=refusal)


def _shown(due: checkout.Due) -> str:
    """What the page shows to be charged: confirming counts only for exactly this."""
    return f"{due.instalment.purpose}:{due.amount_minor}:{due.fee_minor}"


def _charge(
    console: Any, request: HttpRequest, booking: Booking, *, form: ChargeForm, due: checkout.Due
) -> HttpResponse:
    card: SavedCard = form.cleaned_data["card"]
    try:
        payment = charging.charge(
            booking=booking,
            card=card,
            purpose=due.instalment.purpose,
            actor=f"user:{request.user.pk}",
            reason=form.cleaned_data["reason"],
        )
    except Unavailable as wait:
        messages.warning(
            request, f"{wait.for_staff} Look at the payment again in some minutes before you try again."
        )
    except DomainError as refusal:
        return _page(console, request, booking, form=form, due=_due(booking), refusal=refusal.for_staff)
    else:
        _tell(request, payment, booking=booking)
    url = reverse("admin:bookings_booking_change", args=[booking.pk])
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else HttpResponseRedirect(url)


def _tell(request: HttpRequest, payment: Payment, *, booking: Booking) -> None:
    """What really became of it."""
    total = format_minor(payment.total_minor, payment.currency)
    if payment.state == PaymentState.SUCCEEDED:
        messages.success(request, f"{total} was charged.")
    elif payment.state == PaymentState.REQUIRES_ACTION:
        messages.warning(
            request,
            f"The bank wants the customer to confirm {total}. Nothing was charged; {booking.contact_email} got an "
            "e-mail that leads to the payment.",
        )
    else:
        messages.info(request, f"The bank is working on {total}.")


def _page(
    console: Any,
    request: HttpRequest,
    booking: Booking,
    *,
    form: ChargeForm,
    due: checkout.Due | None,
    refusal: str,
) -> HttpResponse:
    context = {
        **console.admin_site.each_context(request),
        "title": "Charge the saved card",
        "opts": console.opts,
        "booking": booking,
        "form": form,
        "due": due,
        "shown": _shown(due) if due else "",
        "refusal": refusal,
        "booking_url": reverse("admin:bookings_booking_change", args=[booking.pk]),
    }
    return TemplateResponse(request, "admin/bookings/booking/charge_card.html", context)
