"""Signed deliveries: successful intents and charges, each event and object with an id of its own."""

import hashlib
import hmac
import itertools
import json
import time
from pathlib import Path
from typing import Any

SECRET = "whsec_bench000000000000000000"  # noqa: S105 - signs nothing but the bench's own deliveries
OBJECTS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "objects.json").read_text())
API_VERSION = "2026-08-26.dahlia"
_TYPES = {
    "pi": "payment_intent",
    "ch": "charge",
    "txn": "balance_transaction",
    "cus": "customer",
    "pm": "payment_method",
}
_numbers = itertools.count(int(time.time() * 1000) * 1000)


def named(stripe_id: str) -> dict[str, Any]:
    """The object of that id: `pi_7` belongs to `ch_7`; customers and cards are shared."""
    prefix, _, number = stripe_id.partition("_")
    obj = dict(OBJECTS[_TYPES[prefix]], id=stripe_id)
    if prefix == "pi":
        obj["latest_charge"] = f"ch_{number}"
    if prefix == "ch":
        obj["payment_intent"] = f"pi_{number}"
    if prefix == "txn":
        obj["source"] = f"ch_{number}"
    return obj


def event(*, type: str, obj: dict[str, Any]) -> dict[str, Any]:
    """An event of its own about the object."""
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


def success() -> dict[str, Any]:
    """The success of an intent or a charge that nobody has heard of yet."""
    number = next(_numbers)
    prefix, type = (("pi", "payment_intent.succeeded"), ("ch", "charge.succeeded"))[number % 2]
    return event(type=type, obj=named(f"{prefix}_{number}"))


def signature(body: bytes) -> str:
    """The Stripe-Signature header, now."""
    moment = int(time.time())
    digest = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def request(*, port: int, path: str) -> bytes:
    """One delivery as it goes over the wire."""
    body = json.dumps(success()).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nStripe-Signature: {signature(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
