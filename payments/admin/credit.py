"""A customer's page with what we owe them: their lots of credit and where they went; to give credit, and to use it.

The customer's page itself is customers/admin.py's; money is added to it here, since customers know nothing of money.
"""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from bookings.models import Booking, Instalment
from core.errors import DomainError
from core.money import format_minor
from customers import access
from customers.admin import CustomerAdmin
from customers.console import Figure, MinorAmountField, Panel, amount, link, people, stamp
from customers.models import Customer
from payments import credit
from payments.admin.inbox_dialogs import leave
from payments.credit.spending import PAYABLE
from payments.models import Credit, CreditUse

admin.site.unregister(Customer)


class GrantForm(forms.Form):
    amount = MinorAmountField(label="Amount")
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="In your words. It stays with the credit.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    request_key = forms.CharField(widget=forms.HiddenInput, max_length=32)


class SpendForm(forms.Form):
    """Each choice names what it would pay; the value carries that, so that another one is not done unseen."""

    booking = forms.ChoiceField(label="Use it for", widget=UnfoldAdminRadioSelectWidget)

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["booking"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (value, words) for value, (words, _booking, _purpose) in _spendable(customer).items()
        ]
        if field.choices and not self.is_bound:
            field.initial = field.choices[0][0]


def _spendable(customer: Customer) -> dict[str, tuple[str, Booking, str]]:
    """Bookings of the customer that credit can pay next."""
    open_parts = Instalment.objects.filter(
        booking=OuterRef("pk"), amount_minor__gt=F("paid_minor") + F("forgiven_minor")
    )
    rows = Booking.objects.filter(Exists(open_parts), customer=customer, state__in=PAYABLE)
    found = {}
    for booking in rows.select_related("merchant", "customer__merchant").order_by("starts_at")[:10]:
        can = credit.spendable(booking)
        if can is not None:
            purpose = can.instalment.purpose
            shown = format_minor(can.amount_minor, booking.currency)
            words = f"{booking.code}, {can.instalment.get_purpose_display().lower()}: {shown}"
            found[f"{booking.pk}:{purpose}:{can.amount_minor}"] = (words, booking, purpose)
    return found


