"""Statements in the console: bring a file, see what would happen, import it, decide about each line.

Lists and pages show only the person's own merchants; what decides is in `payments.statements`, by POST alone.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.enums import ActionVariant

from customers import access
from customers.console import MerchantFilter, ReadOnlyAdmin, amount, badge, stamp
from payments.admin import statements_decide, statements_lines, statements_upload
from payments.admin.statements_lines import LINE_TONES
from payments.models import LineState, StatementImport, StatementLine


@admin.register(StatementImport)
class StatementImportAdmin(ReadOnlyAdmin):
    list_display = ("file", "account_shown", "imported", "by", "lines_shown", "standing")
    list_filter = (MerchantFilter,)
    list_select_related = ("imported_by", "mapping")
    search_fields = ("file_name", "account")
    ordering = ("-id",)
    actions_list = ("upload",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatementImport]:
        rows: QuerySet[StatementImport] = super().get_queryset(request)
        return rows.annotate(
            line_count=Count("lines"),
            waiting=Count("lines", filter=Q(lines__state=LineState.UNMATCHED)),
        )

    def has_upload_permission(self, request: HttpRequest) -> bool:
        return access.may(request.user, permission=access.IMPORT_STATEMENT)

    @action(
        description="Import a statement",
        url_path="upload",
        icon="upload_file",
        permissions=["upload"],
        variant=ActionVariant.PRIMARY,
    )
    def upload(self, request: HttpRequest) -> HttpResponse:
        if not self.has_upload_permission(request):
            raise PermissionDenied
        return statements_upload.view(request, console=self)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The import's lines. POST matches those of which there is no doubt."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row: StatementImport | None = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return statements_lines.view(request, statement=row, console=self)

    @admin.display(description="File", ordering="id")
    def file(self, row: StatementImport) -> str:
        return row.file_name

    @admin.display(description="Account", ordering="account")
    def account_shown(self, row: StatementImport) -> str:
        return row.account or row.mapping.name

    @admin.display(description="Imported", ordering="id")
    def imported(self, row: StatementImport) -> str:
        return stamp(row.created_at)

    @admin.display(description="By")
    def by(self, row: StatementImport) -> str:
        return row.imported_by.get_full_name() or row.imported_by.get_username()

    @admin.display(description="Lines")
    def lines_shown(self, row: Any) -> str:
        before = f", {row.known_before} known before" if row.known_before else ""
        return f"{row.line_count} new{before}"

    @admin.display(description="Standing")
    def standing(self, row: Any) -> SafeString:
        return badge(f"{row.waiting} to match", tone="warn") if row.waiting else badge("Done", tone="good")


@admin.register(StatementLine)
class StatementLineAdmin(ReadOnlyAdmin):
    list_display = ("day", "amount_shown", "text", "state_shown", "account")
    list_filter = ("state", MerchantFilter)
    list_select_related = ("merchant",)
    search_fields = ("description", "payer", "reference")
    ordering = ("-booked_on", "-id")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide)
        found: list[URLPattern] = super().get_urls()
        return [
            path("<path:object_id>/decide/", view, name="payments_statementline_decide"),
            *found,
        ]

    def decide(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What becomes of the line; for whoever may verify transfers."""
        line: StatementLine | None = self.get_object(request, object_id)
        if line is None or not access.may(
            request.user, permission=access.VERIFY, merchant_id=line.merchant_id
        ):
            raise PermissionDenied
        return statements_decide.view(request, line=line, console=self)

    def get_fields(self, request: HttpRequest, obj: StatementLine | None = None) -> list[str]:
        return [
            "state", "booked_on", "amount_shown", "description", "payer", "reference", "account", "position",
            "ignored_reason", "decide_link",
        ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: StatementLine | None = None) -> list[str]:
        return self.get_fields(request, obj)

    @admin.display(description="Day", ordering="booked_on")
    def day(self, row: StatementLine) -> str:
        return f"{row.booked_on:%d %b %Y}"

    @admin.display(description="Amount", ordering="amount_minor")
    def amount_shown(self, row: StatementLine) -> SafeString | str:
        return amount(row.amount_minor, currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Text")
    def text(self, row: StatementLine) -> str:
        return " · ".join(part for part in (row.payer, row.description[:90]) if part)

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: StatementLine) -> SafeString:
        return badge(row.get_state_display(), tone=LINE_TONES.get(LineState(row.state), ""))

    @admin.display(description="Decision")
    def decide_link(self, row: StatementLine) -> SafeString:
        url = reverse("admin:payments_statementline_decide", args=[row.pk])
        return format_html('<a class="ts-link" href="{}">Open the line</a>', url)
