"""`manage.py tie_out`: each merchant's Stripe balance against the ledger, by id. Fails when one does not tie out."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import DomainError
from core.money import format_minor
from payments import balance
from payments.models import GatewayAccount

THE_START = datetime(2011, 1, 1, tzinfo=UTC)  # Before Stripe.


class Command(BaseCommand):
    help = "Compare Stripe's balance with the ledger's clearing account, merchant by merchant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--merchant", default="", help="Only this merchant's slug.")
        parser.add_argument(
            "--from-the-start", action="store_true", help="Read every balance transaction again."
        )

    def handle(self, *args: Any, merchant: str, from_the_start: bool, **options: Any) -> None:
        accounts = GatewayAccount.objects.select_related("merchant").order_by("merchant__slug")
        if merchant:
            accounts = accounts.filter(merchant__slug=merchant)
        if not accounts:
            raise CommandError("No such merchant." if merchant else "There is no merchant yet.")
        try:
            off = [
                account for account in accounts if not self._ties_out(account, from_the_start=from_the_start)
            ]
        except DomainError as error:
            raise CommandError(error.for_staff) from error
        if off:
            raise CommandError(f"{len(off)} of {len(accounts)} do not tie out.")

    def _ties_out(self, account: GatewayAccount, *, from_the_start: bool) -> bool:
        if from_the_start:
            balance.read(account, since=THE_START)
        currency = account.merchant.currency
        found = balance.tie_out(account, currency=currency)
        rows = [
            ("Stripe's balance", found.stripe_minor),
            ("clearing:stripe", found.clearing_minor),
            *((f"not posted yet: {name}", minor) for name, minor in found.not_posted),
            *((f"awaiting Stripe: {name}", minor) for name, minor in found.awaiting),
            ("difference", found.difference_minor),
        ]
        self.stdout.write(account.merchant.name)
        for name, minor in rows:
            self.stdout.write(f"  {name:44} {format_minor(minor, currency):>16}")
        return found.difference_minor == 0
