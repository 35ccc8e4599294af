"""`manage.py stripe_endpoint`: what Stripe's dashboard wants to know of a webhook endpoint: its address and events.

Exactly the events that payments/events.py handles or mirrors, each by its name, for Stripe knows no families. With
--events the names alone, one a line.
"""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from customers import merchants
from payments import events
from payments.models import WebhookEndpoint

PREFIX = "/api/stripe/webhook"
# What Stripe has of the families that are mirrored.
FAMILIES = {
    "product.": ("created", "deleted", "updated"),
    "price.": ("created", "deleted", "updated"),
    "invoice.": (
        "created",
        "deleted",
        "finalization_failed",
        "finalized",
        "marked_uncollectible",
        "overdue",
        "overpaid",
        "paid",
        "payment_action_required",
        "payment_attempt_required",
        "payment_failed",
        "payment_succeeded",
        "sent",
        "upcoming",
        "updated",
        "voided",
        "will_be_due",
    ),
    "customer.subscription.": (
        "created",
        "deleted",
        "paused",
        "pending_update_applied",
        "pending_update_expired",
        "resumed",
        "trial_will_end",
        "updated",
    ),
}


def wanted() -> list[str]:
    """Every event type to be chosen, in order."""
    families = {f"{family}{name}" for family in events.MIRRORED_FAMILIES for name in FAMILIES[family]}
    return sorted({*events.HANDLERS, *events.MIRRORED, *families})


class Command(BaseCommand):
    help = "Print the address and the events of a merchant's webhook endpoint, for Stripe's dashboard."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--merchant", default="", help="The merchant's slug (the default merchant).")
        parser.add_argument("--events", action="store_true", help="The events' names alone.")

    def handle(self, *args: Any, merchant: str, events: bool, **options: Any) -> None:
        if not events:
            self.stdout.write(f"Endpoint   {_address(merchant)}")
            self.stdout.write(f"Version    {settings.STRIPE_API_VERSION}")
            self.stdout.write(f"Events     {len(wanted())}:")
        for name in wanted():
            self.stdout.write(name)


def _address(slug: str) -> str:
    endpoints = WebhookEndpoint.objects.select_related("gateway_account__merchant").defer("secrets")
    of = endpoints.filter(gateway_account__merchant__slug=slug) if slug else endpoints.filter(is_default=True)
    endpoint = of.order_by("-is_default", "pk").first()
    if endpoint is None:
        raise CommandError("There is no such merchant with an endpoint: manage.py create_merchant opens one.")
    merchant = endpoint.gateway_account.merchant
    return merchants.site_url(merchant) + PREFIX + ("" if endpoint.is_default else f"/{merchant.slug}")
