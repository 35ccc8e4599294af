"""The ledger as bookkeepers read it: transactions with their entries, balances by account, Stripe's balance."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from customers import access
from customers.console import DetailAdmin, MerchantFilter, Panel, ReadOnlyAdmin, amount, badge, link, stamp
from customers.models import Merchant
from payments.admin import panels
from payments.models import Account, BalanceTransaction, LedgerEntry, LedgerTransaction


@admin.register(LedgerTransaction)
class LedgerTransactionAdmin(DetailAdmin, ReadOnlyAdmin):
    list_display = ("occurred", "description", "debits", "credits", "moved", "source")
    list_filter = ("currency", MerchantFilter)
    list_select_related = ("merchant",)
    search_fields = ("source_key",)
    search_help_text = "Source key (ch:…, bt:…), starts with"
    ordering = ("-id",)
    readonly_fields = ("occurred", "posted", "source", "reverses_link")
    fieldsets = ((None, {"fields": ("description", ("occurred", "posted"), ("source", "reverses_link"))}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerTransaction]:
        rows: QuerySet[LedgerTransaction] = super().get_queryset(request)
        return rows.select_related("merchant", "reverses").prefetch_related("entries")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LedgerTransaction], search_term: str
    ) -> tuple[QuerySet[LedgerTransaction], bool]:
        term = search_term.strip()
        return (queryset.filter(source_key__startswith=term) if term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.balances)
        found: list[URLPattern] = super().get_urls()
        return [path("balances/", view, name="payments_ledgertransaction_balances"), *found]

    def balances(self, request: HttpRequest) -> HttpResponse:
        """The trial balance of each of the person's merchants, per currency; its sum is zero or something is wrong."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        merchants = access.merchants_where(request.user, permission=self.permission("view"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Balances",
            "opts": self.opts,
            "balances": trial_balances(merchants),
        }
        return TemplateResponse(request, "admin/payments/ledgertransaction/balances.html", context)

    def _sum(self, row: LedgerTransaction) -> int:
        return sum(entry.amount_minor for entry in row.entries.all() if entry.amount_minor > 0)

    @admin.display(description="When", ordering="id")
    def occurred(self, row: LedgerTransaction) -> str:
        return stamp(row.occurred_at)

    @admin.display(description="Posted")
    def posted(self, row: LedgerTransaction) -> str:
        return stamp(row.created_at)

    @admin.display(description="Debit")
    def debits(self, row: LedgerTransaction) -> SafeString:
        names = [each.get_account_display() for each in row.entries.all() if each.amount_minor > 0]
        return panels.stacked(list(names))

    @admin.display(description="Credit")
    def credits(self, row: LedgerTransaction) -> SafeString:
        names = [each.get_account_display() for each in row.entries.all() if each.amount_minor < 0]
        return panels.stacked(list(names))

    @admin.display(description="Moved")
    def moved(self, row: LedgerTransaction) -> SafeString | str:
        return amount(self._sum(row), currency=row.currency, locale=row.merchant.locale)

    @admin.display(description="Source", ordering="source_key")
    def source(self, row: LedgerTransaction) -> SafeString:
        return format_html('<span class="ts-code">{}</span>', row.source_key)

    @admin.display(description="Reverses")
    def reverses_link(self, row: LedgerTransaction) -> SafeString | str:
        return link(row.reverses)

    def panels(self, request: HttpRequest, row: LedgerTransaction) -> list[Panel]:
        entries = row.entries.select_related("booking", "customer", "payment")
        moved = self.moved(row)
        return [
            Panel(
                title="Entries",
                columns=("Account", "Booking", "Customer", "Payment", "Debit", "Credit"),
                rows=[
                    (
                        entry.get_account_display(),
                        link(entry.booking),
                        entry.customer.name if entry.customer else "–",
                        link(entry.payment, text=panels.method(entry.payment)) if entry.payment else "–",
                        *panels.debit_and_credit(entry, currency=row.currency, locale=row.merchant.locale),
                    )
                    for entry in entries
                ],
                numeric=frozenset({4, 5}),
                total=("Sum", "", "", "", moved, moved),
            )
        ]