@admin.register(Customer)
class CustomerWithCredit(CustomerAdmin):
    actions_detail = ("give_credit", "use_credit")

    # Permissions of the row's own merchant: unfold hands over an id, so the row is looked up ------

    def _may(self, request: HttpRequest, permission: str, obj: object) -> bool:
        if obj is None:
            return access.may(request.user, permission=permission)
        row = obj if isinstance(obj, Customer) else self.get_object(request, str(obj))
        return row is not None and access.may(
            request.user, permission=permission, merchant_id=row.merchant_id
        )

    def has_grant_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, access.GRANT_CREDIT, obj)

    def has_spend_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request, access.VERIFY, obj)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """No use where there is no credit."""
        found: list[Any] = super().get_actions_detail(request, object_id)
        row: Customer | None = self.get_object(request, str(object_id))
        if row is not None and credit.available(row, currency=row.merchant.currency):
            return found
        return [one for one in found if not one.action_name.endswith("use_credit")]

    @action(description="Give credit", icon="redeem", permissions=["grant"])
    def give_credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.GRANT_CREDIT)
        form = GrantForm(request.POST or None, initial={"request_key": uuid.uuid4().hex})
        field = form.fields["amount"]
        assert isinstance(field, MinorAmountField)
        field.currency = row.merchant.currency
        refusal = ""
        if request.method == "POST" and form.is_valid():
            try:
                return self._grant(request, row, form)
            except DomainError as refused:
                refusal = refused.for_staff
        return self._page(request, row, template="give", form=form, refusal=refusal)

    @action(description="Use credit", icon="savings", permissions=["spend"])
    def use_credit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._mine(request, object_id, permission=access.VERIFY)
        form = SpendForm(request.POST if request.method == "POST" else None, customer=row)
        refusal = ""
        if request.method == "POST":
            if form.is_valid():
                try:
                    return self._spend(request, row, form)
                except DomainError as refused:
                    refusal = refused.for_staff
            else:
                refusal = "What can be paid has changed. Look at it once more, then confirm."
                form = SpendForm(customer=row)
        return self._page(request, row, template="use", form=form, refusal=refusal)

    # unfold's links open what these addresses answer as dialogs; without scripts they are pages.
    give_credit.dialog = {"title": "Give credit", "description": ""}
    use_credit.dialog = {"title": "Use credit", "description": ""}

    def _mine(self, request: HttpRequest, object_id: str, *, permission: str) -> Customer:
        row: Customer | None = self.get_object(request, object_id)
        if row is None or not self._may(request, permission, row):
            raise Http404
        return row

    def _grant(self, request: HttpRequest, row: Customer, form: GrantForm) -> HttpResponse:
        assert isinstance(request.user, User), "the console's own guard: never anonymous"
        lot = credit.grant(
            customer=row,
            amount_minor=form.cleaned_data["amount"],
            currency=row.merchant.currency,
            reason=form.cleaned_data["reason"],
            granted_by=request.user,
            request_key=f"console-{row.pk}-{form.cleaned_data['request_key']}",
        )
        messages.success(request, f"{format_minor(lot.amount_minor, lot.currency)} given to {row.name}.")
        return leave(request, _url(row))

    def _spend(self, request: HttpRequest, row: Customer, form: SpendForm) -> HttpResponse:
        value = form.cleaned_data["booking"]
        _words, booking, purpose = _spendable(row)[value]
        amount_minor = int(value.rpartition(":")[2])
        payment = credit.spend(
            booking=booking, purpose=purpose, actor=f"user:{request.user.pk}", amount_minor=amount_minor
        )
        messages.success(
            request,
            f"{format_minor(payment.placed_minor, payment.currency)} of credit used for {booking.code}.",
        )
        return leave(request, _url(row))

    def _page(
        self, request: HttpRequest, row: Customer, *, template: str, form: forms.Form, refusal: str
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Credit",
            "opts": self.opts,
            "customer": row,
            "available": credit.available(row, currency=row.merchant.currency),
            "form": form,
            "refusal": refusal,
            "customer_url": _url(row),
        }
        return TemplateResponse(request, f"admin/payments/credit/{template}.html", context)

    # The page ------------------------------------------------------------------------------------

    def figures(self, request: HttpRequest, row: Customer) -> list[Figure]:
        minor = credit.available(row, currency=row.merchant.currency)
        shown = amount(minor, currency=row.merchant.currency, locale=row.merchant.locale)
        return [*super().figures(request, row), Figure("Credit", shown, tone="good" if minor else "")]

    def panels(self, request: HttpRequest, row: Customer) -> list[Panel]:
        return [*super().panels(request, row), _lots(row), _uses(row)]


def _url(row: Customer) -> str:
    return reverse("admin:customers_customer_change", args=[row.pk])


def _money(row: Customer, minor: int, currency: str) -> SafeString | str:
    return amount(minor, currency=currency, locale=row.merchant.locale)


def _lots(row: Customer) -> Panel:
    lots = (
        Credit.objects.filter(customer=row).select_related("booking", "payment", "granted_by").order_by("-id")
    )
    return Panel(
        title="Credit",
        columns=("When", "From", "Why", "Until", "Amount", "Left"),
        rows=[
            (
                stamp(lot.created_at),
                lot.get_source_display(),
                lot.reason or link(lot.payment or lot.booking),
                lot.expires_on or "for ever",
                _money(row, lot.amount_minor, lot.currency),
                _money(row, lot.remaining_minor, lot.currency),
            )
            for lot in lots[:100]
        ],
        empty="None yet. Surplus is kept here by itself; you can give some, with a reason.",
        numeric=frozenset({4, 5}),
    )


def _uses(row: Customer) -> Panel:
    found = CreditUse.objects.filter(credit__customer=row).select_related("payment__booking", "credit")
    uses = list(found.order_by("-id")[:100])
    names = people(use.actor for use in uses)
    return Panel(
        title="Where credit went",
        columns=("When", "How", "For", "By", "Amount"),
        rows=[
            (
                stamp(use.created_at),
                use.get_kind_display(),
                link(use.payment.booking) if use.payment else "–",
                names[use.actor],
                _money(row, use.amount_minor, use.credit.currency),
            )
            for use in uses
        ],
        empty="Nothing was used yet.",
        numeric=frozenset({4}),
    )
