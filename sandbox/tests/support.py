"""For tests over HTTP: one sandbox process, Stripe's own client, and an endpoint that receives webhooks."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import stripe

SECRET_KEY = "sk_test_" + "a" * 24
PUBLISHABLE_KEY = "pk_test_" + "a" * 24
WEBHOOK_SECRET = "whsec_" + "a" * 32
DEPOSIT: dict[str, Any] = {"amount": 10800, "currency": "usd"}
NO_REDIRECTS = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
LINE = {
    "price_data": {"currency": "usd", "unit_amount": 5400, "product_data": {"name": "Deposit"}},
    "quantity": 2,
}


@dataclass
class Emulator:
    """A running sandbox, fresh for each test."""

    url: str
    client: stripe.StripeClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = stripe.StripeClient(
            SECRET_KEY,
            base_addresses={"api": self.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=5),
        )

    @property
    def v1(self) -> Any:
        return self.client.v1

    def control(self, path: str, sent: dict[str, Any] | None = None, *, method: str = "") -> Any:
        body = None if sent is None else json.dumps(sent).encode()
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}",
            data=body,
            method=method or None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def raw(self, path: str, *, key: str = SECRET_KEY, form: Any = None, **headers: str) -> RawAnswer:
        """A request as curl would send it; the answer whatever its status."""
        request = urllib.request.Request(
            self.url + path,
            data=None if form is None else urlencode(form).encode(),
            headers={"Authorization": f"Bearer {key}", **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return RawAnswer(status=answer.status, headers=dict(answer.headers), body=json.load(answer))
        except urllib.error.HTTPError as problem:
            return RawAnswer(status=problem.code, headers=dict(problem.headers), body=json.load(problem))

    def pay(self, **params: Any) -> Any:
        """A confirmed intent over the deposit, with 4242… unless said otherwise."""
        wanted = {**DEPOSIT, **NO_REDIRECTS, "payment_method": "pm_card_visa", "confirm": True, **params}
        return self.v1.payment_intents.create(wanted)

    def session(self, options: dict[str, Any] | None = None, **params: Any) -> Any:
        wanted = {
            "mode": "payment",
            "line_items": [LINE],
            "success_url": "http://shop.test/return?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://shop.test/back",
            **params,
        }
        return self.v1.checkout.sessions.create(wanted, options)

    def pay_session(self, id: str, *, number: str = "4242424242424242") -> Any:
        typed = {"card": card(number), "billing_details": {"email": "guest@example.com", "name": "A Guest"}}
        return self.control(f"checkout/{id}/pay", {"payment_method_data": typed})

    def challenge(self, intent: Any, *, outcome: str) -> Any:
        sent = {"client_secret": intent.client_secret, "outcome": outcome}
        return self.control(f"3ds/{intent.id}", sent)

    def fault(self, kind: str, **details: Any) -> None:
        self.control("faults", {"kind": kind, **details})

    def event_types(self) -> list[str]:
        return [event.type for event in reversed(self.v1.events.list({"limit": 100}).data)]

    def delivered(self) -> None:
        """Returns when no delivery is outstanding."""
        assert self.control("webhooks?wait=10")["outstanding"] == 0

    def balance(self) -> dict[str, int]:
        """US dollars; the sandbox's own two counts must agree."""
        entry: dict[str, int] = self.control("balance")["usd"]
        assert entry["total"] == entry["sum_of_balance_transactions"]
        return entry


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Delivery:
    """One post that arrived, its signature already verified by `stripe.Webhook`."""

    id: str
    type: str
    at: float
    signature: str
    body: str


class Receiver:
    """Answers 200, or what `answers` holds next."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.answers: list[int] = []
        self.broken: list[Exception] = []
        self.url = ""

    def clear(self) -> None:
        self.deliveries, self.answers, self.broken = [], [], []

    def types(self) -> list[str]:
        assert not self.broken
        return [delivery.type for delivery in self.deliveries]

    def take(self, body: str, signature: str) -> int:
        try:
            event = stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET)
        except (ValueError, stripe.SignatureVerificationError) as problem:
            self.broken.append(problem)
            return 400
        self.deliveries.append(Delivery(event.id, event.type, time.time(), signature, body))
        return self.answers.pop(0) if self.answers else 200


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(receiver.take(body, self.headers["Stripe-Signature"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    yield receiver
    server.shutdown()


def card(number: str) -> dict[str, Any]:
    return {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}


def eventually(happened: Callable[[], bool], *, seconds: float = 30) -> None:
    """Waits for what another process does; fails when it does not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