@dataclass(frozen=True)
class TrialBalance:
    """One merchant's accounts in one currency. `difference_minor` is zero in a sound ledger."""

    title: str
    panel: Panel
    difference_minor: int


def trial_balances(merchants: Iterable[Merchant]) -> list[TrialBalance]:
    """One statement for all of them."""
    known = {merchant.pk: merchant for merchant in merchants}
    sums = (
        LedgerEntry.objects.filter(transaction__merchant__in=list(known))
        .values("transaction__merchant", "transaction__currency", "account")
        .annotate(
            debit=Coalesce(Sum("amount_minor", filter=Q(amount_minor__gt=0)), 0),
            credit=Coalesce(Sum("amount_minor", filter=Q(amount_minor__lt=0)), 0),
        )
        .order_by("transaction__merchant", "transaction__currency")
    )
    groups: dict[tuple[int, str], dict[str, tuple[int, int]]] = {}
    for each in sums:
        key = (each["transaction__merchant"], each["transaction__currency"])
        groups.setdefault(key, {})[each["account"]] = (int(each["debit"]), -int(each["credit"]))
    return [
        _trial_balance(known[merchant_id], currency=currency, accounts=accounts)
        for (merchant_id, currency), accounts in groups.items()
    ]


def _trial_balance(
    merchant: Merchant, *, currency: str, accounts: dict[str, tuple[int, int]]
) -> TrialBalance:
    def shown(minor: int) -> SafeString | str:
        return amount(minor, currency=currency, locale=merchant.locale) if minor else ""

    rows, debits, credits = [], 0, 0
    for account in Account:
        if account not in accounts:
            continue
        debit, credit = accounts[account]
        balance = debit - credit
        debits, credits = debits + max(balance, 0), credits + max(-balance, 0)
        rows.append(
            (account.label, shown(debit), shown(credit), shown(max(balance, 0)), shown(max(-balance, 0)))
        )
    panel = Panel(
        title=f"{merchant.name}, {currency.upper()}",
        columns=("Account", "Debits", "Credits", "Balance, debit", "Balance, credit"),
        rows=rows,
        numeric=frozenset({1, 2, 3, 4}),
        total=("Sum", "", "", shown(debits) or "0", shown(credits) or "0"),
    )
    return TrialBalance(title=panel.title, panel=panel, difference_minor=debits - credits)


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(ReadOnlyAdmin):
    """What Stripe's balance did; each row is posted to the ledger once."""

    merchant_path = "gateway_account__merchant"
    list_display = ("made", "type", "gross", "fee", "net", "posted", "stripe_id")
    list_filter = ("type", MerchantFilter)
    list_select_related = ("gateway_account__merchant",)
    search_fields = ("=stripe_id", "=source_id")
    ordering = ("-id",)
    readonly_fields = ("made", "gross", "fee", "net", "posted")
    fieldsets = (
        (
            None,
            {"fields": (("type", "made"), ("stripe_id", "source_id"), ("gross", "fee"), ("net", "posted"))},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BalanceTransaction]:
        rows: QuerySet[BalanceTransaction] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related).defer("gateway_account__secret_key")

    def _amount(self, row: BalanceTransaction, minor: int) -> SafeString | str:
        return amount(minor, currency=row.currency, locale=row.gateway_account.merchant.locale)

    @admin.display(description="When", ordering="id")
    def made(self, row: BalanceTransaction) -> str:
        return stamp(row.stripe_created)

    @admin.display(description="Amount")
    def gross(self, row: BalanceTransaction) -> SafeString | str:
        return self._amount(row, row.amount_minor)

    @admin.display(description="Fee")
    def fee(self, row: BalanceTransaction) -> SafeString | str:
        return self._amount(row, row.fee_minor)

    @admin.display(description="Net")
    def net(self, row: BalanceTransaction) -> SafeString | str:
        return self._amount(row, row.net_minor)

    @admin.display(description="In the ledger", ordering="posted_at")
    def posted(self, row: BalanceTransaction) -> SafeString | str:
        return stamp(row.posted_at) if row.posted_at else badge("Not posted yet", tone="warn")
