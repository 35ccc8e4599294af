"""A booking's pages: status, payment, receipts. Each view finds what this visitor may see, calls one use case, renders.

Who comes without the link's grant gets the same page for a code that exists and for one that does not. No view decides
that a payment succeeded: the return page only asks.
"""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bookings import access
from bookings.models import Booking
from bookings.page_merchant import merchant_of
from customers import sessions
from customers.forms import EmailForm
from customers.models import Customer, PaymentMethod
from payments import (
    credit_note_pdf,
    page_booking,
    page_cards,
    page_credit,
    page_manual,
    page_pay,
    page_receipt,
    page_start,
    receipt_pdf,
)
from payments.models import Payment
from payments.page_declines import ADVICE

P = ParamSpec("P")


def of_visitor(
    view: Callable[Concatenate[HttpRequest, Booking, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Give the view the booking of the address's code, if this visitor may see it; else the kind page."""

    @wraps(view)
    def guarded(request: HttpRequest, code: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        merchant = merchant_of(request)
        found = page_booking.load(code, among=access.visible(request, merchant=merchant))
        if found is None:
            context = {"merchant": merchant, "form": EmailForm(), "next": request.path}
            return render(request, "payments/no_booking.html", context, status=404)
        return view(request, found, *args, **kwargs)

    return never_cache(guarded)


@never_cache
@require_GET
def booking(request: HttpRequest, code: str) -> HttpResponseBase:
    """The status page. A link from an e-mail carries a token: it is traded for a grant and leaves the address."""
    if token := request.GET.get("t", ""):
        return _enter(request, code=code, token=token)
    return status(request, code=code)


def _enter(request: HttpRequest, *, code: str, token: str) -> HttpResponseBase:
    found = access.verify(token)
    if found is not None and found.code == code.upper():
        access.grant(request.session, found)
    return redirect("payments:booking", code=code)


@of_visitor
def status(request: HttpRequest, found: Booking) -> HttpResponseBase:
    context = {
        "merchant": found.merchant,
        "page": page_booking.build(found),
        "credit": page_credit.offer(found, customer=_signed_in(request, found)),
    }
    return render(request, "payments/booking.html", context)


def _signed_in(request: HttpRequest, found: Booking) -> Customer | None:
    return sessions.current_customer(request, merchant=found.merchant)


@require_GET
@of_visitor
def pay(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """The next instalment by card. Nothing is made at Stripe until the customer clicks."""
    return _pay_page(request, found, problem=page_start.PROBLEMS.get(request.GET.get("problem", "")))


def _pay_page(
    request: HttpRequest, found: Booking, *, problem: object = None, status_code: int = 200
) -> HttpResponseBase:
    page = page_booking.build(found)
    if not page.can_pay:
        return redirect("payments:booking", code=found.code)
    purpose, customer = page_pay.picked(request), _signed_in(request, found)
    context = {
        "merchant": found.merchant,
        "page": page,
        "due": page_pay.due_now(found, purpose=purpose),
        "amounts": page_pay.amounts(found, method=PaymentMethod.CARD, purpose=purpose),
        "choices": page_manual.choices(found, current=PaymentMethod.CARD, purpose=purpose),
        "credit": page_credit.offer(found, customer=customer),
        "saved": page_cards.offered(found, customer=customer),
        "stripe_js_url": settings.STRIPE_JS_URL,
        "advice": ADVICE,
        "problem": problem,
    }
    return render(request, "payments/pay.html", context, status=status_code)


@require_POST
@of_visitor
def start(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """Begin, or take up again, the payment: JSON for the Payment Element, a redirect to Stripe Checkout else."""
    wants_json = "application/json" in request.headers.get("Accept", "")
    outcome = page_start.start(found, form=request.POST, customer=_signed_in(request, found))
    if wants_json:
        return JsonResponse(outcome.as_json(), status=outcome.status)
    if outcome.href:
        return redirect(outcome.href)
    return _pay_page(request, found, problem=outcome.problem, status_code=outcome.status)


@require_GET
@of_visitor
def paid(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """Where Stripe sends the customer back to. It shows how our payment stands, and asks again until it is known."""
    payment = _payment(found, public_id=request.GET.get("payment", ""))
    if payment is None:
        return redirect("payments:booking", code=found.code)
    declined = request.GET.get("redirect_status") == "failed"
    following = page_start.after_return(payment, declined=declined)
    if following:
        return redirect(following)
    names = {"code": found.code, "public_id": payment.public_id}
    context = {
        "merchant": found.merchant,
        "page": page_booking.build(found),
        "status_href": reverse("payments:payment-status", kwargs=names),
    }
    return render(request, "payments/paid.html", context)


@require_GET
@of_visitor
def payment_status(request: HttpRequest, found: Booking, public_id: uuid.UUID) -> HttpResponseBase:
    """How a payment stands, for the return page's polling. `next` is where to go once it is known."""
    payment = _payment(found, public_id=str(public_id))
    if payment is None:
        return JsonResponse({"title": "Not found"}, status=404)
    return JsonResponse(
        {
            "payment": str(payment.public_id),
            "state": payment.state,
            "booking_state": found.state,
            "next": page_start.after_return(payment, declined=False),
            "words": page_start.WAITING_WORDS.get(payment.state, ""),
        }
    )


def _payment(found: Booking, *, public_id: str) -> Payment | None:
    return next((payment for payment in found.payments.all() if str(payment.public_id) == public_id), None)


@require_GET
@of_visitor
def receipt(request: HttpRequest, found: Booking, number: str) -> HttpResponseBase:
    shown = page_receipt.find(found, label=number)
    if shown is None:
        return redirect("payments:booking", code=found.code)
    context = {
        "merchant": found.merchant,
        "page": page_booking.build(found),
        "receipt": page_receipt.build(shown, booking=found),
    }
    return render(request, "payments/receipt.html", context)


@require_GET
@of_visitor
def receipt_file(request: HttpRequest, found: Booking, number: str) -> HttpResponseBase:
    """The receipt as it was e-mailed; rendered on the spot in the seconds before that."""
    shown = page_receipt.find(found, label=number)
    if shown is None:
        return redirect("payments:booking", code=found.code)
    content = bytes(shown.pdf) if shown.pdf else receipt_pdf.render(shown)
    return _file(content, label=shown.label)


@require_GET
@of_visitor
def credit_note_file(request: HttpRequest, found: Booking, number: str) -> HttpResponseBase:
    """A credit note as it was e-mailed; rendered on the spot in the seconds before that."""
    note = page_receipt.find_credit_note(found, label=number)
    if note is None:
        return redirect("payments:booking", code=found.code)
    return _file(bytes(note.pdf) if note.pdf else credit_note_pdf.render(note), label=note.label)


def _file(content: bytes, *, label: str) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{label}.pdf"'
    return answer
