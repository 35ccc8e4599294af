"""The desk: money that does not fit, oldest first. Each item shows its evidence and what can be done about it.

An item is closed by one of its actions alone, each a dialog by POST (desk_dialog.py).
"""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timesince
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import clock
from customers import access
from customers.console import MerchantFilter, ReadOnlyAdmin, amount, badge, link, moment, stamp
from payments import resolution
from payments.admin import booking_dialogs, desk_dialog, desk_evidence, panels
from payments.admin.filters import DeskFilter
from payments.admin.tones import state_badge
from payments.models import DeskItem, DeskKind
from payments.resolution import ON_BOOKING, Action


@admin.register(DeskItem)
class DeskItemAdmin(ReadOnlyAdmin):
    change_form_outer_before_template = "admin/payments/deskitem/item.html"
    list_display = (
        "summary_shown",
        "kind_shown",
        "amount_shown",
        "age",
        "booking_shown",
        "payment_shown",
        "how",
    )
    list_filter = (DeskFilter, "kind", MerchantFilter)
    list_select_related = (
        "merchant",
        "booking__customer",
        "booking__merchant",
        "payment__merchant",
        "payment__customer__merchant",
        "closed_by",
    )
    search_fields = ("summary", "booking__code")
    search_help_text = "Summary, booking code"

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeskItem]:
        rows: QuerySet[DeskItem] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Who closed it is told where closed ones are among them."""
        shown = super().get_list_display(request)
        return [
            name for name in shown if name != "how" or request.GET.get(DeskFilter.parameter_name) != "open"
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """None: the page is a template of its own (item.html)."""
        return []

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.resolve)
        found: list[URLPattern] = super().get_urls()
        return [
            path("<path:object_id>/resolve/<slug:action>/", view, name="payments_deskitem_resolve"),
            *found,
        ]

    def resolve(self, request: HttpRequest, object_id: str, action: str) -> HttpResponse:
        return desk_dialog.view(self, request, self.get_object(request, object_id), action=action)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context |= self._shown(request, obj)
        response: HttpResponse = super().render_change_form(request, context, add, change, form_url, obj)
        return response

    def _shown(self, request: HttpRequest, row: DeskItem) -> dict[str, Any]:
        not_alone = booking_dialogs.not_alone(request, row.booking) if row.booking else ""
        choices = [
            {
                "label": choice.label,
                "effect": not_alone if choice.action == Action.WRITE_OFF and not_alone else choice.effect,
                "url": desk_dialog.url_of(row, choice.action),
                "is_dialog": choice.action != Action.RECORD,
                "may": access.may(
                    request.user,
                    permission=desk_dialog.needed(choice.action),
                    merchant_id=row.merchant_id,
                )
                and not (choice.action == Action.WRITE_OFF and not_alone),
            }
            for choice in resolution.choices(row)
        ]
        return {
            "on_booking": any(choice.action in ON_BOOKING for choice in resolution.choices(row)),
            "item": row,
            "kind": self.kind_shown(row),
            "age": self.age(row),
            "raised": moment(row.created_at),
            "facts": [*self._links(row), *desk_evidence.shown(row)],
            "choices": choices,
            "closed": self.how(row),
        }

    def _links(self, row: DeskItem) -> list[tuple[str, object]]:
        booking, payment = row.booking, row.payment
        found: list[tuple[str, object]] = []
        if booking is not None:
            when = moment(booking.starts_at, zone=booking.timezone)
            found.append(
                ("Booking", format_html("{} {}", link(booking, text=booking.code), state_badge(booking)))
            )
            found.append(("Event", f"{when}, {booking.contact_name}"))
        if booking is not None and row.kind == DeskKind.OVERDUE:
            minor = sum(part.open_minor for part in booking.instalments.all())
            now = amount(minor, currency=booking.currency, locale=row.merchant.locale)
            found.append(("Open of it now", now))
        if payment is not None:
            words = format_html("{} {}", self.payment_shown(row), state_badge(payment))
            found.append(("Payment", words))
            if payment.customer is not None and booking is None:
                found.append(("Customer", link(payment.customer)))
        return found

    @admin.display(description="What", ordering="summary")
    def summary_shown(self, row: DeskItem) -> str:
        return row.summary

    @admin.display(description="Kind", ordering="kind")
    def kind_shown(self, row: DeskItem) -> SafeString:
        return badge(row.get_kind_display(), tone="" if row.closed_at else "bad")

    @admin.display(description="About")
    def amount_shown(self, row: DeskItem) -> SafeString | str:
        return desk_evidence.about(row)

    @admin.display(description="Age", ordering="id")
    def age(self, row: DeskItem) -> str:
        return timesince.timesince(row.created_at, row.closed_at or clock.now(), depth=1)

    @admin.display(description="Closed", ordering="closed_at")
    def how(self, row: DeskItem) -> str:
        """Who, when; the page adds how."""
        if row.closed_at is None:
            return "–"
        who = row.closed_by.get_full_name() or row.closed_by.get_username() if row.closed_by else "the system"
        return f"{stamp(row.closed_at)}, {who}"

    @admin.display(description="Booking")
    def booking_shown(self, row: DeskItem) -> SafeString | str:
        return link(row.booking, text=row.booking.code) if row.booking else "–"

    @admin.display(description="Payment")
    def payment_shown(self, row: DeskItem) -> SafeString | str:
        return link(row.payment, text=panels.method(row.payment)) if row.payment else "–"
