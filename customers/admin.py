"""Staff pages of the parties: own merchant and its settings, customers, e-mails that went out.

Who works where stands in admin_staff.py.
"""

import base64

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.models import OutboxAttachment, OutboxEmail
from customers import admin_staff, links, platform_fees
from customers.console import (
    DetailAdmin,
    Figure,
    MerchantFilter,
    Panel,
    ReadOnlyAdmin,
    amount,
    badge,
    stamp,
)
from customers.console.forms import CustomerForm, MerchantForm
from customers.models import Customer, FeeTier, Merchant

__all__ = ["admin_staff"]

SURCHARGE_RULE = (
    "Customers always pay the same amounts; this decides how they are presented. <b>As a discount</b>, the listed "
    "price is the card's, and Zelle and Venmo show what they save. <b>As a surcharge</b>, cards pay more than the "
    "listed price: the card networks forbid that above 3&nbsp;%, and several states forbid it altogether, so it is "
    "refused while the card fee is higher."
)

TRANSFER_RULE = (
    "Customers see these on the pay page once the address or handle is filled in, with the amount and the booking's "
    "code for the note. Nobody tells us when a transfer arrives: the customer says that it was sent, and you confirm."
)

REMINDER_RULE = (
    "Nobody is reminded who has paid or says so. Who does not pay after the second one is on the desk."
)
REFUND_RULE = (
    "What a booking's own cancellation policy grants needs nobody's leave. Everything else: from the first amount on, "
    "whoever refunds proves again who they are; from the second on, a colleague has to agree."
)
LOYALTY_RULE = (
    "Credit from customers' own money never ends; credit that you give may. A customer's tier follows from what you "
    "kept of theirs: payments, less refunds and lost disputes."
)


@admin.register(Merchant)
class MerchantAdmin(DetailAdmin):
    merchant_path = "pk"
    form = MerchantForm
    list_display = ("name", "email", "currency", "timezone", "tier", "is_active")
    search_fields = ("name",)
    readonly_fields = ("slug", "host", "currency", "country", "is_active", "tier", "qr_code")
    fieldsets = (
        (None, {"fields": ("name", "email", "phone", "address")}),
        (
            "Method fees",
            {
                "description": SURCHARGE_RULE,
                "fields": (
                    "fee_presentation",
                    "card_fee_rate",
                    "venmo_fee_rate",
                    "zelle_fee_rate",
                    "cash_fee_rate",
                    "check_fee_rate",
                ),
            },
        ),
        (
            "Zelle and Venmo",
            {
                "description": TRANSFER_RULE,
                "fields": (
                    "offers_zelle",
                    "zelle_name",
                    "zelle_contact",
                    "qr_code",
                    "zelle_qr_upload",
                    "zelle_qr_remove",
                    "offers_venmo",
                    "venmo_handle",
                    "claim_hold_hours",
                ),
            },
        ),
        (
            "Bookings",
            {
                "fields": (
                    "hold_minutes",
                    "deposit_minor",
                    "balance_due_days",
                    "minimum_spend_minor",
                    "cash_tolerance_minor",
                    "cancellation_policy",
                )
            },
        ),
        (
            "When customers move the date",
            {"fields": ("move_days_before", "move_fee_minor")},
        ),
        (
            "Reminders of payments",
            {"description": REMINDER_RULE, "fields": ("remind_days_before", "remind_days_after")},
        ),
        (
            "Who sends money back",
            {
                "description": REFUND_RULE,
                "fields": (
                    "reauthenticate_from_minor",
                    "approval_from_minor",
                    "manager_daily_refunds_minor",
                ),
            },
        ),
        (
            "Credit and loyalty",
            {
                "description": LOYALTY_RULE,
                "fields": (
                    "credit_valid_days",
                    "silver_from_minor",
                    "gold_from_minor",
                    "platinum_from_minor",
                ),
            },
        ),
        ("Tax", {"fields": ("tax_travel", "tax_after_discount", "tax_method_fee", "tax_kept")}),
        ("Place and words", {"fields": ("timezone", "locale")}),
        (
            "Set by the platform",
            {"fields": ("slug", "host", "country", "currency", "tier", "is_active")},
        ),
    )

    @admin.display(description="Platform tier", ordering="fee_tier")
    def tier(self, row: Merchant) -> str:
        fee = platform_fees.TIERS[FeeTier(row.fee_tier)]
        return f"{row.get_fee_tier_display()} ({fee.rate * 100:.1f} %)"

    @admin.display(description="QR code shown")
    def qr_code(self, row: Merchant) -> SafeString | str:
        if not row.zelle_qr:
            return "None: customers see the address as text."
        with row.zelle_qr.open("rb") as file:
            drawn = base64.b64encode(file.read()).decode()
        return format_html(
            '<img src="data:image/png;base64,{}" width="160" alt="The QR code for Zelle">', drawn
        )

    def panels(self, request: HttpRequest, row: Merchant) -> list[Panel]:
        overrides = row.platform_fee_overrides.all()
        return [
            Panel(
                title="Platform fee overrides",
                columns=("From", "To", "Rate", "Fixed part", "Note"),
                rows=[
                    (
                        each.valid_from,
                        each.valid_to or "open",
                        f"{each.rate * 100:.2f} %",
                        amount(each.fixed_minor, currency=row.currency, locale=row.locale),
                        each.note,
                    )
                    for each in overrides
                ],
                empty="None: the tier's rate applies.",
                numeric=frozenset({2, 3}),
            )
        ]


