"""`/metrics`: guarded, constant in statements, and telling what waits."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from bookings.tests.factories import SlotFactory
from core import clock
from payments.models import DeskItem, DeskKind, Payment, WebhookEvent
from payments.tests.shop import Shop

TOKEN = "metrics-token-of-the-test"


@pytest.fixture(autouse=True)
def _guarded(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    settings.DOORBELL_ENABLED = False


def scraped() -> dict[tuple[str, ...], float]:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Host": "10.1.2.3"})
    assert answer.status_code == 200
    # Without the histograms' steps: after a long run of tests there are tens of thousands of them.
    told = "\n".join(line for line in answer.content.decode().splitlines() if "_bucket{" not in line)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(f"{told}\n")
        for sample in family.samples
    }


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", TOKEN, "Bearer é"])
def test_without_the_token_nothing_is_told(given: str) -> None:
    answer = Client().get("/metrics", headers={"Authorization": given})
    assert (answer.status_code, answer.content) == (401, b"")


def test_without_the_setting_there_is_no_such_page(settings: Settings, db: None) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_the_backlog_of_events_is_told_with_the_oldest_due(shop: Shop) -> None:
    assert scraped()["tableside_events_oldest_due_seconds",] == 0
    shop.stripe.v1.customers.create({"name": "Ada Example"})
    (event,) = [event for event in shop.events() if event["type"] == "customer.created"]
    assert shop.post(event) == 200
    WebhookEvent.objects.update(due_at=clock.now() - timedelta(minutes=7))
    found = scraped()
    assert found["tableside_events", "pending"] == 1
    assert found["tableside_events", "dead"] == 0
    assert 420 <= found["tableside_events_oldest_due_seconds",] < 450


def test_open_money_mails_and_desk_items_are_told_by_state(shop: Shop) -> None:
    payment = shop.start(shop.book()).payment
    Payment.objects.filter(pk=payment.pk).update(updated_at=clock.now() - timedelta(hours=1))
    DeskItem.objects.create(merchant=shop.merchant, kind=DeskKind.SURPLUS, key="trial")
    found = scraped()
    assert found["tableside_payments_open", "pending"] == 1
    assert 3600 <= found["tableside_payments_open_oldest_seconds", "pending"] < 3660
    assert found["tableside_payments_open", "unknown"] == 0
    assert found["tableside_refunds_open", "pending"] == 0
    assert found["tableside_desk_open", "surplus"] == 1
    assert found["tableside_emails_unsent",] >= 1
    assert found["tableside_receipts_unsent",] == 0
    assert found["tableside_credit_notes_unsent",] == 0
    assert found["tableside_database_up",] == 1


def test_a_scrape_costs_as_many_statements_with_more_rows(shop: Shop) -> None:
    with CaptureQueriesContext(connection) as few:
        scraped()
    slot = SlotFactory.create(merchant=shop.merchant, capacity=100)
    shop.paid(shop.book(slot=slot))
    for _ in range(3):
        shop.start(shop.book(slot=slot))
    with CaptureQueriesContext(connection) as more:
        scraped()
    assert len(more) == len(few) == 7


def test_requests_are_counted_by_route_not_by_address(shop: Shop) -> None:
    booking = shop.book()
    route = ("tableside_request_seconds_count", "GET", "b/<str:code>")
    before = sum(value for name, value in scraped().items() if name[:3] == route)
    Client().get(f"/b/{booking.code}")
    found = scraped()
    assert sum(value for name, value in found.items() if name[:3] == route) == before + 1
    assert not [name for name in found if any(booking.code in part for part in name)]


def test_a_database_that_does_not_answer_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OperationalError("no")

    with monkeypatch.context() as patch:
        patch.setattr(connections["default"], "cursor", refused)
        found = scraped()
    assert found["tableside_database_up",] == 0
    assert ("tableside_emails_unsent",) not in found
