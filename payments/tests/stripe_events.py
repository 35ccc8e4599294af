"""Events as Stripe posts them, and endpoints to post them to. For tests of the webhook pipeline."""

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from customers.models import Merchant
from payments import endpoints
from payments.models import GatewayAccount, WebhookEndpoint

SECRET = "whsec_test_secret_of_the_endpoint"
ACCOUNT_ID = "acct_1TablesideTest0001"
_numbers = itertools.count(1)


def make_endpoint(
    *, slug: str = "", is_default: bool = True, secrets: str = SECRET, account_id: str = ACCOUNT_ID
) -> WebhookEndpoint:
    """A merchant with a gateway account and one webhook endpoint."""
    endpoints.forget()
    slug = slug or f"caterer-{next(_numbers)}"
    merchant = Merchant.objects.create(
        name=slug.title(), slug=slug, email=f"{slug}@example.com", is_default=is_default
    )
    account = GatewayAccount.objects.create(merchant=merchant, stripe_account_id=account_id)
    return WebhookEndpoint.objects.create(gateway_account=account, is_default=is_default, secrets=secrets)


def make_event(
    *, type: str = "product.created", object: dict[str, Any] | None = None, id: str = "", **more: Any
) -> dict[str, Any]:
    """An event about `object`."""
    return {
        "id": id or f"evt_test_{next(_numbers):08}",
        "object": "event",
        "api_version": settings.STRIPE_API_VERSION,
        "created": 1_795_000_000,
        "data": {"object": object or {"id": "prod_1", "object": "product", "name": "Paella"}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
        **more,
    }


def signature(body: bytes, *, secret: str = SECRET, timestamp: int | None = None) -> str:
    """The Stripe-Signature header, by Stripe's rule."""
    moment = int(time.time()) if timestamp is None else timestamp
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def post(
    event: dict[str, Any] | bytes,
    *,
    path: str = "/api/stripe/webhook",
    secret: str = SECRET,
    header: str | None = None,
    client: Client | None = None,
) -> HttpResponse:
    """Deliver an event, signed unless a header is given."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    header = signature(body, secret=secret) if header is None else header
    answer: Any = (client or Client()).post(
        path, data=body, content_type="application/json", headers={"Stripe-Signature": header}
    )
    return answer


def in_threads(work: Callable[[int], Any], *, count: int) -> list[Any]:
    """What `work(number)` returned in so many threads that start together, each on its own connection."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait()
            results[number] = work(number)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
