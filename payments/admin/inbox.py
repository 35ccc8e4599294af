"""The verification inbox: what customers say they sent, for staff to find, confirm or turn down; and all claims since.

The inbox is a page of its own below the claims' list. It asks every few seconds, in one statement, whether other
claims wait now, so that two at work see each other. The list itself is read-only.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookings import codes
from customers import access
from customers.console import DetailAdmin, Figure, MerchantFilter, Panel, ReadOnlyAdmin, amount, link, stamp
from payments import proofs
from payments.admin import inbox_rows, panels
from payments.admin.inbox_dialogs import Verifying
from payments.admin.tones import state_badge
from payments.models import Claim


@admin.register(Claim)
class ClaimAdmin(Verifying, DetailAdmin, ReadOnlyAdmin):
    list_display = ("said", "state_shown", "sender_name", "method", "asked", "booking_shown", "decided")
    list_filter = ("state", "payment__method", MerchantFilter)
    list_select_related = (
        "merchant",
        "payment__booking",
        "payment__customer",
        "payment__instalment",
        "decided_by",
        "transfer",
    )
    search_fields = ("sender_name", "payment__booking__code")
    search_help_text = "Sender, booking code"
    ordering = ("-id",)
    readonly_fields = ("said", "booking_shown", "payment_shown", "proof_shown", "decided", "transfer_shown")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("sender_name", "sent_on"),
                    ("booking_shown", "payment_shown"),
                    "note",
                    ("proof_shown", "said"),
                )
            },
        ),
        ("Decided", {"fields": (("decided", "transfer_shown"), "reason")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        rows: QuerySet[Claim] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if codes.is_valid(search_term):
            return queryset.filter(payment__booking__code=codes.normalise(search_term)), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        found: list[URLPattern] = super().get_urls()
        return [
            path("inbox/", view(self.inbox), name="payments_claim_inbox"),
            path("inbox/news/", view(self.news), name="payments_claim_news"),
            path("<path:object_id>/confirm/", view(self.confirm_claim), name="payments_claim_confirm"),
            path("<path:object_id>/match/", view(self.match_line), name="payments_claim_match"),
            path("<path:object_id>/reject/", view(self.reject_claim), name="payments_claim_reject"),
            path("<path:object_id>/proof/", view(self.proof), name="payments_claim_proof"),
            *found,
        ]

    # The inbox -----------------------------------------------------------------------------------

    def inbox(self, request: HttpRequest) -> HttpResponse:
        return self._inbox(request, "admin/payments/claim/inbox.html")

    def news(self, request: HttpRequest) -> HttpResponse:
        """The list again when other claims wait than those of `seen`; else nothing, for one statement."""
        claims = self._claims(request)
        if request.GET.get("seen") == inbox_rows.mark(claims):
            return HttpResponse(status=204)
        return self._inbox(request, "admin/payments/claim/waiting.html")

    def _claims(self, request: HttpRequest) -> QuerySet[Claim]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return access.scope(Claim.objects.all(), user=request.user, permission=self.permission("view"))

    def _inbox(self, request: HttpRequest, template: str) -> HttpResponse:
        found = inbox_rows.inbox(request, self._claims(request), by=request.GET.get("by", ""))
        context = {
            **self.admin_site.each_context(request),
            "title": "To verify",
            "inbox": found,
            "orders": [(value, label, value == found.by) for value, (label, _) in inbox_rows.ORDERS.items()],
            "may_record": access.may(request.user, permission=access.VERIFY),
        }
        return TemplateResponse(request, template, context)

    def proof(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The customer's file, as a download; a picture of it is shown small in the inbox."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        claim: Claim | None = self.get_object(request, object_id)
        if claim is None or not claim.proof:
            raise Http404
        return proofs.attachment(claim)

    # Columns and fields --------------------------------------------------------------------------

    @admin.display(description="Said", ordering="id")
    def said(self, row: Claim) -> str:
        return stamp(row.created_at)

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: Claim) -> SafeString:
        return state_badge(row)

    @admin.display(description="Method")
    def method(self, row: Claim) -> str:
        return row.payment.get_method_display()

    @admin.display(description="Asked")
    def asked(self, row: Claim) -> SafeString | str:
        return amount(row.payment.total_minor, currency=row.payment.currency, locale=row.merchant.locale)

    @admin.display(description="Booking")
    def booking_shown(self, row: Claim) -> SafeString | str:
        return link(row.payment.booking)

    @admin.display(description="Payment")
    def payment_shown(self, row: Claim) -> SafeString | str:
        return link(row.payment, text=panels.method(row.payment))

    @admin.display(description="Transfer")
    def transfer_shown(self, row: Claim) -> SafeString | str:
        return link(row.transfer)

    @admin.display(description="Decided", ordering="decided_at")
    def decided(self, row: Claim) -> str:
        if row.decided_at is None:
            return "–"
        who = row.decided_by.get_full_name() or row.decided_by.get_username() if row.decided_by else ""
        return f"{stamp(row.decided_at)}{f', {who}' if who else ''}"

    @admin.display(description="Proof")
    def proof_shown(self, row: Claim) -> SafeString | str:
        if not row.proof:
            return "–"
        url = reverse("admin:payments_claim_proof", args=[row.pk])
        return format_html('<a class="ts-link" href="{}">{}</a> {}', url, row.proof_name, row.proof_note)

    def figures(self, request: HttpRequest, row: Claim) -> list[Figure]:
        payment = row.payment
        money = {"currency": payment.currency, "locale": row.merchant.locale}
        split = format_html(
            "{} + {} fee", amount(payment.amount_minor, **money), amount(payment.fee_minor, **money)
        )
        return [
            Figure(payment.get_method_display(), self.asked(row), note=split),
            Figure("Claim", state_badge(row), note=row.reason),
            Figure(
                "Received",
                amount(row.transfer.amount_minor if row.transfer else 0, **money),
                tone="good" if row.transfer else "",
            ),
        ]

    def panels(self, request: HttpRequest, row: Claim) -> list[Panel]:
        return [panels.history(row)]
