"""Customers' saved cards, as staff see them: looked at only. Numbers and codes never reach us."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from bookings.models import Booking
from core import clock
from customers.console import DetailAdmin, MerchantFilter, Panel, ReadOnlyAdmin, badge, link, people, stamp
from payments import cards
from payments.models import CardCharge, SavedCard


@admin.register(SavedCard)
class SavedCardAdmin(DetailAdmin, ReadOnlyAdmin):
    list_display = ("card", "customer_shown", "expires", "standing", "saved")
    list_display_links = ("card",)
    list_filter = (MerchantFilter,)
    list_select_related = ("merchant", "customer", "setup")
    search_fields = ("last4",)
    search_help_text = "Last four digits, customer, Stripe id"
    ordering = ("-id",)
    readonly_fields = ("card", "customer_link", "expires", "standing", "saved", "consent")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("card", "customer_link"),
                    ("expires", "standing"),
                    ("saved", "stripe_payment_method_id"),
                    "consent",
                )
            },
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if term.startswith("pm_"):
            return queryset.filter(stripe_payment_method_id=term), False
        for word in term.split():
            queryset = queryset.filter(
                Q(last4=word) | Q(customer__name__icontains=word) | Q(customer__email__icontains=word)
            )
        return queryset, False

    @admin.display(description="Card")
    def card(self, row: SavedCard) -> str:
        return str(row)

    @admin.display(description="Customer")
    def customer_shown(self, row: SavedCard) -> str:
        return row.customer.name

    @admin.display(description="Customer")
    def customer_link(self, row: SavedCard) -> SafeString | str:
        return link(row.customer)

    @admin.display(description="Expires")
    def expires(self, row: SavedCard) -> str:
        return row.expiry or "–"

    @admin.display(description="State")
    def standing(self, row: SavedCard) -> SafeString:
        return standing(row)

    @admin.display(description="Saved", ordering="id")
    def saved(self, row: SavedCard) -> str:
        return stamp(row.created_at)

    @admin.display(description="What the customer agreed to")
    def consent(self, row: SavedCard) -> str:
        if row.setup is None:
            return "Nothing: the card came another way than our page, so it cannot be charged while they are away."
        return f"{row.setup.consent} ({stamp(row.setup.succeeded_at)})"

    def panels(self, request: HttpRequest, row: SavedCard) -> list[Panel]:
        charges = CardCharge.objects.filter(card=row).select_related("payment__booking").order_by("-id")
        names = people(charge.actor for charge in charges)
        return [
            Panel(
                title="Charges by staff",
                columns=("When", "Booking", "Payment", "Outcome", "By", "Why"),
                rows=[
                    (
                        stamp(charge.created_at),
                        link(charge.payment.booking),
                        link(charge.payment, text=str(charge.payment.public_id)[:8]),
                        charge.get_outcome_display(),
                        names[charge.actor],
                        charge.reason,
                    )
                    for charge in charges
                ],
                empty="None.",
            )
        ]


def standing(row: SavedCard) -> SafeString:
    if row.detached_at is not None or row.gateway_customer_id is None:
        return badge("Removed")
    if not row.is_chargeable:
        return badge("No consent", tone="warn")
    if row.has_expired(on=clock.today(row.merchant.timezone)):
        return badge("Expired", tone="warn")
    return badge("Default", tone="good") if row.is_default else badge("Kept", tone="good")


def of_booking(booking: Booking) -> Panel:
    """The cards that the booking's customer keeps."""
    return Panel(
        title="Saved cards",
        columns=("Card", "Expires", "State", "Saved"),
        rows=[
            (link(card, text=str(card)), card.expiry or "–", standing(card), stamp(card.created_at))
            for card in cards.kept(booking.customer).select_related("merchant")
        ],
        empty="The customer keeps no card with us.",
    )
