"""What an event costs from the door to the books, in CPU of our process and the database, beside dj-stripe.

Ours: verified, stored, claimed, mirrored, settled (ledger, booking, receipt left). dj-stripe's: its webhook view,
without middleware, with Stripe at 0 ms; it only mirrors. The same events in the same order: of each payment the
intent created, the charge succeeded, the intent succeeded. Target: at most half of dj-stripe's.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import stripe
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from djstripe.views import ProcessWebhookView

from bookings.models import Instalment
from bookings.tests.factories import SlotFactory, booked
from core import clock
from customers.models import Merchant, PaymentMethod
from payments import tasks, webhooks
from payments.models import Payment, PaymentState, WebhookEvent
from script.bench import Figure
from script.benches.webhook_ack import stripe_at_once
from script.benches.webhook_peers.deliveries import event, named, signature
from script.benches.webhook_peers.prepare import prepare

PAYMENTS = int(os.environ.get("BENCH_PAYMENTS", "100"))
AMOUNT_MINOR = 10_800  # as in objects.json


def figures() -> Iterator[Figure]:
    """Milliseconds of CPU per event of both, the worker's and the database's, and their ratio."""
    settings.DOORBELL_ENABLED = False
    uuid = prepare().rstrip("/").rsplit("/", 1)[-1]
    theirs_view = ProcessWebhookView.as_view()
    with stripe_at_once() as port:
        stripe.api_base = f"http://127.0.0.1:{port}"
        _measure(_events(["theirs_warm"]), lambda request: theirs_view(request, uuid=uuid))
        theirs = _measure(
            _events([f"theirs{number}" for number in range(PAYMENTS)]),
            lambda request: theirs_view(request, uuid=uuid),
        )
    _measure(_events(_payments(1, name="warm")), webhooks.receive, after=tasks.handle_events)
    ours = _measure(_events(_payments(PAYMENTS, name="ours")), webhooks.receive, after=tasks.handle_events)
    _check()
    for name, (worker, database) in (("ours", ours), ("djstripe", theirs)):
        note = f"worker {worker:.2f}, database {database:.2f}"
        yield Figure(name=name, value=round(worker + database, 2), unit="ms CPU/event", note=note)
    yield Figure(name="ours / djstripe", value=round(sum(ours) / sum(theirs), 3), unit="ratio", target=0.5)


def _payments(count: int, *, name: str) -> list[str]:
    """Payments under way, each of a held booking's deposit; the numbers of their intents."""
    merchant = Merchant.objects.get()
    numbers = [f"{name}{number}" for number in range(count)]
    slot = merchant.slots.first() or SlotFactory.create(merchant=merchant, capacity=count + 10_000)
    for number in numbers:
        booking = booked(merchant=merchant, slot=slot)
        deposit = Instalment.objects.filter(booking=booking).order_by("position")[0]
        Payment.objects.create(
            merchant=merchant,
            booking=booking,
            customer=booking.customer,
            instalment=deposit,
            method=PaymentMethod.CARD,
            purpose=deposit.purpose,
            state=PaymentState.PENDING,
            currency="usd",
            amount_minor=deposit.amount_minor,
            fee_minor=AMOUNT_MINOR - deposit.amount_minor,
            total_minor=AMOUNT_MINOR,
            stripe_payment_intent_id=f"pi_{number}",
            news_at=clock.now(),
        )
    return numbers


def _events(numbers: list[str]) -> list[dict[str, Any]]:
    found = []
    for number in numbers:
        intent, charge = named(f"pi_{number}"), named(f"ch_{number}")
        waiting = {**intent, "status": "requires_payment_method", "latest_charge": None}
        found += [
            event(type="payment_intent.created", obj=waiting) | {"created": int(time.time()) - 2},
            event(type="charge.succeeded", obj=charge) | {"created": int(time.time()) - 1},
            event(type="payment_intent.succeeded", obj=intent),
        ]
    return found


def _measure(
    events: list[dict[str, Any]],
    view: Callable[[Any], HttpResponse],
    *,
    after: Callable[[], object] | None = None,
) -> tuple[float, float]:
    """Milliseconds of CPU per event: this process, and the server's process of our connection."""
    requests = [_request(told) for told in events]
    worker, database = time.process_time(), _database_seconds()
    for request in requests:
        answer = view(request)
        assert answer.status_code == 200, answer.content
    if after is not None:
        after()
    spent = (time.process_time() - worker, _database_seconds() - database)
    return spent[0] * 1000 / len(events), spent[1] * 1000 / len(events)


def _request(told: dict[str, Any]) -> Any:
    body = json.dumps(told).encode()
    return RequestFactory().post(
        webhooks.PREFIX,
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": signature(body)},
    )


def _database_seconds() -> float:
    """CPU of the server's process behind our connection, when it runs on this machine; else 0."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _check() -> None:
    """What was measured is the whole work."""
    undone = list(WebhookEvent.objects.exclude(state="handled").values_list("type", "last_error")[:3])
    assert not undone, undone
    assert not Payment.objects.exclude(state=PaymentState.SUCCEEDED).exists()
