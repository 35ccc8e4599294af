"""The customer's page with what money says of them: the tier of loyalty. Beside their credit."""

from django.contrib import admin
from django.http import HttpRequest

from core.money import format_minor
from customers.console import Figure, amount
from customers.models import Customer
from payments import loyalty
from payments.admin.credit import CustomerWithCredit

admin.site.unregister(Customer)


@admin.register(Customer)
class CustomerWithLoyalty(CustomerWithCredit):
    def figures(self, request: HttpRequest, row: Customer) -> list[Figure]:
        stands = loyalty.of(row)
        currency, locale = row.merchant.currency, row.merchant.locale
        note = (
            f"{format_minor(stands.to_next_minor, currency, locale)} to {stands.next_tier}"
            if stands.next_tier
            else "The highest tier"
        )
        kept = amount(stands.kept_minor, currency=currency, locale=locale)
        return [
            *super().figures(request, row),
            Figure("Loyalty", stands.tier, note=note, tone="good" if stands.tier != loyalty.NONE else ""),
            Figure("Kept of theirs", kept, note="paid, less refunds and lost disputes"),
        ]
