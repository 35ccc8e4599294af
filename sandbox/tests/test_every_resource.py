"""Every route that the sandbox claims, called with Stripe's typed client: a route without a call fails the test.

Each call must reach its own route and come back as Stripe's class; with a parameter that Stripe does not know it must
be refused in Stripe's words and leave nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe
from stripe._object_classes import OBJECT_CLASSES

from sandbox import routes
from sandbox.process import SandboxProcess
from sandbox.tests.every_resource_calls import CALLS, Shop
from sandbox.tests.support import SECRET_KEY, Emulator

# What Stripe refuses for every refund by card: `requires_action` is other methods' business.
ALWAYS_REFUSED = {"POST /refunds/{id}/cancel"}


@pytest.fixture(scope="module")
def shop(_process: SandboxProcess) -> Iterator[Shop]:
    emulator = Emulator(_process.url)
    emulator.control("reset", {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe, "api_base", emulator.url)
        patch.setattr(stripe, "api_key", SECRET_KEY)
        filled = Shop(emulator)
        assert all((filled.customer, filled.charge, filled.refund, filled.product))
        emulator.pay(payment_method="pm_card_bypassPending", amount=5_000_000)  # for payouts and chargebacks
        yield filled


def spec_of(route: routes.Route) -> str:
    return f"{route.method} {route.path.removeprefix('/v1')}"


def test_every_route_is_called() -> None:
    assert {spec_of(route) for route in routes.ROUTES} == set(CALLS)


@pytest.mark.parametrize("spec", CALLS)
def test_the_typed_call_is_understood_and_an_unknown_parameter_is_refused(shop: Shop, spec: str) -> None:
    call = CALLS[spec](shop)
    before = newest_event(shop)
    with pytest.raises(stripe.InvalidRequestError, match="Received unknown parameter: surprise") as refusal:
        call({"surprise": "!"})
    assert (refusal.value.http_status, refusal.value.code) == (400, "parameter_unknown")
    assert refusal.value.param == "surprise"
    assert newest_event(shop) == before
    if spec in ALWAYS_REFUSED:
        with pytest.raises(stripe.InvalidRequestError, match="cannot be canceled"):
            call({})
    else:
        answer = call({})
        assert isinstance(answer, stripe.StripeObject)
        assert type(answer) is not stripe.StripeObject, "stripe-python has a class for it"
        assert answer["object"] in OBJECT_CLASSES or answer["object"] == "list"
    assert route_called(shop) == spec


def newest_event(shop: Shop) -> list[str]:
    return [event["id"] for event in shop.emulator.control("objects?type=event&limit=1")["data"]]


def route_called(shop: Shop) -> str:
    entry = shop.emulator.control("requests?limit=1")["requests"][0]
    found = routes.match(method=entry["method"], path=entry["path"])
    assert found
    return spec_of(found[0])
