"""The list of payments and a payment's page. Everything is read-only but for dialogs: capture, release, refund."""

import uuid
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.enums import ActionVariant

from bookings import codes
from customers import access
from customers.console import DetailAdmin, Figure, MerchantFilter, Panel, ReadOnlyAdmin, amount, link, stamp
from payments.admin import net, panels, papers, promise_dialogs, refund_dialog
from payments.admin.filters import ReceivedFilter
from payments.admin.tones import state_badge
from payments.models import LedgerEntry, Payment, Refund


@admin.register(Payment)
class PaymentAdmin(promise_dialogs.Promises, DetailAdmin, ReadOnlyAdmin):
    list_display = (
        "started",
        "state_shown",
        "booking_shown",
        "customer_shown",
        "method_shown",
        "asked",
        "received",
        "left",
    )
    list_display_links = ("started",)
    list_filter = ("state", "method", "purpose", ReceivedFilter, MerchantFilter)
    list_select_related = ("merchant", "booking", "customer")
    search_fields = ("public_id",)
    search_help_text = "Booking code, customer, Stripe id"
    ordering = ("-id",)
    actions_detail = ("capture", "void", "refund")
    readonly_fields = (
        "booking_shown",
        "customer_link",
        "method_shown",
        "purpose",
        "started",
        "paid_at",
        "fee_rate_shown",
        "platform_fee",
        "gateway_fee",
        "receipt_link",
        "intent",
        "session",
        "charge",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("booking_shown", "customer_link"),
                    ("purpose", "method_shown"),
                    ("started", "paid_at"),
                    ("receipt_link", "fee_rate_shown"),
                    ("platform_fee", "gateway_fee"),
                )
            },
        ),
        ("At Stripe", {"fields": (("intent", "charge"), ("session", "attempt"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        rows: QuerySet[Payment] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related).defer("agreement")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return search(queryset, search_term.strip()), False

    # The refund dialog ---------------------------------------------------------------------------

    def has_refund_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Of the payment's own merchant. unfold hands over an id, so the row is looked up."""
        row = self.get_object(request, str(obj)) if obj is not None and not isinstance(obj, Payment) else obj
        if obj is not None and row is None:
            return False
        merchant_id = row.merchant_id if isinstance(row, Payment) else None
        return access.may(request.user, permission=access.REFUND, merchant_id=merchant_id)

    @action(description="Refund", icon="undo", permissions=["refund"], variant=ActionVariant.PRIMARY)
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return refund_dialog.view(request, payment=self.get_object(request, object_id), console=self)

    # unfold's link opens what this address answers as a dialog; without scripts it is a page.
    refund.dialog = {"title": "Refund", "description": ""}

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        """No button where there is nothing to capture, to release or to give back."""
        row = self.get_object(request, str(object_id))
        if row is None:
            return []
        sensible = promise_dialogs.offered(row) | ({"refund"} if row.refundable_minor > 0 else set())
        found: list[Any] = super().get_actions_detail(request, object_id)
        return [one for one in found if one.action_name.rpartition("_")[2] in sensible]

    # Columns and fields --------------------------------------------------------------------------

    def _amount(self, row: Payment, minor: int | None) -> SafeString | str:
        return amount(minor, currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Started", ordering="id")
    def started(self, row: Payment) -> str:
        return stamp(row.created_at)

    @admin.display(description="Paid")
    def paid_at(self, row: Payment) -> str:
        return stamp(row.succeeded_at)

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: Payment) -> SafeString:
        return state_badge(row)

    @admin.display(description="Booking", ordering="booking")
    def booking_shown(self, row: Payment) -> SafeString | str:
        return link(row.booking)

    @admin.display(description="Customer")
    def customer_shown(self, row: Payment) -> str:
        return row.customer.name if row.customer else "–"

    @admin.display(description="Customer")
    def customer_link(self, row: Payment) -> SafeString | str:
        return link(row.customer)

    @admin.display(description="Method", ordering="method")
    def method_shown(self, row: Payment) -> str:
        return panels.method(row)

    @admin.display(description="Amount, fee, total", ordering="total_minor")
    def asked(self, row: Payment) -> SafeString:
        split = format_html(
            "{} + {} fee", self._amount(row, row.amount_minor), self._amount(row, row.fee_minor)
        )
        return panels.two_lines(self._amount(row, row.total_minor), split)

    @admin.display(description="Received, refunded", ordering="received_minor")
    def received(self, row: Payment) -> SafeString:
        back = row.refunded_minor + row.refunding_minor
        note: object = format_html("{} refunded", self._amount(row, row.refunded_minor)) if back else ""
        if row.refunding_minor:
            note = format_html("{}, {} on its way", note, self._amount(row, row.refunding_minor))
        return panels.two_lines(self._amount(row, row.received_minor), note)

    @admin.display(description="Net of fees")
    def left(self, row: Payment) -> SafeString | str:
        found = net.of(row)
        if found is None:
            return "–"
        return panels.two_lines(self._amount(row, found.net_minor), "estimate" if found.is_estimate else "")

    @admin.display(description="Method fee rate")
    def fee_rate_shown(self, row: Payment) -> str:
        return f"{(row.fee_rate * 100).normalize():f} %"

    @admin.display(description="Platform fee")
    def platform_fee(self, row: Payment) -> SafeString | str:
        return self._amount(row, row.platform_fee_minor)

    @admin.display(description="Stripe's fee")
    def gateway_fee(self, row: Payment) -> SafeString | str:
        found = net.of(row)
        if found is None:
            return "–"
        shown = self._amount(row, found.gateway_fee_minor)
        return format_html("{} (estimate until Stripe tells)", shown) if found.is_estimate else shown

    @admin.display(description="Receipt")
    def receipt_link(self, row: Payment) -> SafeString | str:
        receipt = getattr(row, "receipt", None)
        if receipt is None:
            return "–"
        return papers.pdf_link(receipt)

    @admin.display(description="Payment intent")
    def intent(self, row: Payment) -> SafeString | str:
        return _code(row.stripe_payment_intent_id)

    @admin.display(description="Checkout session")
    def session(self, row: Payment) -> SafeString | str:
        return _code(row.stripe_checkout_session_id)

    @admin.display(description="Charge")
    def charge(self, row: Payment) -> SafeString | str:
        return _code(row.stripe_charge_id)

    # The page ------------------------------------------------------------------------------------

    def figures(self, request: HttpRequest, row: Payment) -> list[Figure]:
        split = format_html(
            "{} + {} fee", self._amount(row, row.amount_minor), self._amount(row, row.fee_minor)
        )
        on_its_way = (
            format_html("{} on its way", self._amount(row, row.refunding_minor))
            if row.refunding_minor
            else ""
        )
        found = net.of(row)
        return [
            Figure("Asked", self._amount(row, row.total_minor), note=split),
            Figure("Received", self._amount(row, row.received_minor), note=state_badge(row)),
            Figure("Refunded", self._amount(row, row.refunded_minor), note=on_its_way),
            Figure(
                "Net of fees",
                self._amount(row, found.net_minor) if found else "–",
                note="estimate until Stripe tells its fee" if found and found.is_estimate else "",
            ),
        ]

    def panels(self, request: HttpRequest, row: Payment) -> list[Panel]:
        refunds = Refund.objects.filter(payment=row).order_by("-id")
        return [
            panels.refunds(refunds, merchant=row.merchant),
            _attempts(row),
            panels.history(row),
            panels.ledger(LedgerEntry.objects.filter(payment=row), merchant=row.merchant),
        ]


def _code(text: str) -> SafeString | str:
    return format_html('<span class="ts-code">{}</span>', text) if text else "–"


def _attempts(row: Payment) -> Panel:
    return Panel(
        title="Declined tries",
        columns=("When", "Code", "Bank's code", "What the customer was told"),
        rows=[
            (stamp(each.created_at), each.code or "–", each.decline_code or "–", each.message)
            for each in row.attempts.all()
        ],
        empty="None.",
    )


STRIPE_COLUMNS = {
    "pi_": "stripe_payment_intent_id",
    "cs_": "stripe_checkout_session_id",
    "ch_": "stripe_charge_id",
    "py_": "stripe_charge_id",
}


def search(rows: QuerySet[Payment], term: str) -> QuerySet[Payment]:
    """By Stripe id, our id, booking code (however typed), else the customer's words."""
    if not term:
        return rows
    if column := STRIPE_COLUMNS.get(term[:3]):
        return rows.filter(**{column: term})
    try:
        return rows.filter(public_id=uuid.UUID(term))
    except ValueError:
        pass
    if codes.is_valid(term):
        return rows.filter(booking__code=codes.normalise(term))
    for word in term.split():
        found = Q(booking__code__startswith=codes.normalise(word) or "-")
        rows = rows.filter(found | Q(customer__name__icontains=word) | Q(customer__email__icontains=word))
    return rows
