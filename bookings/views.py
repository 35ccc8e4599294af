"""The public pages: start page, booking form with its live price, terms. They call one use case and render."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bookings import access, booking, catalogue, legal, page_book, page_holds, page_home, page_legal
from bookings.errors import InvalidRequest, SlotTaken
from bookings.forms import BookingForm
from bookings.models import Booking, LegalKind
from bookings.page_merchant import merchant_of
from core.errors import DomainError
from customers import throttle
from customers.models import Merchant

TOO_OFTEN = "Too many bookings came from your network just now. Please wait a minute, then try again."
TEXTS_CHANGED = "Our terms or rules for cancelling have changed meanwhile. Please read them and tick the box."


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "bookings/home.html", page_home.context(merchant_of(request)))


@require_http_methods(["GET", "POST"])
def book(request: HttpRequest) -> HttpResponse:
    """The form; a good one becomes a held booking and goes on to payment."""
    merchant = merchant_of(request)
    if request.method == "GET":
        return _form_page(request, merchant=merchant, form=_first_form(request, merchant=merchant))
    form = _form_to_judge(request, merchant=merchant)
    if "preview" in request.POST:
        return _form_page(request, merchant=merchant, form=_unjudged(form))
    if form.is_valid() and not throttle.allow_booking(request):
        form.add_error(None, TOO_OFTEN)
        return _form_page(request, merchant=merchant, form=form, status=429)
    if form.is_valid() and (made := _create(request, form=form, merchant=merchant)):
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


def _form_to_judge(request: HttpRequest, *, merchant: Merchant) -> BookingForm:
    """Whoever ticked the box beside older terms or rules has not accepted these: it counts and shows as empty."""
    is_old = request.POST.get("texts", "") not in ("", page_legal.texts_in_force(merchant))
    typed = request.POST.copy()
    if is_old:
        typed.pop("terms_accepted", None)
    form = BookingForm(typed, merchant=merchant, add_ons=list(catalogue.add_ons(merchant)))
    if is_old:
        form.fields["terms_accepted"].error_messages["required"] = TEXTS_CHANGED
    return form


def _unjudged(form: BookingForm) -> BookingForm:
    """What was typed, shown again without its problems: the price was asked for, not the booking."""
    form.is_valid()
    form.errors.clear()
    return form


def _create(request: HttpRequest, *, form: BookingForm, merchant: Merchant) -> Booking | None:
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
        form.add_error("slot", _own_hold_words(request, form=form, merchant=merchant) or error.detail)
    except DomainError as error:
        form.add_error(None, error.detail)
    return None


def _own_hold_words(request: HttpRequest, *, form: BookingForm, merchant: Merchant) -> str:
    """Whoever goes back and sends the form again meets their own hold: it is said, and page_holds links to it."""
    held = page_holds.live(request, merchant=merchant)
    mine = any(str(one.slot_public_id) == str(form.cleaned_data["slot"]) for one in held)
    return "You hold this time already: go on with that booking, or choose another time." if mine else ""


def _form_page(
    request: HttpRequest, *, merchant: Merchant, form: BookingForm, status: int = 200
) -> HttpResponse:
    context = page_book.context(merchant=merchant, form=form)
    context["holds"] = page_holds.live(request, merchant=merchant)
    return render(request, "bookings/book.html", context, status=status)


def _uuid(text: str) -> str:
    """The text if it is a UUID, else nothing: addresses are typed by anyone."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return ""


@require_GET
def legal_text(request: HttpRequest, kind: str, version: int | None = None) -> HttpResponse:
    """A text in force, or the very version that somebody accepted."""
    merchant = merchant_of(request)
    current = legal.current(merchant)[LegalKind(kind)]
    shown = current if version is None else legal.find(merchant, kind=LegalKind(kind), version=version)
    if shown is None:
        raise Http404
    return render(request, "pages/legal.html", page_legal.context(shown, current=current, merchant=merchant))
