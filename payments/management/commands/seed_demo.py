"""`manage.py seed_demo`: a demonstration merchant to try everything with. Safe to run again.

Prints a sign-in only when it was made now, one line, and nothing else: `script/server` shows that line. The password
comes from --password or DEMO_PASSWORD; without either one is made.
"""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import DomainError
from customers.models import Merchant
from payments import demo


class Command(BaseCommand):
    help = "Fill in a demonstration merchant: menus, add-ons, times, an owner who can sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", default="", help="The owner's; else DEMO_PASSWORD, else a new one.")
        parser.add_argument("--if-empty", action="store_true", help="Do nothing where any merchant exists.")

    def handle(self, *args: Any, password: str, if_empty: bool, **options: Any) -> None:
        if if_empty and Merchant.objects.exists():
            return
        try:
            _merchant, owner = demo.prepare(password=password or os.environ.get("DEMO_PASSWORD", ""))
        except DomainError as error:
            raise CommandError(error.detail) from error
        if owner.password is not None:
            self.stdout.write(f"{owner.username}  {owner.password}")
