"""Lets a merchant's frontends authorize cards and leave the capture to staff, or takes that back."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.models import GatewayAccount


class Command(BaseCommand):
    help = "Let customers' frontends authorize cards (POST payments/authorize); staff always may."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("merchant", help="The merchant's slug.")
        parser.add_argument("--off", action="store_true", help="Take it back.")

    def handle(self, *args: Any, **options: Any) -> None:
        accounts = GatewayAccount.objects.filter(merchant__slug=options["merchant"])
        if not accounts.update(allows_authorization=not options["off"]):
            raise CommandError("No merchant of that slug takes cards.")
        may = "may not" if options["off"] else "may"
        self.stdout.write(f"Frontends of {options['merchant']} {may} authorize cards.")
