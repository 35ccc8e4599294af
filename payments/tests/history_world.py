"""A caterer whose days are drawn at random: who is there, what was booked, and how a step finds what it works on.

`history_steps` acts on it, `history_audit` says what must hold afterwards. A step takes three small numbers and picks
with them; one that finds nothing to do does nothing, one that the product refuses must leave everything as it was.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Max, Sum

from bookings.models import AddOn, Booking, Instalment, Slot
from bookings.tests.factories import AddOnFactory, SlotFactory
from core import clock
from core.errors import DomainError
from customers.models import Membership, Role
from payments import events, handling, reconcile, refunds
from payments.models import Claim, Credit, DeskItem, LedgerEntry, Payment, Refund, Transfer, WebhookEvent
from payments.tests.shop import Shop, open_shop
from tests.fixtures import Sandbox

T = TypeVar("T")
Step = Callable[["World", int, int, int], None]
DAYS_AHEAD = (40, 10, 3)
SHARES = (100, 50, 130, 33)


@dataclass
class World:
    """One shop, two people of its staff, what was booked. `told` is the history so far, for reading a failure."""

    shop: Shop
    asking: User
    agreeing: User
    add_on: AddOn
    slots: list[Slot]
    bookings: list[Booking] = field(default_factory=list)
    held_back: list[dict[str, Any]] = field(default_factory=list)
    counter: int = 0
    told: list[str] = field(default_factory=list)

    def booking(self, which: int) -> Booking | None:
        """One of the bookings, as it stands."""
        if not self.bookings:
            return None
        pk = self.bookings[which % len(self.bookings)].pk
        return Booking.objects.select_related("merchant", "customer__merchant", "menu", "slot").get(pk=pk)

    def next(self) -> int:
        self.counter += 1
        return self.counter

    def catch_up(self) -> None:
        """All that was held back arrives, the sweeps run, and Stripe's balance is read."""
        self.shop.deliver(self.held_back + self.shop.events())
        self.held_back = []
        refunds.send_due()
        self.shop.deliver()
        # An event that had to wait for another has its next turn now instead of in a minute.
        WebhookEvent.objects.filter(state="pending").update(due_at=clock.now(), lease_until=None)
        handling.work_off(events.handle)
        reconcile.read_balances(late=True)
        # A lost dispute is booked once its withdrawal is.
        WebhookEvent.objects.filter(state="pending").update(due_at=clock.now(), lease_until=None)
        handling.work_off(events.handle)


def pick(rows: Iterable[T], which: int) -> T | None:
    """One of them, or None when there is none."""
    found = list(rows)
    return found[which % len(found)] if found else None


def percent_of(minor: int, share: int) -> int:
    """What is right, or half of it, or more: never nothing."""
    return max(1, minor * SHARES[share % len(SHARES)] // 100)


def opened(sandbox: Sandbox) -> World:
    sandbox.reset()
    shop = open_shop(sandbox)
    merchant = shop.merchant
    merchant.zelle_name, merchant.zelle_contact = "Ember LLC", "pay@ember.example"
    merchant.venmo_handle, merchant.credit_valid_days = "ember-kitchen", 90
    merchant.tax_kept = True
    merchant.save()
    people = [User.objects.create_user(name, email=f"{name}@ember.example") for name in ("casey", "robin")]
    for person in people:
        Membership.objects.create(user=person, merchant=merchant, role=Role.OWNER)
    merchant.menus.create(name="Garden", adult_price_minor=3_333, child_price_minor=1_111)
    slots = [
        SlotFactory.create(
            merchant=merchant, capacity=1, starts_at=clock.now() + timedelta(days=days, hours=3 * place)
        )
        for days in DAYS_AHEAD
        for place in range(2)
    ]
    return World(shop, people[0], people[1], AddOnFactory.create(merchant=merchant), slots)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A history leaves nothing behind. The mark is Django's own: what must run outside a transaction may in here."""
    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]
    with atomic:
        try:
            yield
        finally:
            transaction.set_rollback(True)


def take(world: World, step: Step, a: int, b: int, c: int) -> None:
    """One step. A refusal is an answer like another, but nothing may have changed by it."""
    name = step.__name__
    before = None if name in ASKS_STRIPE else standing()
    try:
        step(world, a, b, c)
    except DomainError as refusal:
        world.told.append(f"{name}({a}, {b}, {c}): {type(refusal).__name__} {refusal}")
        assert before is None or standing() == before, f"{name} was refused and changed something"
        return
    world.told.append(f"{name}({a}, {b}, {c})")


# A refusal of these may come after Stripe told something that was true and is booked.
ASKS_STRIPE = frozenset({
    "pays_by_card", "claims", "promises", "decides_a_promise", "charges_a_saved_card", "cancels_a_day",
    "sends_what_is_due", "lets_holds_end", "webhooks_come", "reads_the_balance",
})  # fmt: skip


def standing() -> tuple[object, ...]:
    """A fingerprint of all that a refused step must leave alone."""
    return (
        *(
            model._default_manager.aggregate(Count("pk"), Max("pk"))
            for model in (DeskItem, LedgerEntry, Transfer)
        ),
        Payment.objects.aggregate(
            Count("pk"),
            Sum("received_minor"),
            Sum("refunding_minor"),
            Sum("placed_minor"),
            Sum("credit_minor"),
        ),
        Instalment.objects.aggregate(
            Count("pk"), Sum("amount_minor"), Sum("paid_minor"), Sum("forgiven_minor")
        ),
        Credit.objects.aggregate(Count("pk"), Sum("remaining_minor")),
        sorted(Booking.objects.values_list("pk", "state", "total_minor")),
        sorted(Refund.objects.values_list("pk", "state")),
        sorted(Claim.objects.values_list("pk", "state")),
    )


def check_constraints() -> None:
    """What the database checks at commit, asked for now: every posting balances, a transfer's parts sum to it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
