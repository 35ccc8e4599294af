"""`manage.py create_merchant`: a caterer's business on this installation, ready for its owner to fill.

The command of a production start: merchant, gateway account, webhook endpoint and, with --owner, a first person who
can sign in. It lives here, not in customers, because only this room knows the gateway account that a merchant needs.
"""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from core.errors import DomainError
from customers import opening
from customers.models import Merchant
from customers.opening import SignIn
from payments import accounts


class Command(BaseCommand):
    help = "Open a merchant: its row, its gateway account and, with --owner, its first owner."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help='As customers read it, like "Ember & Salt Hibachi".')
        parser.add_argument("slug", help="Short name for addresses, like ember-and-salt.")
        parser.add_argument("--email", required=True, help="Where customers' answers go.")
        parser.add_argument("--currency", default="usd", help="ISO 4217 (default: usd).")
        parser.add_argument(
            "--timezone", default="America/Los_Angeles", help="IANA name of where events are."
        )
        parser.add_argument("--country", default="US", help="ISO 3166, two letters (default: US).")
        parser.add_argument("--default", action="store_true", help="Answer on every host nobody else claims.")
        parser.add_argument(
            "--owner",
            default="",
            help="E-mail address of the first owner. Password: OWNER_PASSWORD, or a new one.",
        )
        parser.add_argument("--operator", action="store_true", help="The owner also runs the installation.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                merchant = self._open(options)
                owner = self._owner(merchant, options)
        except DomainError as error:
            raise CommandError(error.for_staff) from error
        self.stdout.write(f"{merchant.name} is open (slug {merchant.slug}).")
        if owner is not None:
            self.stdout.write(f"Sign-in: {owner.username}  {owner.password or '(keeps its password)'}")
        if not merchant.is_default:
            self.stdout.write("Enter its Stripe keys and webhook secret before it takes cards.")

    def _open(self, options: dict[str, Any]) -> Merchant:
        merchant = opening.open_merchant(
            name=options["name"],
            slug=options["slug"],
            email=options["email"],
            currency=options["currency"],
            timezone=options["timezone"],
            country=options["country"],
            is_default=options["default"],
        )
        accounts.open_for(merchant)
        return merchant

    def _owner(self, merchant: Merchant, options: dict[str, Any]) -> SignIn | None:
        if not options["owner"]:
            return None
        return opening.add_owner(
            merchant=merchant,
            email=options["owner"],
            password=os.environ.get("OWNER_PASSWORD", ""),
            is_operator=options["operator"],
        )
