"""For staff who lost device and recovery codes when no other owner can help: docs/runbooks/second-factor.md."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers import staff
from customers.authentication import accounts


class Command(BaseCommand):
    help = "Take a lost second factor off a sign-in, end its password and sessions, and e-mail a link to begin anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sign_in", help="User name or e-mail address.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = accounts.find(options["sign_in"])
        if user is None:
            raise CommandError("Nobody signs in with that name or address.")
        try:
            staff.reset_second_factor(user, by="command")
        except staff.ResetRefused as refusal:
            raise CommandError(refusal.detail) from refusal
        self.stdout.write(f"A link to begin anew is on its way to {user.email}.")
