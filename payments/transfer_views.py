"""The pay pages for Zelle and Venmo: how to pay, "I have sent it", and taking that back."""

import uuid
from typing import Any

from django.core.cache import cache
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from bookings.models import Booking
from core.errors import Invalid
from customers.models import PaymentMethod
from payments import errors, manual, page_booking, page_manual, page_pay
from payments.models import Claim
from payments.views import of_visitor

CLAIMS_PER_HOUR = 12  # Per booking: files are read and kept, so words are not free.


@require_GET
@of_visitor
def transfer(request: HttpRequest, found: Booking, method: str) -> HttpResponseBase:
    """How to pay by this method, or how far the claim is that waits. Nothing is written by looking."""
    form = page_manual.ClaimForm(initial=page_manual.first_values(found))
    return _page(request, found, method=method, form=form)


def _page(
    request: HttpRequest, found: Booking, *, method: str, form: page_manual.ClaimForm, status: int = 200
) -> HttpResponseBase:
    purpose = page_pay.picked(request)
    page = page_booking.build(found)
    context: dict[str, Any] = {"merchant": found.merchant, "page": page, "form": form}
    waiting = page_manual.open_claim(found)
    if waiting is not None:
        return render(request, "payments/transfer_waiting.html", {**context, "claim": waiting}, status=status)
    try:
        context["transfer"] = page_manual.build(found, method=method, purpose=purpose)
        context["choices"] = page_manual.choices(found, current=method, purpose=purpose)
        context["amounts"] = page_pay.amounts(found, method=method, purpose=purpose)
    except errors.NotOffered:
        return redirect("payments:pay", code=found.code)
    except errors.NothingToPay:
        return redirect("payments:booking", code=found.code)
    if not page.can_pay:
        return redirect("payments:booking", code=found.code)
    return render(request, "payments/transfer.html", context, status=status)


@require_POST
@of_visitor
def claim(request: HttpRequest, found: Booking, method: str) -> HttpResponseBase:
    """ "I have sent it". Sent twice it is one claim; what cannot be is shown beside its field."""
    form = page_manual.ClaimForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, found, method=method, form=form, status=422)
    if _too_often(found):
        form.add_error(None, "That was often. Please tell us again in an hour, or write to us.")
        return _page(request, found, method=method, form=form, status=429)
    try:
        page_manual.claim(found, method=method, form=form, purpose=page_pay.picked(request))
    except errors.NotOffered:  # It was when the page was shown.
        return redirect("payments:pay", code=found.code)
    except Invalid as refusal:
        for name, words in refusal.extra["fields"].items():  # type: ignore[attr-defined]
            form.add_error(name, words)
        return _page(request, found, method=method, form=form, status=422)
    except (errors.NothingToPay, errors.HoldEnded, errors.AlreadyAuthorized):
        return redirect("payments:booking", code=found.code)
    return redirect("payments:transfer", code=found.code, method=method)


def _too_often(booking: Booking) -> bool:
    key = f"claims:{booking.pk}"
    cache.add(key, 0, timeout=3600)
    try:
        return cache.incr(key) > CLAIMS_PER_HOUR
    except ValueError:  # It ended between the two lines.
        return False


@require_POST
@of_visitor
def withdraw(request: HttpRequest, found: Booking, public_id: uuid.UUID) -> HttpResponseBase:
    said = Claim.objects.filter(public_id=public_id, payment__booking=found).first()
    if said is not None:
        manual.withdraw(said, actor="customer")
    return redirect("payments:pay", code=found.code)


@require_GET
@of_visitor
def zelle_qr(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """The bank's QR code that the merchant uploaded, for whoever may see the booking."""
    picture = found.merchant.zelle_qr
    if not picture or not found.merchant.takes(PaymentMethod.ZELLE):
        return HttpResponse(status=404)
    return FileResponse(picture.open("rb"), content_type="image/png")
