"""The refund console and a refund's page. Read-only but for the named decisions.

A refund starts on its payment's, or its booking's, page.
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookings import codes
from customers.console import DetailAdmin, Figure, MerchantFilter, Panel, ReadOnlyAdmin, amount, link, stamp
from payments.admin import panels, papers, refund_tabs
from payments.admin.filters import RefundFilter
from payments.admin.refund_decisions import RefundDecisions, recipient
from payments.admin.refund_words import PENDING_REASONS
from payments.admin.tones import state_badge
from payments.models import CreditNote, Refund, RefundRoute, RefundState


@admin.register(Refund)
class RefundAdmin(RefundDecisions, DetailAdmin, ReadOnlyAdmin):
    merchant_path = "payment__merchant"
    list_before_template = "admin/payments/refund/tabs.html"
    list_display = ("asked_for", "state_shown", "booking_shown", "total", "way", "by", "what_of_it")
    actions_detail = ("approve", "decline", "sent", "withdraw")
    list_filter = ("state", "cause", "route", RefundFilter, MerchantFilter)
    list_select_related = (
        "payment__merchant",
        "payment__booking",
        "payment__customer",
        "payment__transfer",
        "requested_by",
        "decided_by",
    )
    search_fields = ("stripe_refund_id",)
    search_help_text = "Booking code, Stripe id"
    ordering = ("-id",)
    readonly_fields = (
        "payment_link",
        "booking_shown",
        "asked_for",
        "done",
        "by",
        "decided",
        "way",
        "to_whom",
        "pending_words",
        "note_link",
        "stripe_id",
        "balance_transaction",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("payment_link", "booking_shown"),
                    ("cause", "way"),
                    "reason",
                    ("by", "decided"),
                    "decision_reason",
                    ("asked_for", "done"),
                    ("to_whom", "reference"),
                    ("note_link", "pending_words"),
                )
            },
        ),
        ("At Stripe", {"fields": (("stripe_id", "balance_transaction"), ("failure_reason", "attempt"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refund]:
        rows: QuerySet[Refund] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related).prefetch_related("payment__claims")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.startswith(("re_", "pyr_")):
            return queryset.filter(stripe_refund_id=term), False
        return queryset.filter(payment__booking__code__startswith=codes.normalise(term) or "-"), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {**(extra_context or {}), "tabs": refund_tabs.tabs(request, super().get_queryset(request))}
        return super().changelist_view(request, shown)

    def _amount(self, row: Refund, minor: int) -> SafeString | str:
        return amount(minor, currency=row.currency, locale=row.payment.merchant.locale)

    @admin.display(description="Asked for", ordering="id")
    def asked_for(self, row: Refund) -> str:
        return stamp(row.created_at)

    @admin.display(description="Done")
    def done(self, row: Refund) -> str:
        return stamp(row.succeeded_at)

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: Refund) -> SafeString:
        return state_badge(row)

    @admin.display(description="Booking")
    def booking_shown(self, row: Refund) -> SafeString | str:
        return link(row.payment.booking)

    @admin.display(description="Payment")
    def payment_link(self, row: Refund) -> SafeString | str:
        return link(row.payment, text=panels.method(row.payment))

    @admin.display(description="Asked for by")
    def by(self, row: Refund) -> str:
        return row.requested_by.get_username() if row.requested_by else "–"

    @admin.display(description="Decided by")
    def decided(self, row: Refund) -> str:
        if row.decided_by is None:
            if row.decided_at is not None and row.state == RefundState.CANCELED:
                return f"Withdrawn by who asked, {stamp(row.decided_at)}"
            waits = row.state == RefundState.REQUESTED
            return "Waits for a second person" if waits else "Needed no second person"
        return f"{row.decided_by.get_username()}, {stamp(row.decided_at)}"

    @admin.display(description="Goes back", ordering="route")
    def way(self, row: Refund) -> str:
        if row.route == RefundRoute.GATEWAY:
            return f"To {panels.method(row.payment)}"
        by_hand = f"By hand, {row.payment.get_method_display()}"
        return by_hand if row.route == RefundRoute.MANUAL else row.get_route_display()

    @admin.display(description="Send it to")
    def to_whom(self, row: Refund) -> str:
        return recipient(row) if row.route == RefundRoute.MANUAL else "–"

    @admin.display(description="Why Stripe has not finished it")
    def pending_words(self, row: Refund) -> str:
        return PENDING_REASONS.get(row.pending_reason, row.pending_reason) or "–"

    @admin.display(description="What of it")
    def what_of_it(self, row: Refund) -> str:
        """The one thing a person needs to know now."""
        if row.state == RefundState.APPROVED and row.route == RefundRoute.MANUAL:
            return f"Send to {recipient(row)}"
        return row.failure_words or PENDING_REASONS.get(row.pending_reason, row.pending_reason) or row.reason

    @admin.display(description="Credit note")
    def note_link(self, row: Refund) -> SafeString | str:
        note = CreditNote.objects.defer("pdf").filter(refund=row).first()
        return papers.pdf_link(note) if note else "The price did not fall by it"

    @admin.display(description="Principal", ordering="amount_minor")
    def principal(self, row: Refund) -> SafeString | str:
        return self._amount(row, row.amount_minor)

    @admin.display(description="Fee share")
    def fee_share(self, row: Refund) -> SafeString | str:
        return self._amount(row, row.fee_minor)

    @admin.display(description="Total", ordering="total_minor")
    def total(self, row: Refund) -> SafeString | str:
        return self._amount(row, row.total_minor)

    @admin.display(description="Refund")
    def stripe_id(self, row: Refund) -> str:
        return row.stripe_refund_id or "–"

    @admin.display(description="Balance transaction")
    def balance_transaction(self, row: Refund) -> str:
        return row.stripe_balance_transaction_id or "–"

    def figures(self, request: HttpRequest, row: Refund) -> list[Figure]:
        return [
            Figure("To the customer", self.total(row), note=state_badge(row)),
            Figure(
                "Principal",
                self.principal(row),
                note=format_html("{} tax within", self._amount(row, row.tax_minor)),
            ),
            Figure("Fee share", self.fee_share(row)),
            Figure("Goes back", self.way(row), note=self.decided(row)),
        ]

    def panels(self, request: HttpRequest, row: Refund) -> list[Panel]:
        return [panels.history(row)]
