"""Events all the way: posted at the door, claimed by workers, mirrored, settled."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from djstripe import models as djstripe

from core.models import OutboxEmail
from payments import inbox, mirror, tasks
from payments.models import (
    EventState,
    LedgerTransaction,
    MirrorRefetch,
    Payment,
    PaymentState,
    Receipt,
    WebhookEvent,
)
from payments.tests.stripe_events import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_bell(settings):
    settings.DOORBELL_ENABLED = False


def unsettled() -> list[tuple[str, str, str]]:
    done = (EventState.HANDLED, EventState.IGNORED)
    return list(WebhookEvent.objects.exclude(state__in=done).values_list("type", "state", "last_error"))


def settled_once(payment: Payment) -> None:
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert Receipt.objects.filter(payment=payment).count() == 1
    postings = LedgerTransaction.objects.filter(entries__payment=payment).distinct()
    assert sorted(posting.source_key.partition(":")[0] for posting in postings) == ["ch", "pf"]


@pytest.fixture
def shop_with_account(shop):
    assert mirror.learn_accounts() == 1
    return shop


def test_events_delivered_twice_in_reverse_and_all_at_once_settle_once(shop_with_account):
    shop = shop_with_account
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    told = list(reversed(shop.events())) * 2
    statuses = in_threads(lambda number: [shop.post(event) for event in told[number::4]], count=4)
    assert {status for part in statuses for status in part} == {200}
    in_threads(lambda _: tasks.handle_events(), count=4)
    tasks.handle_events()
    assert not unsettled()
    settled_once(payment)
    in_threads(lambda _: tasks.send_receipts(), count=2)
    assert (
        OutboxEmail.objects.filter(to=payment.booking.customer.email, subject__icontains="receipt").count()
        == 1
    )


def test_the_mirror_ends_as_stripe_has_it_whatever_the_order(shop_with_account):
    shop = shop_with_account
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    for event in reversed(shop.events()):
        assert shop.post(event) == 200
    tasks.handle_events()
    MirrorRefetch.objects.update(due_at="2020-01-01T00:00:00Z")
    tasks.refetch_mirror()
    assert not MirrorRefetch.objects.exists()
    charge = djstripe.Charge.objects.select_related("customer", "payment_intent").get()
    assert charge.stripe_data["status"] == "succeeded"
    assert charge.payment_intent.stripe_data["status"] == "succeeded"
    assert charge.customer.email == payment.booking.customer.email


def test_no_event_of_a_payment_costs_more_than_twenty_statements(shop_with_account):
    """Mirror, ledger and booking; the two statements of a claim are a whole batch's."""
    shop = shop_with_account
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    for event in shop.events():
        shop.post(event)
    costs = {}
    for event in inbox.claim():
        with CaptureQueriesContext(connection) as queries:
            handled = tasks.handle(event)
            assert inbox.finish(event, outcome=handled.outcome, ignored=handled.ignored)
        statements = [query["sql"] for query in queries if query["sql"] not in ("BEGIN", "COMMIT")]
        costs[event.type] = len(statements)
    settled_once(payment)
    assert max(costs.values()) <= 20, costs
    assert costs["charge.succeeded"] > 10, "the one that books money is measured"
