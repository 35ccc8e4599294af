"""A customer changes guests, menu and add-ons, or moves the date: shown first, done only at the price that was shown.

Both pages are one form with the new price beside it. `preview` in the body asks for the price alone; an htmx request
gets only that panel. Without scripts the same buttons do the same.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from bookings import agreement, editing
from bookings.editing import Edit
from bookings.errors import InvalidRequest, SlotTaken
from bookings.models import Booking
from bookings.page_words import full_day, wall_clock
from core import clock
from core.errors import DomainError
from core.money import format_minor
from payments import changes, errors, page_booking, page_change, page_difference, page_move, self_service
from payments.changes import Changed
from payments.views import of_visitor

ANEW = "The price is another one now. Please look at it again; nothing was changed."


@require_http_methods(["GET", "POST"])
@of_visitor
def change(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """Guests, menu, add-ons."""
    if not self_service.allowed(found).can_change:
        return redirect("payments:booking", code=found.code)
    form = page_change.ChangeForm(request.POST if request.method == "POST" else None, booking=found)
    if request.method != "POST":
        return _change_page(request, found, form=form)
    if not form.is_valid():
        return _change_page(request, found, form=form, status=422)
    try:
        return _previewed_change(request, found, form=form)
    except InvalidRequest as refusal:
        form.add_problems(refusal.fields)
    except errors.ChangedMeanwhile as refusal:
        anew = _read_anew(found)
        blank = page_change.ChangeForm(booking=anew)  # What was typed was based on something else.
        return _change_page(request, anew, form=blank, problem=refusal.detail, status=409)
    except errors.PriceChanged:
        return _change_page(request, found, form=form, edit=form.edit(), problem=ANEW, status=409)
    except (errors.TooLateOnline, errors.BookingSettled):
        return redirect("payments:booking", code=found.code)
    except DomainError as refusal:
        form.add_error(None, refusal.detail)
    return _change_page(request, found, form=form, status=422)


def _previewed_change(
    request: HttpRequest, found: Booking, *, form: page_change.ChangeForm
) -> HttpResponseBase:
    edit = form.edit()
    if "preview" in request.POST:
        self_service.preview(found, edit)
        changes.require_unchanged(found, based_on=_based_on(request))
        return _change_page(request, found, form=form, edit=edit)
    changed = self_service.change(
        found, edit, expected_total_minor=_expected(request), based_on=_based_on(request)
    )
    return _done(request, found, changed, words="Your booking is changed.")


def _change_page(
    request: HttpRequest,
    found: Booking,
    *,
    form: page_change.ChangeForm,
    edit: Edit | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponseBase:
    difference = _difference(found, edit if form.is_bound else Edit())
    context = {
        "based_on": _based_on(request) if form.is_bound else editing.mark(found),
        "difference": difference,
        "form": form,
        "problem": problem,
        "problems": [str(error) for errors_of in form.errors.values() for error in errors_of],
        "asks": "Change my booking",
    }
    if _wants_panel(request):
        return _panel(request, found, context, is_stale=status == errors.ChangedMeanwhile.status)
    context |= page_change.context(found, form)
    return _render(request, "payments/change.html", found, context, status=status)


@require_http_methods(["GET", "POST"])
@of_visitor
def move(request: HttpRequest, found: Booking) -> HttpResponseBase:
    """Another day or time. The deposit moves along; what the fee is stands there before anything is chosen."""
    if not self_service.allowed(found).can_change:
        return redirect("payments:booking", code=found.code)
    slot = _slot(request)
    if request.method != "POST":
        return _move_page(request, found, slot=None)
    if slot is None:
        return _move_page(request, found, slot=None, problem="Choose a date and time.", status=422)
    try:
        edit = self_service.move_edit(found, slot_public_id=slot)
        if "preview" in request.POST:
            self_service.preview(found, edit)
            changes.require_unchanged(found, based_on=_based_on(request))
            return _move_page(request, found, slot=slot)
        changed = self_service.change(
            found, edit, expected_total_minor=_expected(request), based_on=_based_on(request)
        )
    except errors.ChangedMeanwhile as refusal:
        return _move_page(request, _read_anew(found), slot=None, problem=refusal.detail, status=409)
    except errors.PriceChanged:
        return _move_page(request, found, slot=slot, problem=ANEW, status=409)
    except (errors.TooLateOnline, errors.BookingSettled):
        return redirect("payments:booking", code=found.code)
    except InvalidRequest as refusal:
        words = " ".join(refusal.fields.values())
        return _move_page(request, found, slot=None, problem=words, status=422)
    except SlotTaken as refusal:
        return _move_page(request, found, slot=None, problem=refusal.detail, status=409)
    except DomainError as refusal:
        return _move_page(request, found, slot=None, problem=refusal.detail, status=refusal.status)
    return _done(request, found, changed, words="Your date is moved.")


def _move_page(
    request: HttpRequest,
    found: Booking,
    *,
    slot: uuid.UUID | None,
    problem: str = "",
    status: int = 200,
) -> HttpResponseBase:
    shown = page_move.months(page_move.free(found), chosen=slot)
    chosen = page_move.chosen_time(shown)
    edit = self_service.move_edit(found, slot_public_id=slot) if slot is not None and chosen else None
    context = {
        "based_on": editing.mark(found),
        "months": shown,
        "chosen": chosen,
        "difference": _difference(found, edit),
        "problem": problem,
        "fee_minor": self_service.allowed(found).move_fee_minor,
        "asks": "Move my date",
        "percent": agreement.cancellation(found, today=clock.today(found.timezone)).percent,
    }
    if _wants_panel(request):
        return _panel(request, found, context, is_stale=status == errors.ChangedMeanwhile.status)
    return _render(request, "payments/move.html", found, context, status=status)


def _panel(
    request: HttpRequest, found: Booking, context: dict[str, Any], *, is_stale: bool
) -> HttpResponseBase:
    """The price alone. One that stands beside an old form has no button: the page must be read again."""
    return render(
        request, "payments/_difference.html", {"merchant": found.merchant, **context, "is_stale": is_stale}
    )


def _read_anew(found: Booking) -> Booking:
    return page_booking.load(found.code, among=Booking.objects.filter(pk=found.pk)) or found


def _difference(found: Booking, edit: Edit | None) -> page_difference.Difference | None:
    """Nothing beside a form that cannot be done as it is: what is wrong stands beside its fields."""
    try:
        return page_difference.build(found, self_service.preview(found, edit)) if edit else None
    except (InvalidRequest, DomainError):
        return None


def _done(request: HttpRequest, found: Booking, changed: Changed, *, words: str) -> HttpResponseBase:
    kept = ""
    if changed.credit_minor:
        kept = f" {format_minor(changed.credit_minor, found.currency)} of what you paid is kept as credit."
    messages.success(request, f"{words}{kept} We have written to {found.contact_email}.")
    return redirect("payments:booking", code=found.code)


def _render(
    request: HttpRequest, template: str, found: Booking, context: dict[str, Any], *, status: int
) -> HttpResponseBase:
    rule = self_service.allowed(found)
    frame = {
        "merchant": found.merchant,
        "page": page_booking.build(found),
        "last_day": full_day(rule.last_day),
        "was": wall_clock(found.local(found.starts_at)),
    }
    return render(request, template, {**frame, **context}, status=status)


def _wants_panel(request: HttpRequest) -> bool:
    return "preview" in request.POST and request.headers.get("HX-Request") == "true"


def _expected(request: HttpRequest) -> int:
    """The price that the page showed; what is no number matches no price."""
    sent = request.POST.get("expected", "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) <= 15 else -1


def _based_on(request: HttpRequest) -> str:
    return request.POST.get("based_on", "")


def _slot(request: HttpRequest) -> uuid.UUID | None:
    try:
        return uuid.UUID(request.POST.get("slot", ""))
    except ValueError:
        return None
