"""The booking's page in the console: withdraw the links that were sent for it, when one went to the wrong person."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from bookings import access
from bookings.models import Booking


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=200,
        error_messages={"required": "Type why: it stands in the booking's history."},
        widget=UnfoldAdminTextInputWidget,
    )


class BookingLinks:
    """Beside a ScopedAdmin of Booking."""

    @action(description="Withdraw links", icon="link_off", permissions=["change"])
    def withdraw_links(self, request: HttpRequest, object_id: str) -> HttpResponse:
        console: Any = self
        row: Booking | None = console.get_object(request, object_id)
        if row is None or not console.has_change_permission(request, row):
            raise PermissionDenied
        if request.method not in ("GET", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        form = WithdrawForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            _withdraw(row, actor=f"user:{request.user.pk}", reason=form.cleaned_data["reason"])
            messages.success(request, f"No link sent for {row.code} so far opens it any more.")
            return HttpResponseRedirect(reverse("admin:bookings_booking_change", args=[row.pk]))
        context = {
            **console.admin_site.each_context(request),
            "title": "Withdraw links",
            "opts": console.opts,
            "booking": row,
            "form": form,
        }
        return TemplateResponse(request, "admin/bookings/booking/withdraw_links.html", context)

    # unfold's link opens this address as a dialog; the work is done by POST alone.
    withdraw_links.dialog = {"title": "Withdraw links", "description": ""}


def _withdraw(row: Booking, *, actor: str, reason: str) -> None:
    with transaction.atomic():
        booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
        access.withdraw(booking, actor=actor, reason=reason)
