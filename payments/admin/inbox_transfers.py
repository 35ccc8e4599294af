"""Transfers as they were found: the list, a transfer's page, taking one back.

Recording one that nobody claimed is inbox_record.py's.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from core.errors import DomainError
from customers import access
from customers.console import (
    DetailAdmin,
    Figure,
    MerchantFilter,
    Panel,
    ReadOnlyAdmin,
    amount,
    badge,
    link,
    stamp,
)
from payments import manual
from payments.admin import panels
from payments.admin.inbox_dialogs import leave
from payments.admin.inbox_record import RecordingMoney
from payments.models import LedgerEntry, Payment, Transfer


class TakeBackForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=500,
        help_text="A wrong match, a check that bounced. The customer is told that the payment is open again.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )


@admin.register(Transfer)
class TransferAdmin(RecordingMoney, DetailAdmin, ReadOnlyAdmin):
    actions_list = ("record",)
    actions_detail = ("take_back",)
    list_display = ("received_on", "method", "amount_shown", "sender_name", "reference", "standing", "by")
    list_filter = ("method", MerchantFilter)
    list_select_related = ("merchant", "recorded_by", "statement_line", "reversed_by")
    search_fields = ("reference", "sender_name")
    search_help_text = "Reference, sender"
    ordering = ("-id",)
    readonly_fields = ("amount_shown", "by", "standing", "recorded", "taken_back", "line")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("received_on", "method"),
                    ("sender_name", "reference"),
                    "note",
                    ("by", "recorded"),
                    ("line", "taken_back"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transfer]:
        rows: QuerySet[Transfer] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    # Taking back ---------------------------------------------------------------------------------

    def has_reverse_permission(self, request: HttpRequest, obj: object = None) -> bool:
        if obj is None:
            return access.may(request.user, permission=access.REVERSE)
        row = obj if isinstance(obj, Transfer) else self.get_object(request, str(obj))
        return row is not None and access.may(
            request.user, permission=access.REVERSE, merchant_id=row.merchant_id
        )

    @action(description="Take back", icon="undo", permissions=["reverse"])
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Transfer | None = self.get_object(request, object_id)
        if row is None or not self.has_reverse_permission(request, row):
            raise Http404
        url = reverse("admin:payments_transfer_change", args=[row.pk])
        form, refusal = TakeBackForm(request.POST or None), ""
        if request.method == "POST" and form.is_valid():
            try:
                manual.reverse(row, reason=form.cleaned_data["reason"], by=_person(request))
            except DomainError as refused:
                refusal = refused.for_staff
            else:
                messages.success(
                    request, "Taken back: what it had paid is open again, and a desk item is left."
                )
                return leave(request, url)
        payments = list(row.payments.select_related("booking"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Take back",
            "opts": self.opts,
            "transfer": row,
            "payments": payments,
            "form": form,
            "refusal": refusal,
            "transfer_url": url,
        }
        return TemplateResponse(request, "admin/payments/transfer/take_back.html", context)

    take_back.dialog = {"title": "Take back", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        row: Transfer | None = self.get_object(request, str(object_id))
        found: list[Any] = super().get_actions_detail(request, object_id)
        return [] if row is None or row.is_reversed else found

    # Columns and fields --------------------------------------------------------------------------

    @admin.display(description="Amount", ordering="amount_minor")
    def amount_shown(self, row: Transfer) -> SafeString | str:
        return amount(row.amount_minor, currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Standing")
    def standing(self, row: Transfer) -> SafeString:
        if row.is_reversed:
            return badge("Taken back", tone="bad")
        return badge("On the statement", tone="good") if row.statement_line_id else badge("Recorded")

    @admin.display(description="Recorded by")
    def by(self, row: Transfer) -> str:
        return _name(row.recorded_by)

    @admin.display(description="Recorded")
    def recorded(self, row: Transfer) -> str:
        return stamp(row.created_at)

    @admin.display(description="Statement line")
    def line(self, row: Transfer) -> str:
        return str(row.statement_line) if row.statement_line else "not on a statement yet"

    @admin.display(description="Taken back")
    def taken_back(self, row: Transfer) -> str:
        if not row.is_reversed:
            return "–"
        return f"{stamp(row.reversed_at)}, {_name(row.reversed_by)}: {row.reversal_reason}"

    def figures(self, request: HttpRequest, row: Transfer) -> list[Figure]:
        return [
            Figure(row.get_method_display(), self.amount_shown(row), note=row.sender_name),
            Figure("Standing", self.standing(row), note=row.reference),
        ]

    def panels(self, request: HttpRequest, row: Transfer) -> list[Panel]:
        entries = LedgerEntry.objects.filter(payment__transfer=row)
        return [
            _parts(row),
            panels.ledger(entries, merchant=row.merchant),
        ]


def _parts(row: Transfer) -> Panel:
    money = {"currency": row.currency, "locale": row.merchant.locale}
    return Panel(
        title="What it paid",
        columns=("Payment", "Booking", "Placed", "Fee", "Credit", "Without a place", "Received"),
        rows=[
            (
                link(payment, text=payment.get_purpose_display() or panels.method(payment)),
                link(payment.booking),
                amount(payment.placed_minor, **money),
                amount(payment.received_fee_minor, **money),
                amount(payment.credit_minor, **money),
                amount(payment.unallocated_minor, **money),
                amount(payment.received_minor, **money),
            )
            for payment in Payment.objects.filter(transfer=row).select_related("booking").order_by("pk")
        ],
        numeric=frozenset({2, 3, 4, 5, 6}),
    )


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else "the import"


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the console's own guard: never anonymous"
    return request.user
