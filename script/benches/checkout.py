"""Starting a card payment with Stripe at 0 ms: our own time around the call, SQL statements, and starts per second.

Stripe's client is the real one, on a connection that answers at once, so that what it costs in CPU is counted too. The
rate is that of two processes side by side; the customers are known at Stripe. BENCH_STARTS: how many each starts.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping
from statistics import quantiles
from typing import Any
from urllib.parse import parse_qsl

import stripe
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.models import Booking
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from customers.models import Merchant
from payments import checkout
from payments.models import GatewayAccount, GatewayCustomer
from script.bench import Figure

STARTS = int(os.environ.get("BENCH_STARTS", "300"))
PROCESSES = 2
WARM = 10
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")


class AtOnce(stripe.HTTPClient):
    """Stripe at 0 ms: makes intents that wait for a card."""

    name = "at_once"

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        self.made += 1
        sent = dict(parse_qsl(post_data or ""))
        metadata = {name[9:-1]: value for name, value in sent.items() if name.startswith("metadata[")}
        number = f"{os.getpid()}_{self.made}"
        intent = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "status": "requires_payment_method",
            "amount": 10_800,
            "amount_received": 0,
            "currency": "usd",
            "livemode": False,
            "created": int(time.time()),
            "metadata": metadata,
            "customer": sent.get("customer"),
            "latest_charge": None,
            "last_payment_error": None,
            "client_secret": f"pi_{number}_secret_{number}",
        }
        return json.dumps(intent), 200, {"Request-Id": f"req_{number}"}

    def close(self) -> None:
        return None


def figures() -> Iterator[Figure]:
    """p95 of our own milliseconds per start, its statements, and starts per second of two processes."""
    settings.DOORBELL_ENABLED = False
    merchant = _merchant()
    bookings = _bookings(merchant, count=PROCESSES * (STARTS + WARM) + 1)
    yield Figure(name="statements", value=_statements(bookings.pop()), unit="SQL/start", target=12)
    connection.close()
    shares = [bookings[number::PROCESSES] for number in range(PROCESSES)]
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        runs = pool.map(_run, shares, chunksize=1)
    own = [milliseconds for spent, _ in runs for milliseconds in spent]
    seconds = max(end for _, (_, end) in runs) - min(start for _, (start, _) in runs)
    p95 = round(quantiles(own, n=100)[94], 1)
    yield Figure(
        name="own time p95", value=p95, unit="ms", target=50, note=f"{PROCESSES} processes, no pause"
    )
    rate = round(len(own) / seconds, 1)
    yield Figure(name="starts", value=rate, unit="payments/s", target=100, lower_is_better=False)


def _merchant() -> Merchant:
    merchant = Merchant.objects.filter(is_default=True).first() or MerchantFactory.create(is_default=True)
    GatewayAccount.objects.get_or_create(merchant=merchant)
    return merchant


def _bookings(merchant: Merchant, *, count: int) -> list[int]:
    slot = SlotFactory.create(merchant=merchant, capacity=count)
    made = [booked(merchant=merchant, slot=slot) for _ in range(count)]
    account = GatewayAccount.objects.get(merchant=merchant)
    for customer in {booking.customer_id for booking in made}:
        GatewayCustomer.objects.create(
            gateway_account=account, customer_id=customer, stripe_customer_id=f"cus_{customer}"
        )
    return [booking.pk for booking in made]


def _stripe_at_once() -> None:
    setattr(stripe, "RequestsClient", lambda **options: AtOnce())  # noqa: B010 - what the gateway asks for


def _start(booking_id: int) -> None:
    started = checkout.start(
        booking=Booking.objects.get(pk=booking_id), purpose="", mode="element", actor="customer"
    )
    assert started.client_secret


def _statements(booking_id: int) -> int:
    _stripe_at_once()
    booking = Booking.objects.get(pk=booking_id)
    with CaptureQueriesContext(connection) as queries:
        checkout.start(booking=booking, purpose="", mode="element", actor="customer")
    return sum(not query["sql"].startswith(CONTROL) for query in queries)


def _run(bookings: list[int]) -> tuple[list[float], tuple[float, float]]:
    """Our own milliseconds of each start, and when the first began and the last ended."""
    _stripe_at_once()
    for booking in bookings[:WARM]:
        _start(booking)
    own, begin = [], time.perf_counter()
    for booking in bookings[WARM:]:
        began = time.perf_counter()
        _start(booking)
        own.append((time.perf_counter() - began) * 1000)
    return own, (begin, time.perf_counter())
