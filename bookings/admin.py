"""Staff pages of what is sold: menus, add-ons, taxes, travel fees, opening times.

The booking's own page shows money, so it lives in payments/admin/.
"""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action

from bookings import admin_legal  # noqa: F401 - registers its pages
from bookings.admin_forms import AddOnForm, MenuForm, SlotForm, SlotRunForm, TaxRateForm, TravelFeeForm
from bookings.models import AddOn, Booking, Menu, Slot, TaxRate, TravelFee
from bookings.models.booking import TAKES_CAPACITY
from core import clock
from customers.console import MerchantFilter, ScopedAdmin, amount, badge, moment


class CatalogueAdmin(ScopedAdmin):
    list_filter = ("is_active", MerchantFilter)
    search_fields = ("name", "description")
    list_select_related = ("merchant",)

    @admin.display(description="On sale", boolean=True, ordering="is_active")
    def on_sale(self, row: Menu | AddOn) -> bool:
        return row.is_active


def _price(row: Any, minor: int) -> SafeString | str:
    return amount(minor, currency=row.merchant.currency, locale=row.merchant.locale)


@admin.register(Menu)
class MenuAdmin(CatalogueAdmin):
    form = MenuForm
    list_display = ("name", "per_adult", "per_child", "on_sale")
    fieldsets = (
        (None, {"fields": ("merchant", "name", "description", "is_active", "position")}),
        ("Price", {"fields": ("adult_price_minor", "child_price_minor")}),
    )

    @admin.display(description="Per adult", ordering="adult_price_minor")
    def per_adult(self, row: Menu) -> SafeString | str:
        return _price(row, row.adult_price_minor)

    @admin.display(description="Per child", ordering="child_price_minor")
    def per_child(self, row: Menu) -> SafeString | str:
        return _price(row, row.child_price_minor)


@admin.register(AddOn)
class AddOnAdmin(CatalogueAdmin):
    form = AddOnForm
    list_display = ("name", "price", "per", "on_sale")
    fieldsets = (
        (None, {"fields": ("merchant", "name", "description", "is_active", "position")}),
        ("Price", {"fields": ("price_minor", "per", "max_quantity")}),
    )

    @admin.display(description="Price", ordering="price_minor")
    def price(self, row: AddOn) -> SafeString | str:
        return _price(row, row.price_minor)


@admin.register(TaxRate)
class TaxRateAdmin(ScopedAdmin):
    form = TaxRateForm
    list_display = ("name", "percent", "where", "valid_from", "valid_to")
    list_filter = (MerchantFilter,)
    search_fields = ("name", "postal_prefix")
    fieldsets = ((None, {"fields": ("merchant", "name", "rate", "postal_prefix", "valid_from", "valid_to")}),)

    @admin.display(description="Rate", ordering="rate")
    def percent(self, row: TaxRate) -> str:
        return f"{(row.rate * 100).normalize():f} %"

    @admin.display(description="Where", ordering="postal_prefix")
    def where(self, row: TaxRate) -> str:
        return f"Postal codes {row.postal_prefix}…" if row.postal_prefix else "Everywhere"


@admin.register(TravelFee)
class TravelFeeAdmin(ScopedAdmin):
    form = TravelFeeForm
    list_display = ("name", "where", "fee")
    list_filter = (MerchantFilter,)
    list_select_related = ("merchant",)
    search_fields = ("name", "postal_prefix")
    fieldsets = ((None, {"fields": ("merchant", "name", "postal_prefix", "fee_minor")}),)

    @admin.display(description="Where", ordering="postal_prefix")
    def where(self, row: TravelFee) -> str:
        return f"Postal codes {row.postal_prefix}…" if row.postal_prefix else "Everywhere else"

    @admin.display(description="Fee", ordering="fee_minor")
    def fee(self, row: TravelFee) -> SafeString | str:
        return _price(row, row.fee_minor)


class SlotTimeFilter(admin.SimpleListFilter):
    """Coming times first: past ones are seldom wanted."""

    title = "time"
    parameter_name = "time"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("soon", "Next 30 days"), ("coming", "Coming"), ("past", "Past")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Slot]) -> QuerySet[Slot]:
        now = clock.now()
        if self.value() == "soon":
            return queryset.filter(ends_at__gte=now, starts_at__lt=now + timedelta(days=30))
        if self.value() == "coming":
            return queryset.filter(ends_at__gte=now)
        if self.value() == "past":
            return queryset.filter(ends_at__lt=now)
        return queryset


@admin.register(Slot)
class SlotAdmin(ScopedAdmin):
    form = SlotForm
    list_display = ("when", "until", "taken", "open_badge")
    list_filter = (SlotTimeFilter, "is_open", MerchantFilter)
    list_select_related = ("merchant",)
    fieldsets = ((None, {"fields": ("merchant", "day", "starts", "ends", "capacity", "is_open")}),)
    actions_list = ("add_run",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Slot]:
        taking = Booking.objects.filter(slot=OuterRef("pk"), state__in=TAKES_CAPACITY).order_by()
        count = taking.values("slot").annotate(n=Count("pk")).values("n")
        rows: QuerySet[Slot] = super().get_queryset(request)
        return rows.annotate(taken_count=Coalesce(Subquery(count), 0))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, Slot) and obj.bookings.exists():
            return False
        return super().has_delete_permission(request, obj)

    def has_add_run_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.has_add_permission(request)

    @action(description="Add a run of slots", icon="date_range", permissions=["add_run"])
    def add_run(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = SlotRunForm(request.POST or None, request=request)
        if request.method == "POST" and form.is_valid() and (added := form.add()) is not None:
            messages.success(
                request, f"{added} slots added." if added else "Those slots were all there already."
            )
            return HttpResponseRedirect(reverse("admin:bookings_slot_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Add a run of slots",
            "form": form,
            "media": form.media,
        }
        return TemplateResponse(request, "admin/bookings/slot/add_run.html", context)

    @admin.display(description="From", ordering="starts_at")
    def when(self, row: Slot) -> str:
        return moment(row.starts_at, zone=row.merchant.timezone)

    @admin.display(description="To", ordering="ends_at")
    def until(self, row: Slot) -> str:
        return moment(row.ends_at, zone=row.merchant.timezone)

    @admin.display(description="Taken")
    def taken(self, row: Any) -> SafeString:
        full = row.taken_count >= row.capacity
        return badge(f"{row.taken_count} of {row.capacity}", tone="warn" if full else "plain")

    @admin.display(description="Open", ordering="is_open")
    def open_badge(self, row: Slot) -> SafeString:
        return badge("Open", tone="good") if row.is_open else badge("Closed")
