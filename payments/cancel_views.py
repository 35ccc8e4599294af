"""A customer cancels: shown to the cent, done only if the figures are still those."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from bookings.models import Booking
from payments import errors, page_booking, page_cancel, self_service
from payments.views import of_visitor

MAX_REASON = 300


@require_http_methods(["GET", "POST"])
@of_visitor
def cancel(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """A second click finds the booking cancelled, and its page says so."""
    if not self_service.allowed(found).can_cancel:
        return redirect("payments:booking", code=found.code)
    if request.method != "POST":
        return _page(request, found)
    as_credit = request.POST.get("as") == "credit"
    expected = request.POST.get("expected_credit" if as_credit else "expected_refund", "")
    try:
        self_service.cancel(
            found,
            expected=expected,
            as_credit=as_credit,
            reason=request.POST.get("reason", "").replace("\x00", "")[:MAX_REASON],
        )
    except errors.PriceChanged:
        return _page(request, found, has_changed=True, status=409)
    except errors.BookingSettled:
        return redirect("payments:booking", code=found.code)
    messages.success(
        request, f"Your booking is cancelled. We have written to {found.contact_email} what happens now."
    )
    return redirect("payments:booking", code=found.code)


def _page(
    request: HttpRequest, found: Booking, *, has_changed: bool = False, status: int = 200
) -> HttpResponseBase:
    try:
        shown = page_cancel.build(found)
    except errors.BookingSettled:
        return redirect("payments:booking", code=found.code)
    context = {
        "merchant": found.merchant,
        "page": page_booking.build(found),
        "cancel": shown,
        "has_changed": has_changed,
        "can_move": self_service.allowed(found).can_change,
        "as_credit": request.POST.get("as") == "credit",
        "reason": request.POST.get("reason", "")[:MAX_REASON],
    }
    return render(request, "payments/cancel.html", context, status=status)