@admin.register(Customer)
class CustomerAdmin(DetailAdmin):
    form = CustomerForm
    list_display = ("name", "email", "phone", "since")
    list_filter = (MerchantFilter,)
    search_fields = ("name", "email", "phone")
    fieldsets = ((None, {"fields": ("merchant", "name", "email", "phone", "notes")}),)

    @admin.display(description="Since", ordering="id")
    def since(self, row: Customer) -> str:
        return stamp(row.created_at)

    def figures(self, request: HttpRequest, row: Customer) -> list[Figure]:
        return [
            Figure("Bookings", _listed("bookings_booking", row.pk, text="See bookings")),
            Figure("Payments", _listed("payments_payment", row.pk, text="See payments")),
        ]


def _listed(view: str, customer_id: int, *, text: str) -> SafeString:
    url = f"{reverse(f'admin:{view}_changelist')}?customer__id__exact={customer_id}"
    return format_html('<a class="ts-link" href="{}">{}</a>', url, text)


@admin.register(OutboxEmail)
class OutboxEmailAdmin(DetailAdmin, ReadOnlyAdmin):
    """What was written to customers, and whether it left."""

    merchant_path = "merchant_id"
    list_display = ("subject", "to", "standing", "attempts", "written")
    search_fields = ("to", "subject")
    ordering = ("-id",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "subject",
                    ("to", "standing"),
                    ("sender_name", "reply_to"),
                    ("written", "sent"),
                    ("attempts", "due_at"),
                    "last_error",
                )
            },
        ),
        ("What it says", {"fields": ("body",)}),
    )
    readonly_fields = ("standing", "written", "sent", "body")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEmail]:
        files = Prefetch("attachments", OutboxAttachment.objects.defer("content"))
        rows: QuerySet[OutboxEmail] = super().get_queryset(request)
        return rows.defer("html").prefetch_related(files)

    @admin.display(description="State")
    def standing(self, row: OutboxEmail) -> SafeString:
        if row.sent_at:
            return badge("Sent", tone="good")
        return badge("Waiting, tried before", tone="bad") if row.attempts else badge("Waiting", tone="warn")

    @admin.display(description="Written", ordering="id")
    def written(self, row: OutboxEmail) -> str:
        return stamp(row.created_at)

    @admin.display(description="Sent")
    def sent(self, row: OutboxEmail) -> str:
        return stamp(row.sent_at)

    @admin.display(description="Text")
    def body(self, row: OutboxEmail) -> SafeString:
        """A one-time link is the customer's alone: whoever read it here could go in as them."""
        return format_html('<pre class="ts-letter">{}</pre>', links.without_tokens(row.text))

    def panels(self, request: HttpRequest, row: OutboxEmail) -> list[Panel]:
        files = [(each.name, each.mimetype) for each in row.attachments.all()]
        return [Panel(title="Attachments", columns=("Name", "Type"), rows=files, empty="None.")]
