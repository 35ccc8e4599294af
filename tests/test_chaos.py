"""The whole product while its processes are killed, its broker stops or hangs, and its database hangs up.

Sizes: CHAOS_EVENTS (about so many events are delivered shuffled while workers are killed), CHAOS_SEED.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings

from bookings.models import Booking, BookingState
from bookings.tests.factories import SlotFactory
from core import clock
from customers.models import Membership, Merchant, Role
from payments import bulk, refunds
from payments.models import (
    BulkCancellation,
    BulkItemState,
    BulkState,
    Cancellation,
    LedgerTransaction,
    Payment,
    PaymentState,
    Receipt,
    Refund,
    RefundTerms,
    WebhookEvent,
)
from payments.models.refund import HOLDING_STATES
from payments.tests.shop import Shop
from tests.chaos import trade
from tests.chaos.house import House, shop_of, shuffled, until
from tests.fixtures import Sandbox, own_database
from tests.server_process import ServerProcess

pytestmark = pytest.mark.slow

EVENTS = int(os.environ.get("CHAOS_EVENTS", "150"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 10**6)
EVENTS_PER_BOOKING = 7
KINDS = tuple(trade.KINDS)
# What the product itself bounds, with room for a crowded machine: no answer waits for the broker.
QUICKLY_SECONDS = 10.0
# Of the kills, so many hit the whole worker: script/server gives up after five crashes within a minute.
WHOLE_WORKERS = 1 if EVENTS < 1_000 else 3
# So many deliveries between two kills. A killed worker's batch waits for its lease to end, so kills without pause
# would let hardly anything be done.
CHUNK = max(40, EVENTS // 50)
DAY = max(12, EVENTS // 50)  # bookings of the day that is cancelled
KILLS = 4
HURRIED_SECONDS = 120.0


@pytest.fixture(scope="module")
def running(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A product of this module's own: what is killed here is nobody else's."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    with own_database() as address:
        server = ServerProcess(state=folder / "state", DATABASE_URL=address, THROTTLE_PAYMENT="10000/min")
        try:
            server.start("--seed", "--no-bookings")  # their making would go on behind the first page
            yield server
        finally:
            server.kill_if_running()


@pytest.fixture
def house(running: ServerProcess, settings: Settings, django_db_blocker: Any) -> Iterator[House]:
    """The product, with this process looking into its database as well."""
    given = running.variables()
    for name in ("SECRET_KEY", "STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_API_BASE", "SITE_URL"):
        setattr(settings, name, given[name])
    settings.FIELD_ENCRYPTION_KEYS = given["FIELD_ENCRYPTION_KEYS"].split(",")
    settings.STRIPE_WEBHOOK_SECRETS = given["STRIPE_WEBHOOK_SECRETS"].split(",")
    settings.DOORBELL_ENABLED = False
    settings.CELERY_BROKER_URL = given["REDIS_URL"]
    mine = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = given["DATABASE_URL"].rpartition("/")[2]
        try:
            house = House(running, shop_of(Sandbox(url=given["STRIPE_API_BASE"])))
            house.wait_for_web()  # A test that failed may have left it killed.
            yield house
        finally:
            connection.close()
            connection.settings_dict["NAME"] = mine


def told(record: Callable[[str, object], None], **figures: object) -> None:
    for name, figure in figures.items():
        record(name, figure)
    print(", ".join(f"{name} {figure}" for name, figure in figures.items()))


def test_the_web_process_dies_before_it_notes_stripes_answer_and_nobody_is_charged_twice(house: House):
    shop = house.shop
    unpaid, paid = trade.book(shop), trade.book(shop, email="else@example.com")
    order = {"kind": "timeout_after", "target": "request", "method": "POST", "path": "/v1/payment_intents"}
    shop.sandbox.order_fault({**order, "count": -1, "seconds": 30})
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(_started, house, booking) for booking in (unpaid, paid)]
        until(lambda: len(_intents(house, unpaid)) + len(_intents(house, paid)) == 2, what="Stripe made both")
        house.kill("web")
        assert [one.result()[0] for one in asked] == [0, 0], "no answer reached the customer"
    shop.sandbox.clear_faults()
    for booking in (unpaid, paid):
        row = Payment.objects.get(booking=booking)
        assert (row.state, row.stripe_payment_intent_id) == (PaymentState.CREATED, "")
    shop.stripe.v1.payment_intents.confirm(_intents(house, paid)[0], {"payment_method": "pm_card_visa"})
    house.wait_for_web()

    status, answer = house.start_payment(unpaid)
    assert status == 201
    assert answer["client_secret"].startswith(_intents(house, unpaid)[0])
    status, answer = house.start_payment(paid)
    # The second when reconcile, which asks Stripe too, was there first.
    assert (status, answer["code"]) in ((409, "already_paid"), (409, "nothing_to_pay"))
    paid.refresh_from_db()
    assert paid.state == BookingState.CONFIRMED, "found paid, it was settled at once"
    house.post(shop.events())
    house.wait_until_handled(hurried=True)
    assert [len(_intents(house, booking)) for booking in (unpaid, paid)] == [1, 1]
    assert Receipt.objects.filter(payment__booking=paid).count() == 1
    assert LedgerTransaction.objects.filter(source_key__startswith="ch:", entries__booking=paid).count() >= 1
    trade.assert_books_are_straight(shop)


def _started(house: House, booking: Booking) -> tuple[int, dict[str, Any]]:
    try:
        return house.start_payment(booking)
    finally:
        connection.close()


def _intents(house: House, booking: Booking) -> list[str]:
    listed = house.shop.stripe.v1.payment_intents.list({"limit": 100}).data
    return [
        one.id for one in listed if one.metadata and one.metadata.to_dict().get("booking") == booking.code
    ]


def test_with_the_broker_hanging_and_then_killed_webhooks_are_answered_and_the_sweeper_handles_them(
    house: House, record_property: Callable[[str, object], None]
):
    trade.make(house.shop, kinds=KINDS[:4])
    found = house.shop.events()
    half = len(found) // 2
    with house.hanging("valkey"):
        hanging = [_seconds_to_answer(house, event) for event in found[:half]]
    until(house.handled, what="what came while the broker hung is handled")
    house.kill("valkey")
    gone = [_seconds_to_answer(house, event) for event in found[half:]]
    until(house.handled, what="what came while the broker was gone is handled")
    worst = {"hanging": max(hanging), "gone": max(gone)}
    told(record_property, **{name: f"{seconds * 1000:.0f} ms at worst" for name, seconds in worst.items()})
    assert max(worst.values()) < QUICKLY_SECONDS, "a webhook waited for the broker"
    assert WebhookEvent.objects.filter(stripe_event_id__in=[one["id"] for one in found]).count() == len(found)
    trade.assert_books_are_straight(house.shop)


def _seconds_to_answer(house: House, event: dict[str, Any]) -> float:
    started = time.monotonic()
    assert house.post_once(event) == 200
    return time.monotonic() - started


def test_events_shuffled_and_repeated_while_workers_are_killed_end_as_in_order(
    house: House, record_property: Callable[[str, object], None]
):
    once = house.handled_in_order(kinds=KINDS)
    kinds = [KINDS[number % len(KINDS)] for number in range(EVENTS // EVENTS_PER_BOOKING)]
    disturbed = trade.make(house.shop, kinds=kinds)
    found = house.shop.events()
    copies = shuffled(found, seed=SEED)
    started = time.monotonic()
    kills = _posted_among_kills(house, copies)
    house.wait_until_handled(seconds=60 + EVENTS / 20, hurried=True)
    told(
        record_property,
        seed=SEED,
        events=len(found),
        deliveries=len(copies),
        kills=kills,
        seconds=round(time.monotonic() - started, 1),
    )
    house.assert_same(once=once, disturbed=disturbed)


def _posted_among_kills(house: House, copies: list[dict[str, Any]]) -> int:
    """Some deliveries, a moment for the worker to be in the middle of them, a kill; and again. How many kills."""
    dice = random.Random(SEED)
    chunks = [copies[start : start + CHUNK] for start in range(0, len(copies), CHUNK)]
    whole = dice.sample(range(len(chunks)), WHOLE_WORKERS)
    for number, chunk in enumerate(chunks):
        house.post(chunk)
        time.sleep(dice.uniform(0.0, 0.1))
        until(house.kill_a_pool_process, what="a process that works")
        if number in whole:
            house.kill("worker")
    return len(chunks)


def test_the_database_hangs_up_while_events_come_and_all_are_handled(house: House):
    kinds = KINDS[:2]
    once = house.handled_in_order(kinds=kinds)
    disturbed = trade.make(house.shop, kinds=kinds * 2)
    copies = shuffled(house.shop.events(), seed=SEED)
    cut = 0
    for number in range(0, len(copies), 8):
        house.post(copies[number : number + 8])
        cut += house.cut_database_connections()
    assert cut, "nobody was connected: nothing was shown"
    house.wait_until_handled(hurried=True)
    house.assert_same(once=once, disturbed=disturbed)


def test_a_day_is_cancelled_while_its_workers_are_killed_and_every_card_gets_its_money_back_once(
    house: House, record_property: Callable[[str, object], None]
):
    shop, dice = house.shop, random.Random(SEED)
    made = _paid_evening(house, bookings=DAY)
    asked = _asked_to_cancel(shop, made)
    kills = 0
    deadline = time.monotonic() + HURRIED_SECONDS
    while not _is_over(asked):
        assert time.monotonic() < deadline, (
            asked.items.values("state", "why"),
            Refund.objects.values("state"),
        )
        house.ring(bulk.TASK, refunds.SEND_TASK, "payments.ask_for_refunds")
        time.sleep(dice.uniform(0.1, 0.6))
        if kills < KILLS:
            until(house.kill_a_pool_process, what="a process that works")
            kills += 1
        # As if time passed: what was under way in a process that is gone is asked for.
        Refund.objects.filter(state__in=HOLDING_STATES).update(updated_at=clock.now() - timedelta(minutes=5))
    house.post(shop.events())
    house.wait_until_handled(hurried=True)
    told(record_property, seed=SEED, bookings=DAY, kills=kills)
    assert set(asked.items.values_list("state", flat=True)) == {BulkItemState.DONE}
    for booking in made:
        assert booking.changes.filter(to_state=BookingState.CANCELLED).count() == 1
        payment = booking.payments.get()
        there = shop.stripe.v1.refunds.list({"payment_intent": payment.stripe_payment_intent_id}).data
        assert [(one.amount, one.status) for one in there] == [(payment.received_minor, "succeeded")]
    assert Cancellation.objects.filter(bulk=asked).count() == DAY
    trade.assert_books_are_straight(shop)


def _paid_evening(house: House, *, bookings: int) -> list[Booking]:
    """So many bookings of one evening of their own, their deposits paid by card."""
    shop = house.shop
    evening = SlotFactory.create(
        merchant=shop.merchant, capacity=100, starts_at=clock.now() + timedelta(days=41)
    )
    made = [shop.book(slot=evening, email=f"storm{number}@example.com") for number in range(bookings)]
    for booking in made:
        trade.by_element(shop, booking)
    house.post(shop.events())
    house.wait_until_handled(hurried=True)
    return made


def _asked_to_cancel(shop: Shop, made: list[Booking]) -> BulkCancellation:
    Merchant.objects.filter(pk=shop.merchant.pk).update(approval_from_minor=10**9)
    owner = User.objects.create_user("storm-owner")
    Membership.objects.create(user=owner, merchant=shop.merchant, role=Role.OWNER)
    day, terms = made[0].event_date, RefundTerms.FULL
    shown = bulk.preview(shop.merchant, day=day, terms=terms)
    assert len(shown.lines) == len(made)
    merchant = Merchant.objects.get(pk=shop.merchant.pk)
    return bulk.request(
        merchant,
        day=day,
        terms=terms,
        reason="Storm",
        by=owner,
        expected=shown.shown,
        authenticated_at=clock.now(),
    )


def _is_over(asked: BulkCancellation) -> bool:
    asked.refresh_from_db()
    return asked.state == BulkState.DONE and not Refund.objects.filter(state__in=HOLDING_STATES).exists()
