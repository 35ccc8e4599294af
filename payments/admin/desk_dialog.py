"""One action of a desk item: what it would do is shown, a reason and what else it needs is asked, and POST does it.

`resolution.resolve` decides whether it may and still can. A large refund first leads to prove who one is.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextareaWidget,
)

from core.errors import DomainError
from customers import access
from customers.authentication.recent import (
    ReauthenticationRequired,
    lead_to_proof,
    proof_of,
    typed_before,
)
from customers.models import Customer
from payments import errors, resolution
from payments.admin.inbox_dialogs import leave
from payments.admin.inbox_forms import CodeField
from payments.models import Account, DeskItem
from payments.resolution import Action, Choice
from payments.resolution.choices import BOOKABLE

REFUNDS = frozenset({Action.REFUND, Action.RETRY})


class ResolveForm(forms.Form):
    """The reason, and of booking, customer and account those that the action needs."""

    booking = CodeField(label="Booking", help_text="Its code, however it is typed.")
    customer = forms.EmailField(label="Customer's e-mail address", widget=UnfoldAdminEmailInputWidget)
    account = forms.ChoiceField(
        label="Account",
        choices=[(account.value, account.label) for account in BOOKABLE],
        widget=UnfoldAdminRadioSelectWidget,
    )
    reason = forms.CharField(
        label="Why",
        max_length=300,
        help_text="In your words. It stays with the item.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, item: DeskItem, choice: Choice, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.item = item
        for name in ("booking", "customer", "account"):
            if name not in choice.needs:
                del self.fields[name]
        field = self.fields.get("booking")
        if isinstance(field, CodeField):
            field.merchant = item.merchant

    def clean_customer(self) -> Customer:
        rows = Customer.objects.select_related("merchant").filter(merchant=self.item.merchant)
        found = rows.filter(email__iexact=self.cleaned_data["customer"]).first()
        if found is None:
            raise ValidationError("There is no customer with this address.")
        return found


ON_BOOKING: dict[str, tuple[str, str]] = {
    Action.RECORD: ("record_money", access.VERIFY),
    Action.REMIND: ("remind_now", access.VERIFY),
    Action.MORE_TIME: ("more_time", access.RESOLVE),
    Action.CANCEL: ("cancel_booking", access.CANCEL),
    Action.WRITE_OFF: ("write_off", access.WRITE_OFF),
}


def needed(action: str) -> str:
    """The permission that an action asks for."""
    if action in ON_BOOKING:
        return ON_BOOKING[action][1]
    return access.REFUND if action in REFUNDS else access.RESOLVE


def url_of(item: DeskItem, action: str) -> str:
    """Where an action is done: here, or by a dialog of the booking."""
    if action in ON_BOOKING and item.booking_id:
        return reverse(f"admin:bookings_booking_{ON_BOOKING[action][0]}", args=[item.booking_id])
    return reverse("admin:payments_deskitem_resolve", args=[item.pk, action])


def view(console: Any, request: HttpRequest, item: DeskItem | None, *, action: str) -> HttpResponse:
    """`item` is among the person's own. Who may not do it, or asks for what is not offered, finds nothing here."""
    if item is None or not access.may(request.user, permission=needed(action), merchant_id=item.merchant_id):
        raise Http404
    url = reverse("admin:payments_deskitem_change", args=[item.pk])
    if item.closed_at is not None:
        who = (
            item.closed_by.get_full_name() or item.closed_by.get_username()
            if item.closed_by
            else "The system"
        )
        messages.warning(request, f"{who} was faster: this is closed. {item.resolution}")
        return leave(request, url)
    choice = next((one for one in resolution.choices(item) if one.action == action), None)
    if choice is None or choice.action in ON_BOOKING:
        raise Http404
    form = ResolveForm(request.POST if request.method == "POST" else None, item=item, choice=choice)
    refusal = ""
    if request.method == "POST" and form.is_valid():
        try:
            return _resolve(request, item, choice, form=form, url=url)
        except ReauthenticationRequired:
            return lead_to_proof(request)
        except DomainError as refused:
            refusal = refused.for_staff
    elif request.method != "POST" and (typed := typed_before(request)):
        form = ResolveForm(initial=typed.dict(), item=item, choice=choice)
    context = {
        **console.admin_site.each_context(request),
        "title": choice.label,
        "opts": console.opts,
        "item": item,
        "choice": choice,
        "form": form,
        "refusal": refusal,
        "item_url": url,
    }
    return TemplateResponse(request, "admin/payments/deskitem/resolve.html", context)


def _resolve(
    request: HttpRequest, item: DeskItem, choice: Choice, *, form: ResolveForm, url: str
) -> HttpResponse:
    data = form.cleaned_data
    assert isinstance(request.user, User), "the console's own guard: never anonymous"
    try:
        done = resolution.resolve(
            item,
            action=choice.action,
            by=request.user,
            reason=data["reason"],
            booking=data.get("booking"),
            customer=data.get("customer"),
            account=Account(data["account"]) if data.get("account") else "",
            authenticated_at=proof_of(request).at,
        )
    except errors.AlreadyResolved as faster:
        messages.warning(request, faster.for_staff)
    else:
        messages.success(request, f"Closed: {done.resolution}")
    return leave(request, url)
