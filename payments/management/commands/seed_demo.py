"""`manage.py seed_demo`: a demonstration merchant to try everything with. Safe to run again, in development only.

Prints sign-ins only when they were made now, a line for each, and nothing else: `script/server` shows those lines. The
password, for all of them, comes from --password or DEMO_PASSWORD; without either each gets one of its own. With
--bookings it goes on to make about 60 bookings at the sandbox, which must be up, and tells how far it is; with
--if-empty too, only where the merchant is this one. With --year a past of some 1,200 bookings follows, lived through
day by day; stopped, the next run goes on with it.
"""

import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from bookings import demo as catalogue
from core.errors import DomainError
from core.money import format_minor
from customers.models import Merchant
from payments import demo, demo_bookings, demo_year

TOLD_EVERY, YEAR_TOLD_EVERY = 10, 50


class Command(BaseCommand):
    help = "Fill in a demonstration merchant: menus, add-ons, times, staff who can sign in; bookings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--password", default="", help="The staff's; else DEMO_PASSWORD, else a new one.")
        parser.add_argument("--if-empty", action="store_true", help="Add no merchant where one exists.")
        parser.add_argument("--bookings", action="store_true", help="Make bookings in every state as well.")
        parser.add_argument("--year", action="store_true", help="Make a year of bookings (some minutes).")

    def handle(
        self, *args: Any, password: str, if_empty: bool, bookings: bool, year: bool, **options: Any
    ) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Demonstration data and their sign-ins belong to development (ENVIRONMENT).")
        try:
            if not (if_empty and Merchant.objects.exists()):
                self._prepare(password or os.environ.get("DEMO_PASSWORD", ""))
            merchant = Merchant.objects.filter(slug=catalogue.SLUG).first()
            if merchant is not None and bookings:
                self._tell_sums("demonstration bookings", self._book(merchant), merchant)
            if merchant is not None and year:
                with _ended_in_order():
                    self._tell_sums("a year of bookings", self._live_a_year(merchant), merchant)
        except DomainError as error:
            raise CommandError(error.for_staff) from error

    def _prepare(self, password: str) -> None:
        _merchant, sign_ins = demo.prepare(password=password)
        for made in sign_ins:
            if made.password is not None:
                self.stdout.write(f"{made.username}  {made.password}")

    def _book(self, merchant: Merchant) -> demo_bookings.Made:
        self.stdout.write("demonstration bookings:")
        self.stdout.flush()
        return demo_bookings.make(merchant, staff=_owner(), told=self._tell)

    def _tell(self, done: int, total: int) -> None:
        if done % TOLD_EVERY == 0:
            self.stdout.write(f"{done} of {total} demonstration bookings")

    def _live_a_year(self, merchant: Merchant) -> demo_bookings.Made:
        started = time.monotonic()
        told = 0

        def tell(done: int, total: int) -> None:
            nonlocal told
            if done - told >= YEAR_TOLD_EVERY:
                told = done
                self.stdout.write(f"{done} of {total} bookings, {time.monotonic() - started:.0f} s")

        return demo_year.make(merchant, staff=_owner(), told=tell)

    def _tell_sums(self, what: str, made: demo_bookings.Made, merchant: Merchant) -> None:
        states = ", ".join(f"{count} {state}" for state, count in made.states.items())
        left = format_minor(made.difference_minor, merchant.currency)
        self.stdout.write(f"{what}: {states}; Stripe's balance less the ledger: {left}")


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Told to end (SIGTERM), the process puts back the clocks and the webhooks first, as at Ctrl-C."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _owner() -> User | None:
    return User.objects.filter(username=demo.OWNER).first()
