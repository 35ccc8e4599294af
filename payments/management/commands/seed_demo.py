"""`manage.py seed_demo`: a demonstration merchant to try everything with. Safe to run again.

Prints a sign-in only when it was made now, one line, and nothing else: `script/server` shows that line. The password
comes from --password or DEMO_PASSWORD; without either one is made. With --bookings it goes on to make about 40 bookings
at the sandbox, which must be up, and tells how far it is; with --if-empty too, only where the merchant is this one.
"""

import os
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from bookings import demo as catalogue
from core.errors import DomainError
from core.money import format_minor
from customers.models import Merchant
from payments import demo, demo_bookings

TOLD_EVERY = 10


class Command(BaseCommand):
    help = "Fill in a demonstration merchant: menus, add-ons, times, an owner who can sign in; bookings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", default="", help="The owner's; else DEMO_PASSWORD, else a new one.")
        parser.add_argument("--if-empty", action="store_true", help="Add no merchant where one exists.")
        parser.add_argument("--bookings", action="store_true", help="Make bookings in every state as well.")

    def handle(self, *args: Any, password: str, if_empty: bool, bookings: bool, **options: Any) -> None:
        try:
            if not (if_empty and Merchant.objects.exists()):
                self._prepare(password or os.environ.get("DEMO_PASSWORD", ""))
            if bookings and (merchant := Merchant.objects.filter(slug=catalogue.SLUG).first()):
                self._book(merchant)
        except DomainError as error:
            raise CommandError(error.detail) from error

    def _prepare(self, password: str) -> None:
        _merchant, owner = demo.prepare(password=password)
        if owner.password is not None:
            self.stdout.write(f"{owner.username}  {owner.password}")

    def _book(self, merchant: Merchant) -> None:
        staff = User.objects.filter(username=demo.OWNER).first()
        made = demo_bookings.make(merchant, staff=staff, told=self._tell)
        states = ", ".join(f"{count} {state}" for state, count in made.states.items())
        left = format_minor(made.difference_minor, merchant.currency)
        self.stdout.write(f"demonstration bookings: {states}; Stripe's balance less the ledger: {left}")

    def _tell(self, done: int, total: int) -> None:
        if done % TOLD_EVERY == 0:
            self.stdout.write(f"{done} of {total} demonstration bookings")
