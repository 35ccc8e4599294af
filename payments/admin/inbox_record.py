"""Recording money that nobody announced: cash, a check, a transfer seen first.

By POST; it shows beforehand what becomes of the cent, and carries a key of its own: sent twice, it is recorded once.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action

from bookings.models import Booking
from core import clock
from core.errors import DomainError
from customers import access
from customers.models import Merchant, PaymentMethod
from payments import manual
from payments.admin import inbox_effects
from payments.admin.inbox_dialogs import leave
from payments.admin.inbox_forms import RecordForm
from payments.models import Transfer


class RecordingMoney:
    """Beside a ScopedAdmin of Transfer."""

    def has_record_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return access.may(request.user, permission=access.VERIFY)

    @action(description="Record money", icon="add", permissions=["record"], url_path="record")
    def record(self, request: HttpRequest) -> HttpResponse:
        """`?booking=<code>` fills the booking in."""
        merchants = access.merchants_where(request.user, permission=access.VERIFY)
        if not merchants:
            raise PermissionDenied
        booking = _booking(merchants, code=request.GET.get("booking", ""))
        merchant = booking.merchant if booking else _merchant(merchants, request)
        currency = booking.currency if booking else merchant.currency
        if request.method != "POST":
            form = RecordForm(initial=_first(merchant, booking), merchant=merchant, currency=currency)
            return self._page(request, merchant, form=form, seen=inbox_effects.Rehearsal())
        form = RecordForm(request.POST, merchant=merchant, currency=currency)
        if not form.is_valid():
            return self._page(request, merchant, form=form, seen=inbox_effects.Rehearsal())
        if _before(merchant, form):
            return _record(request, merchant, form)
        seen = inbox_effects.rehearse(lambda: _recorded(request, merchant, form, key=""))
        if "_preview" in request.POST or seen.refusal or form.cleaned_data["shown"] != seen.key:
            return self._page(request, merchant, form=form, seen=seen)
        return _record(request, merchant, form)

    def _page(
        self, request: HttpRequest, merchant: Merchant, *, form: RecordForm, seen: inbox_effects.Rehearsal
    ) -> HttpResponse:
        console: Any = self
        context = {
            **console.admin_site.each_context(request),
            "title": "Record money",
            "opts": console.opts,
            "merchant": merchant,
            "merchants": access.merchants_where(request.user, permission=access.VERIFY),
            "form": form,
            "effects": seen.effects,
            "shown": seen.key,
            "refusal": seen.refusal,
            "back_url": _back(request),
        }
        return TemplateResponse(request, "admin/payments/transfer/record.html", context)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the console's own guard: never anonymous"
    return request.user


def _booking(merchants: list[Merchant], *, code: str) -> Booking | None:
    rows = Booking.objects.select_related("merchant", "customer")
    found = rows.filter(merchant__in=merchants, code=code).first() if code.isalnum() else None
    if code and found is None:
        raise Http404
    return found


def _merchant(merchants: list[Merchant], request: HttpRequest) -> Merchant:
    wanted = request.GET.get("of", "")
    return next((one for one in merchants if str(one.pk) == wanted), merchants[0])


def _first(merchant: Merchant, booking: Booking | None) -> dict[str, Any]:
    return {
        "method": PaymentMethod.CASH,
        "booking": booking.code if booking else "",
        "sender_name": booking.contact_name if booking else "",
        "received_on": clock.today(merchant.timezone).isoformat(),
        "request_key": uuid.uuid4().hex,
    }


def _before(merchant: Merchant, form: RecordForm) -> bool:
    """Whether this very form was recorded before: then it is not rehearsed, but answered as it was."""
    return Transfer.objects.filter(merchant=merchant, request_key=_key(form)).exists()


def _key(form: RecordForm) -> str:
    return f"console-{form.cleaned_data['request_key']}"


def _recorded(request: HttpRequest, merchant: Merchant, form: RecordForm, *, key: str) -> manual.Outcome:
    data = form.cleaned_data
    found = manual.Found(
        merchant=merchant,
        method=data["method"],
        amount_minor=data["amount"],
        currency=data["booking"].currency if data["booking"] else merchant.currency,
        received_on=data["received_on"],
        by=_person(request),
        reference=data["reference"],
        sender_name=data["sender_name"],
        note=data["note"],
        request_key=key,
    )
    return manual.split(found, parts=form.parts())


def _record(request: HttpRequest, merchant: Merchant, form: RecordForm) -> HttpResponse:
    try:
        outcome = _recorded(request, merchant, form, key=_key(form))
    except DomainError as refusal:
        messages.error(request, refusal.for_staff)
    else:
        messages.success(request, inbox_effects.told(outcome))
    return leave(request, _back(request))


def _back(request: HttpRequest) -> str:
    """To the booking that it was opened from, else to the inbox."""
    code = request.GET.get("booking", "")
    row = Booking.objects.filter(code=code).only("pk").first() if code else None
    if row is not None:
        return reverse("admin:bookings_booking_change", args=[row.pk])
    return reverse("admin:payments_claim_inbox")
