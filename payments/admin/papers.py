"""Receipts and credit notes in the console, with their PDF. Looked at, never changed."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookings import codes
from customers.console import MerchantFilter, ReadOnlyAdmin, amount, link, stamp
from payments.admin import panels
from payments.models import CreditNote, Document, Receipt


class DocumentAdmin(ReadOnlyAdmin):
    """`booking_path` leads from the row to its booking."""

    booking_path = ""
    list_filter = (MerchantFilter,)
    search_fields = ("number",)
    ordering = ("-id",)
    rendering = ("Rendering", {"fields": (("attempts", "due"), "last_error")})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related).defer("pdf")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        number = term.upper().removeprefix(f"{self.model.PREFIX}-").lstrip("0")
        if not term:
            return queryset, False
        if number.isdigit() and len(number) < 10:
            return queryset.filter(number=int(number)), False
        code = {f"{self.booking_path}__code__startswith": codes.normalise(term) or "-"}
        return queryset.filter(**code), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.pdf)
        found: list[URLPattern] = super().get_urls()
        name = self.model._meta.model_name
        return [path(f"<int:{name}_id>/pdf/", view, name=f"payments_{name}_pdf"), *found]

    def pdf(self, request: HttpRequest, **ids: int) -> HttpResponse:
        [pk] = ids.values()
        document = self.get_queryset(request).defer(None).filter(pk=pk).first()
        if document is None or not document.pdf:
            raise Http404
        return HttpResponse(
            bytes(document.pdf),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{document.label}.pdf"'},
        )

    @admin.display(description="Number", ordering="number")
    def label_shown(self, row: Document) -> SafeString:
        return format_html('<span class="ts-money">{}</span>', row.label)

    @admin.display(description="Made", ordering="id")
    def made(self, row: Document) -> str:
        return stamp(row.created_at)

    @admin.display(description="Put into the outbox", ordering="emailed_at")
    def emailed(self, row: Document) -> str:
        return stamp(row.emailed_at)

    @admin.display(description="Due again")
    def due(self, row: Document) -> str:
        return stamp(row.due_at) if row.emailed_at is None else "–"

    @admin.display(description="PDF")
    def pdf_shown(self, row: Document) -> SafeString | str:
        return pdf_link(row, text="PDF") if row.rendered_at else "not rendered yet"


def pdf_link(row: Document, *, text: str = "") -> SafeString | str:
    """A link to the paper, or that it is still being made."""
    if not row.rendered_at:
        return f"{row.label}, not rendered yet"
    url = reverse(f"admin:payments_{row._meta.model_name}_pdf", args=[row.pk])
    return format_html('<a class="ts-link" href="{}">{}</a>', url, text or f"{row.label} (PDF)")


@admin.register(Receipt)
class ReceiptAdmin(DocumentAdmin):
    booking_path = "payment__booking"
    list_display = ("label_shown", "booking_shown", "customer_shown", "total", "made", "emailed", "pdf_shown")
    list_select_related = ("merchant", "payment__booking", "payment__customer")
    search_help_text = "Number (R-000123 or 123), booking code"
    readonly_fields = (
        "label_shown", "booking_shown", "payment_link", "total", "made", "emailed", "pdf_shown",
        "attempts", "due", "last_error",
    )  # fmt: skip
    fieldsets = ((None, {"fields": readonly_fields[:7]}), DocumentAdmin.rendering)

    @admin.display(description="Booking")
    def booking_shown(self, row: Receipt) -> SafeString | str:
        return link(row.payment.booking)

    @admin.display(description="Customer")
    def customer_shown(self, row: Receipt) -> str:
        return row.payment.customer.name if row.payment.customer else "–"

    @admin.display(description="Payment")
    def payment_link(self, row: Receipt) -> SafeString | str:
        return link(row.payment, text=panels.method(row.payment))

    @admin.display(description="Total")
    def total(self, row: Receipt) -> SafeString | str:
        payment = row.payment
        return amount(payment.received_minor, currency=payment.currency, locale=row.merchant.locale)


@admin.register(CreditNote)
class CreditNoteAdmin(DocumentAdmin):
    booking_path = "booking"
    list_display = ("label_shown", "booking_shown", "less", "tax", "reason", "made", "emailed", "pdf_shown")
    list_select_related = ("merchant", "booking", "refund__payment")
    search_help_text = "Number (C-000123 or 123), booking code"
    readonly_fields = (
        "label_shown", "booking_shown", "refund_link", "reason", "less", "net", "tax", "price_since", "made",
        "emailed", "pdf_shown", "attempts", "due", "last_error",
    )  # fmt: skip
    fieldsets = ((None, {"fields": readonly_fields[:11]}), DocumentAdmin.rendering)

    def _amount(self, row: CreditNote, minor: int) -> SafeString | str:
        return amount(minor, currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Booking")
    def booking_shown(self, row: CreditNote) -> SafeString | str:
        return link(row.booking)

    @admin.display(description="Refund")
    def refund_link(self, row: CreditNote) -> SafeString | str:
        return link(row.refund)

    @admin.display(description="The price fell by", ordering="amount_minor")
    def less(self, row: CreditNote) -> SafeString | str:
        return self._amount(row, row.amount_minor)

    @admin.display(description="Without tax")
    def net(self, row: CreditNote) -> SafeString | str:
        return self._amount(row, row.net_minor)

    @admin.display(description="Tax within")
    def tax(self, row: CreditNote) -> SafeString | str:
        return self._amount(row, row.tax_minor)

    @admin.display(description="Price since")
    def price_since(self, row: CreditNote) -> SafeString | str:
        return self._amount(row, row.price_minor)
