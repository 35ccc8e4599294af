"""The public pages: start page, booking form with its live price, terms. They call one use case and render."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bookings import access, booking, catalogue, page_book, page_home
from bookings.errors import InvalidRequest, SlotTaken
from bookings.forms import BookingForm
from bookings.models import Booking
from bookings.page_merchant import merchant_of
from core.errors import DomainError
from customers.models import Merchant


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "bookings/home.html", page_home.context(merchant_of(request)))


@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """The form; a good one becomes a held booking and goes on to payment."""
    merchant = merchant_of(request)
    if request.method == "GET":
        return _form_page(request, merchant=merchant, form=_first_form(request, merchant=merchant))
    form = _sent_form(request, merchant=merchant)
    if "preview" in request.POST:
        return _form_page(request, merchant=merchant, form=_unjudged(form))
    if form.is_valid() and (made := _create(form, merchant=merchant)):
        access.grant(request.session, made)
        return redirect("payments:pay", code=made.code)
    return _form_page(request, merchant=merchant, form=form, status=422)


@require_POST
def price(request: HttpRequest) -> HttpResponse:
    """The price panel alone, for htmx. Stores nothing."""
    merchant = merchant_of(request)
    shown = page_book.preview(merchant=merchant, form=_sent_form(request, merchant=merchant))
    return render(request, "bookings/_price_lines.html", {"merchant": merchant, "price": shown})


def _first_form(request: HttpRequest, *, merchant: Merchant) -> BookingForm:
    menu_ids = list(catalogue.menus(merchant).values_list("pk", flat=True))
    wanted = request.GET.get("menu", "")
    menu_id = next((pk for pk in menu_ids if str(pk) == wanted), menu_ids[0] if menu_ids else None)
    values = BookingForm.first_values(menu_id=menu_id, slot=_uuid(request.GET.get("slot", "")))
    return BookingForm(merchant=merchant, add_ons=list(catalogue.add_ons(merchant)), initial=values)


def _sent_form(request: HttpRequest, *, merchant: Merchant) -> BookingForm:
    return BookingForm(request.POST, merchant=merchant, add_ons=list(catalogue.add_ons(merchant)))


def _unjudged(form: BookingForm) -> BookingForm:
    """What was typed, shown again without its problems: the price was asked for, not the booking."""
    form.is_valid()
    form.errors.clear()
    return form


def _create(form: BookingForm, *, merchant: Merchant) -> Booking | None:
    try:
        return booking.create(
            merchant=merchant,
            request=form.booking_request(),
            actor="customer",
            idempotency_token=form.cleaned_data["token"],
        )
    except InvalidRequest as error:
        form.add_problems(error.fields)
    except SlotTaken as error:
        form.add_error("slot", error.detail)
    except DomainError as error:
        form.add_error(None, error.detail)
    return None


def _form_page(
    request: HttpRequest, *, merchant: Merchant, form: BookingForm, status: int = 200
) -> HttpResponse:
    return render(
        request, "bookings/book.html", page_book.context(merchant=merchant, form=form), status=status
    )


def _uuid(text: str) -> str:
    """The text if it is a UUID, else nothing: addresses are typed by anyone."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


@require_GET
def terms(request: HttpRequest) -> HttpResponse:
    return _text_page(request, template="pages/terms.html")


@require_GET
def privacy(request: HttpRequest) -> HttpResponse:
    return _text_page(request, template="pages/privacy.html")


@require_GET
def refunds_policy(request: HttpRequest) -> HttpResponse:
    return _text_page(request, template="pages/refunds_policy.html")


def _text_page(request: HttpRequest, *, template: str) -> HttpResponse:
    merchant = merchant_of(request)
    brackets = sorted(merchant.cancellation_policy, key=lambda bracket: -bracket["days_before"])
    return render(
        request, template, {"merchant": merchant, "brackets": brackets, "home": reverse("bookings:home")}
    )
