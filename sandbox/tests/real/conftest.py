"""Where the conversations are held: in the sandbox, or with SANDBOX_AGAINST=stripe in a Stripe test account.

Stripe is spoken to only when that is asked for in as many words and a test key is given; a live key is refused.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import stripe

from sandbox.config import API_VERSION
from sandbox.schema.catalog import Catalog, load
from sandbox.tests.support import Emulator

Found = TypeVar("Found")
AGAINST = os.environ.get("SANDBOX_AGAINST", "sandbox")
KEY = os.environ.get("SANDBOX_STRIPE_KEY", "")  # script/test takes it from STRIPE_SECRET_KEY
MARK = {"made_by": "tableside sandbox conversations"}
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Partner:
    """Whom the tests talk to. `later` lets time pass: the sandbox's clock, or everybody's."""

    v1: Any
    catalog: Catalog
    later: Callable[[], None]

    def pay(self, **params: Any) -> Any:
        """A confirmed intent over 108.00 dollars, with 4242… unless said otherwise."""
        wanted = {
            "amount": 10800,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": MARK,
        }
        return self.checked(self.v1.payment_intents.create(wanted | params))

    def checked(self, answer: Any) -> Any:
        """The answer, after a look whether it has the shape that the sandbox holds all its own answers to."""
        self.catalog.confirm(json.loads(answer.last_response.body))
        return answer

    def until(self, look: Callable[[], Found], *, what: str) -> Found:
        """What comes by and by; fails when it does not."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()):
            assert time.monotonic() < deadline, f"{what} did not happen"
            self.later()
        return found

    def event_types(self, *, about: str) -> set[str]:
        """Of the newest events, those about an object, or about what belongs to it."""
        newest = self.v1.events.list({"limit": 100}).data
        return {event.type for event in newest if about in _names(event.data.object)}


def _names(body: Any) -> set[Any]:
    """An object's id, and the ids of what it belongs to."""
    return {
        body[field] for field in ("id", "payment_intent", "charge", "customer", "invoice") if field in body
    }


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return load(tmp_path_factory.mktemp("schema"))


@pytest.fixture
def partner(request: pytest.FixtureRequest, catalog: Catalog) -> Iterator[Partner]:
    if AGAINST != "stripe":
        emulator: Emulator = request.getfixturevalue("emulator")
        yield Partner(emulator.v1, catalog, lambda: emulator.control("clock", {"advance": 6}))
        return
    if not KEY.startswith("sk_test_") or "sandbox" in KEY:
        pytest.fail("SANDBOX_AGAINST=stripe needs STRIPE_SECRET_KEY=sk_test_… of a Stripe test account")
    opened: Callable[[str], AbstractContextManager[None]] = request.getfixturevalue("network_open_to")
    client = stripe.StripeClient(KEY, stripe_version=API_VERSION, max_network_retries=2)
    with opened("api.stripe.com"):
        yield Partner(client.v1, catalog, lambda: time.sleep(2))
