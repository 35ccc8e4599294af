"""The booking's page: its event, its price and plan, what was paid. Money is looked at; notes are written."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookings import codes
from bookings.models import Booking, LineKind
from core.money import format_minor
from customers.console import DetailAdmin, Figure, MerchantFilter, Panel, amount, link, moment
from payments import dues
from payments.admin import cards, panels
from payments.admin.booking_dialogs import BookingDialogs, not_alone
from payments.admin.booking_links import BookingLinks
from payments.admin.charge_dialog import CardCharging
from payments.admin.filters import EventDayFilter, HoldFilter
from payments.admin.inbox_booking import Recording
from payments.admin.tones import state_badge
from payments.models import LedgerEntry, Payment, Refund


@admin.register(Booking)
class BookingAdmin(BookingDialogs, CardCharging, Recording, BookingLinks, DetailAdmin):
    actions_detail = (
        "record_money",
        "charge_card",
        {
            "title": "What is open",
            "icon": "hourglass_bottom",
            "items": ["remind_now", "more_time", "write_off", "ask_again"],
        },
        {
            "title": "Change",
            "icon": "edit_calendar",
            "items": [
                "edit_booking",
                "move_booking",
                "complete",
                "undo_completion",
                "reinstate",
                "cancel_booking",
            ],
        },
        "refund_booking",
        "withdraw_links",
    )
    list_display = (
        "code_shown",
        "state_shown",
        "event",
        "guests_shown",
        "customer_shown",
        "total",
        "paid",
        "due",
    )
    list_filter = ("state", EventDayFilter, HoldFilter, MerchantFilter)
    list_select_related = ("merchant", "customer", "menu")
    search_fields = ("code",)
    search_help_text = "Code (however it was typed), name, e-mail, phone"
    ordering = ("-id",)
    date_hierarchy = None
    readonly_fields = (
        "event",
        "ends",
        "guests_shown",
        "menu",
        "place",
        "contact",
        "customer_link",
        "customer_notes",
        "hold_ends",
        "booked",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("event", "ends"),
                    ("guests_shown", "menu"),
                    "place",
                    ("customer_link", "contact"),
                    ("booked", "hold_ends"),
                    "customer_notes",
                    "staff_notes",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        rows: QuerySet[Booking] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related).prefetch_related("instalments")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        return search(queryset, search_term), False

    # Columns and fields --------------------------------------------------------------------------

    @admin.display(description="Code", ordering="code")
    def code_shown(self, row: Booking) -> str:
        return row.code

    @admin.display(description="State", ordering="state")
    def state_shown(self, row: Booking) -> SafeString:
        return state_badge(row)

    @admin.display(description="Event", ordering="starts_at")
    def event(self, row: Booking) -> str:
        return moment(row.starts_at, zone=row.timezone)

    @admin.display(description="Ends")
    def ends(self, row: Booking) -> str:
        return moment(row.ends_at, zone=row.timezone)

    @admin.display(description="Guests", ordering="adults")
    def guests_shown(self, row: Booking) -> str:
        return f"{row.adults} + {row.children} children" if row.children else str(row.adults)

    @admin.display(description="Customer", ordering="contact_name")
    def customer_shown(self, row: Booking) -> str:
        return row.contact_name

    @admin.display(description="Total", ordering="total_minor")
    def total(self, row: Booking) -> SafeString | str:
        return amount(row.total_minor, currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Paid")
    def paid(self, row: Booking) -> SafeString | str:
        return amount(paid_minor(row), currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Due")
    def due(self, row: Booking) -> SafeString | str:
        return amount(due_minor(row), currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Place")
    def place(self, row: Booking) -> str:
        return ", ".join(part for part in (row.street, row.city, row.region, row.postal_code) if part)

    @admin.display(description="Contact")
    def contact(self, row: Booking) -> str:
        return " · ".join(
            str(part) for part in (row.contact_name, row.contact_email, row.contact_phone) if part
        )

    @admin.display(description="Customer")
    def customer_link(self, row: Booking) -> SafeString | str:
        return link(row.customer)

    @admin.display(description="Hold ends")
    def hold_ends(self, row: Booking) -> str:
        return moment(row.hold_expires_at, zone=row.timezone)

    @admin.display(description="Booked")
    def booked(self, row: Booking) -> str:
        return f"{moment(row.created_at, zone=row.timezone)}, terms {row.terms_version or '–'}"

    # The page ------------------------------------------------------------------------------------

    def figures(self, request: HttpRequest, row: Booking) -> list[Figure]:
        due = due_minor(row)
        return [
            Figure(row.code, state_badge(row), note=moment(row.starts_at, zone=row.timezone)),
            Figure("Total", self.total(row), note=format_html("{} tax within", _money(row, row.tax_minor))),
            Figure("Paid", self.paid(row), tone="good" if paid_minor(row) else "", note=_above(row)),
            Figure("Due", self.due(row), tone="warn" if due else ""),
        ]

    def panels(self, request: HttpRequest, row: Booking) -> list[Panel]:
        payments = Payment.objects.filter(booking=row).order_by("-id")
        refunds = Refund.objects.filter(payment__booking=row).order_by("-id")
        entries = LedgerEntry.objects.filter(booking=row)
        return [
            _price(row),
            _plan(row, refusal=_not_alone(request, row)),
            panels.payments(payments, merchant=row.merchant),
            panels.refunds(refunds, merchant=row.merchant),
            cards.of_booking(row),
            panels.edits(row),
            panels.history(row),
            panels.ledger(entries, merchant=row.merchant),
        ]


def search(rows: QuerySet[Booking], term: str) -> QuerySet[Booking]:
    """By code as people type and banks print it; else by the words of the contact."""
    if codes.is_valid(term):
        return rows.filter(code=codes.normalise(term))
    for word in term.split():
        found = Q(code__startswith=codes.normalise(word) or "-")
        for name in ("contact_name", "contact_email", "contact_phone", "city"):
            found |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(found)
    return rows


def paid_minor(row: Booking) -> int:
    """Principal paid so far, less refunds; from the instalments, which the list fetches in one go."""
    return sum(each.paid_minor for each in row.instalments.all())


def due_minor(row: Booking) -> int:
    return sum(each.open_minor for each in row.instalments.all())


def _money(row: Booking, minor: int) -> SafeString | str:
    return amount(minor, currency=row.currency, locale=row.merchant.locale)


def _above(row: Booking) -> str:
    """Why paid and due are more than the total: a price that fell, and money that could not go back yet."""
    above = sum(max(0, each.paid_minor - each.amount_minor) for each in row.instalments.all())
    return f"{format_minor(above, row.currency, row.merchant.locale)} of it above the plan" if above else ""


def _price(row: Booking) -> Panel:
    lines = list(row.lines.all())
    return Panel(
        title="Price",
        columns=("What", "Quantity", "Each", "Amount"),
        rows=[
            (
                line.description,
                line.quantity if line.kind != LineKind.TAX else "",
                _money(row, line.unit_minor) if line.kind != LineKind.TAX else "",
                _money(row, line.amount_minor),
            )
            for line in lines
        ],
        numeric=frozenset({1, 2, 3}),
        total=("Total", "", "", _money(row, row.total_minor)),
    )


def _plan(row: Booking, *, refusal: str) -> Panel:
    instalments = dues.shown(row)
    forgives = any(each.forgiven_minor for each in instalments)
    written_off = ("Written off",) if forgives else ()
    return Panel(
        title="Plan",
        columns=("Instalment", "Due on", "Amount", "Paid", *written_off, "Open"),
        rows=[
            (
                each.get_purpose_display(),
                f"{each.due_on:%a} {each.due_on.day} {each.due_on:%b %Y}" if each.due_on else "Now",
                _money(row, each.amount_minor),
                _money(row, each.paid_minor),
                *((_money(row, each.forgiven_minor),) if forgives else ()),
                _money(row, each.open_minor),
            )
            for each in instalments
        ],
        numeric=frozenset({2, 3, 4, 5}),
        note="Without method fees, which each payment adds." + _why(row) + refusal,
    )


def _not_alone(request: HttpRequest, row: Booking) -> str:
    why = not_alone(request, row)
    return f" To write the rest off: {why}" if why else ""


def _why(row: Booking) -> str:
    """What was written off and asked for again, in the words of who did it."""
    rows = row.write_offs.select_related("by")
    said = [
        f"{format_minor(abs(each.amount_minor), row.currency)}: {each.get_kind_display().lower()}"
        + (f" ({each.reason})" if each.reason else "")
        for each in rows
    ]
    return f" Written off: {'; '.join(said)}." if said else ""
