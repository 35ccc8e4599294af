"""How many SQL statements the hot paths cost: upper bounds as measured, so that one more is seen.

The pages' and lists' are asserted where those are tested.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payments import handling, inbox, mirror, tasks
from payments.models import EventState, PaymentState, WebhookEvent
from payments.tests.shop import Shop
from tests.chaos import trade

# What begins and ends a transaction is not counted; inside a test these are savepoints.
CONTROL = ("SAVEPOINT", "RELEASE SAVEPOINT")
SETTLEMENT = 16
SETTLED_BEFORE = 6
START = 12
HOSTED = 14


@pytest.fixture(autouse=True)
def _no_bell(settings):
    settings.DOORBELL_ENABLED = False


@pytest.fixture
def trading(shop: Shop) -> Shop:
    """A shop whose customer, account and caches are known: not the first payment of all."""
    mirror.learn_accounts()
    shop.account.refresh_from_db()
    shop.confirm(shop.start(trade.book(shop)).payment)
    for event in shop.events():
        assert shop.post(event) == 200
    handling.work_off(tasks.handle)
    return shop


@contextmanager
def at_most(count: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as queries:
        yield
    said = [query["sql"][:150] for query in queries if not query["sql"].startswith(CONTROL)]
    assert len(said) <= count, f"{len(said)} statements:\n" + "\n".join(said)


def arrived(shop: Shop, *types: str) -> None:
    """Of the new events, those of these types were delivered."""
    for event in shop.events():
        if event["type"] in types:
            assert shop.post(event) == 200


def test_a_delivery_costs_one_statement(trading: Shop):
    shop = trading
    shop.start(trade.book(shop))
    first, *_ = shop.events()
    client = Client()
    assert shop.post(first, client=client) == 200
    with at_most(1):
        assert shop.post(first, client=client) == 200


def test_a_succeeded_intent_is_mirrored_settled_and_stamped_within_20_statements(trading: Shop):
    shop = trading
    payment = shop.start(trade.book(shop)).payment
    shop.confirm(payment)
    arrived(shop, "payment_intent.succeeded")
    (event,) = inbox.claim()
    with at_most(SETTLEMENT):
        assert handling._one(event, handle=tasks.handle)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert WebhookEvent.objects.get(pk=event.pk).state == EventState.HANDLED


def test_the_charges_own_event_after_it_costs_few_statements(trading: Shop):
    shop = trading
    shop.confirm(shop.start(trade.book(shop)).payment)
    arrived(shop, "payment_intent.succeeded", "charge.succeeded")
    first, second = sorted(inbox.claim(), key=lambda event: event.type, reverse=True)
    assert handling._one(first, handle=tasks.handle)
    with at_most(SETTLED_BEFORE):
        assert handling._one(second, handle=tasks.handle)


def test_starting_a_payment_costs_at_most_12_statements(trading: Shop):
    booking = trade.book(trading)
    with at_most(START):
        assert trading.start(booking).client_secret


def test_taking_a_payment_up_again_costs_no_more_than_starting_it(trading: Shop):
    booking = trade.book(trading)
    trading.start(booking)
    with at_most(START):
        assert trading.start(booking).client_secret


def test_starting_checkout_costs_few_statements(trading: Shop):
    booking = trade.book(trading)
    with at_most(HOSTED):
        assert trading.start(booking, mode="hosted").redirect_url
