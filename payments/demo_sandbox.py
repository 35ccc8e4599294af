"""What happens on the other side of a demonstration payment: the customer's browser and the dashboard, at the sandbox.

The product itself calls Stripe through the gateway alone. This is development's stand-in for the people: it enters test
cards over HTTP with the publishable key, as Stripe.js does, and works in "the dashboard" with the secret key. `open_up`
refuses whatever is not the sandbox, so no test card ever reaches Stripe. Called by the demonstration's modules alone.
"""

import base64
import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from core.errors import Unavailable

VISA = "4242424242424242"
MASTERCARD = "5555555555554444"
DISPUTED = "4000000000000259"
REFUND_FAILS = "4000000000005126"
DECLINED = "4000000000000002"
INSUFFICIENT_FUNDS = "4000000000009995"
EXPIRED_CARD = "4000000000000069"
ASKS_FOR_3DS = "4000002760003184"

TIMEOUT_SECONDS = 20
STARTS_WITHIN_SECONDS = 20.0
PAGE = 100
OURS = "tableside_demonstration"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class NoSandbox(Unavailable):
    code = "no_sandbox"
    title = "The demonstration's bookings are paid at the sandbox alone, which does not answer here."


class Sandbox:
    """The sandbox that the settings name. Made by `open_up`."""

    def __init__(self, base: str) -> None:
        self._base = base

    def pay(self, intent_id: str, *, client_secret: str, number: str, name: str) -> bool:
        """Enter a card into the Payment Element; False when it is declined."""
        fields = {"client_secret": client_secret, **_flat(_card(number, name=name), "payment_method_data")}
        return self._post(
            f"/v1/payment_intents/{intent_id}/confirm", fields, key=settings.STRIPE_PUBLISHABLE_KEY
        )

    def pay_hosted(self, session_id: str, *, number: str, name: str) -> bool:
        """Enter a card on the hosted Checkout page, by what that page itself calls; False when it is declined."""
        return self._control(f"checkout/{session_id}/pay", {"payment_method_data": _card(number, name=name)})

    def charge_in_dashboard(
        self, *, amount_minor: int, key: str, customer_id: str = "", metadata: Mapping[str, str] | None = None
    ) -> None:
        """Take a payment by hand in the dashboard, without the product; the same `key` again takes no second one."""
        fields = {
            "amount": str(amount_minor),
            "currency": "usd",
            "confirm": "true",
            "payment_method": "pm_card_visa",
            "description": "Taken by hand in the dashboard",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            **_flat(metadata or {}, "metadata"),
            **({"customer": customer_id} if customer_id else {}),
        }
        self._post("/v1/payment_intents", fields, key=settings.STRIPE_SECRET_KEY, idempotency_key=key)

    def raise_amount(self, intent_id: str, *, amount_minor: int) -> None:
        """Change what an open payment asks for, in the dashboard."""
        fields = {"amount": str(amount_minor)}
        self._post(f"/v1/payment_intents/{intent_id}", fields, key=settings.STRIPE_SECRET_KEY)

    @contextlib.contextmanager
    def losing_the_answer(self, *, path: str, retries: int) -> Iterator[None]:
        """The next post to this path is done, at the last of its tries, and no answer to any of them arrives."""
        lost = [
            {"kind": "hangup_after", "count": 1},
            *([{"kind": "hangup_before", "count": retries}] * bool(retries)),
        ]
        ids = []
        try:
            for fault in lost:
                wanted = {"target": "request", "method": "POST", "path": path, **fault}
                ids.append(self._ask("/_sandbox/faults", body=json.dumps(wanted).encode())["id"])
            yield
        finally:
            for ordered in ids:
                with contextlib.suppress(urllib.error.HTTPError):  # used up and gone
                    self._ask(f"/_sandbox/faults/{ordered}", method="DELETE")

    def dispute_of(self, intent_id: str) -> dict[str, Any] | None:
        """The dispute of what this intent paid, if its bank has opened one."""
        query = urlencode({"payment_intent": intent_id})
        found: list[dict[str, Any]] = self._ask(f"/v1/disputes?{query}", key=settings.STRIPE_SECRET_KEY)[
            "data"
        ]
        return found[0] if found else None

    def decide(self, dispute_id: str, *, outcome: str) -> None:
        """The bank decides: "won" or "lost" """
        self._control(f"disputes/{dispute_id}/decide", {"outcome": outcome})

    def refund_in_dashboard(self, charge_id: str, *, amount_minor: int) -> None:
        """Refund by hand in the dashboard, without the product."""
        self._control(f"charges/{charge_id}/refund", {"amount": amount_minor})

    def pay_out(self) -> bool:
        """Stripe's own payout of all that is available; False when that is nothing."""
        try:
            self._control("payouts", {"currency": "usd"})
        except urllib.error.HTTPError as answer:
            if answer.code != 400:
                raise
            return False
        return True

    def put_clock_to(self, moment: datetime | None) -> None:
        """The sandbox's clock to a moment, real time for None. What falls due on the way has happened then."""
        self._control("clock", {"to": moment.timestamp() if moment else None})

    @contextlib.contextmanager
    def without_webhooks(self) -> Iterator[None]:
        """No webhook is sent meanwhile: whoever asks for this reads the events from Stripe's list.

        A killed run leaves the endpoint disabled; the next run, or the next start of the sandbox, enables it again.
        """
        listed = self._ask("/v1/webhook_endpoints?limit=100", key=settings.STRIPE_SECRET_KEY)["data"]
        mine = [one["id"] for one in listed if one["status"] == "enabled" or OURS in one["metadata"]]
        try:
            for id in mine:
                self._set_endpoint(id, disabled=True)
            yield
        finally:
            for id in mine:
                self._set_endpoint(id, disabled=False)

    def _set_endpoint(self, id: str, *, disabled: bool) -> None:
        fields = {"disabled": "true" if disabled else "false", f"metadata[{OURS}]": "1" if disabled else ""}
        self._post(f"/v1/webhook_endpoints/{id}", fields, key=settings.STRIPE_SECRET_KEY)

    def events(self) -> Iterator[list[dict[str, Any]]]:
        """Every event that Stripe lists, page by page, newest first."""
        page = self._events({})
        yield page["data"]
        while page["has_more"]:
            page = self._events({"starting_after": page["data"][-1]["id"]})
            yield page["data"]

    def events_after(self, newest_known: str) -> Iterator[list[dict[str, Any]]]:
        """The events newer than one, page by page, oldest first."""
        while page := self._events({"ending_before": newest_known})["data"]:
            newest_known = page[0]["id"]
            yield page[::-1]

    def _events(self, cursor: Mapping[str, str]) -> dict[str, Any]:
        query = urlencode({"limit": PAGE, **cursor})
        found: dict[str, Any] = self._ask(f"/v1/events?{query}", key=settings.STRIPE_SECRET_KEY)
        return found

    def _post(self, path: str, fields: Mapping[str, str], *, key: str, idempotency_key: str = "") -> bool:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        try:
            self._ask(path, body=urlencode(fields).encode(), key=key, headers=headers)
        except urllib.error.HTTPError as answer:
            if answer.code != 402:
                raise
            return False
        return True

    def _control(self, path: str, body: Mapping[str, Any]) -> bool:
        """False when a card was declined."""
        try:
            self._ask(f"/_sandbox/{path}", body=json.dumps(body).encode())
        except urllib.error.HTTPError as answer:
            if answer.code != 402:
                raise
            return False
        return True

    def _ask(
        self,
        path: str,
        *,
        body: bytes | None = None,
        key: str = "",
        method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        request = urllib.request.Request(  # noqa: S310 - `open_up` made sure of scheme and host
            f"{self._base}{path}", data=body, method=method or ("POST" if body else "GET")
        )
        if key:
            request.add_header("Authorization", f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}")
        elif body:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return json.load(answer)


def open_up() -> Sandbox:
    """The sandbox; NoSandbox when the settings name anything else, or when it does not answer."""
    base = settings.STRIPE_API_BASE
    address = urlsplit(base)
    if not settings.DEVELOPMENT or address.scheme != "http" or address.hostname not in LOOPBACK:
        raise NoSandbox("The demonstration's bookings are paid at the sandbox alone, and this is not it.")
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{base}/_sandbox/health", timeout=TIMEOUT_SECONDS):  # noqa: S310
                return Sandbox(base)
        except OSError as error:
            if time.monotonic() > deadline:
                raise NoSandbox(
                    "The sandbox does not answer: run ./script/server, then this once more."
                ) from error
            time.sleep(0.1)


def _card(number: str, *, name: str) -> dict[str, Any]:
    return {
        "type": "card",
        "card": {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"},
        "billing_details": {"name": name, "email": "guest@example.com", "address": {"postal_code": "94110"}},
    }


def _flat(tree: Mapping[str, Any], name: str) -> dict[str, str]:
    """Stripe's form fields: {"card": {"cvc": …}} -> {"name[card][cvc]": …}."""
    fields: dict[str, str] = {}
    for key, value in tree.items():
        inner = f"{name}[{key}]"
        fields.update(_flat(value, inner) if isinstance(value, Mapping) else {inner: str(value)})
    return fields
