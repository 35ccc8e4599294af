"""The desk: money that does not fit, with the evidence, oldest first. Looked at here; acting on it is a use case."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timesince
from django.utils.safestring import SafeString

from core import clock
from customers.console import MerchantFilter, ReadOnlyAdmin, badge, link, moment, pretty_json
from payments.admin import panels
from payments.admin.filters import DeskFilter
from payments.models import DeskItem


@admin.register(DeskItem)
class DeskItemAdmin(ReadOnlyAdmin):
    list_display = ("summary", "standing", "kind", "age", "booking_shown", "payment_shown")
    list_filter = (DeskFilter, "kind", MerchantFilter)
    list_select_related = ("merchant", "booking", "payment")
    search_fields = ("summary", "booking__code")
    readonly_fields = (
        "standing",
        "age",
        "raised",
        "booking_shown",
        "payment_shown",
        "evidence_shown",
        "closed",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "summary",
                    ("standing", "kind"),
                    ("age", "raised"),
                    ("booking_shown", "payment_shown"),
                )
            },
        ),
        ("Evidence", {"fields": ("evidence_shown",)}),
        ("Closed", {"fields": ("closed", "resolution")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeskItem]:
        rows: QuerySet[DeskItem] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    @admin.display(description="Standing", ordering="closed_at")
    def standing(self, row: DeskItem) -> SafeString:
        return badge("Closed") if row.closed_at else badge("Open", tone="bad")

    @admin.display(description="Age", ordering="id")
    def age(self, row: DeskItem) -> str:
        return timesince.timesince(row.created_at, row.closed_at or clock.now())

    @admin.display(description="Raised")
    def raised(self, row: DeskItem) -> str:
        return moment(row.created_at)

    @admin.display(description="Closed")
    def closed(self, row: DeskItem) -> str:
        return moment(row.closed_at)

    @admin.display(description="Booking")
    def booking_shown(self, row: DeskItem) -> SafeString | str:
        return link(row.booking)

    @admin.display(description="Payment")
    def payment_shown(self, row: DeskItem) -> SafeString | str:
        return link(row.payment, text=panels.method(row.payment)) if row.payment else "–"

    @admin.display(description="What is known")
    def evidence_shown(self, row: DeskItem) -> SafeString:
        return pretty_json(row.evidence)
