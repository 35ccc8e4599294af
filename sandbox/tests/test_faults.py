"""Faults that the control API orders, as a client meets them; and the control API itself."""

import json
import time
import urllib.error
from typing import Any

import pytest
import stripe

from sandbox.tests.support import DEPOSIT, SECRET_KEY, Emulator, Receiver

PATH = "/v1/payment_intents"


def impatient(emulator: Emulator) -> Any:
    client = stripe.StripeClient(
        SECRET_KEY,
        base_addresses={"api": emulator.url},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=0.3),
    )
    return client.v1.payment_intents


@pytest.mark.parametrize(("kind", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_timeout_comes_before_or_after_the_effect(emulator: Emulator, kind: str, made: int) -> None:
    emulator.fault(kind, method="POST", path=PATH)
    with pytest.raises(stripe.APIConnectionError):
        impatient(emulator).create(DEPOSIT, {"idempotency_key": "k"})
    assert len(emulator.v1.payment_intents.list().data) == made
    intent = emulator.v1.payment_intents.create(DEPOSIT, {"idempotency_key": "k"})
    assert [one.id for one in emulator.v1.payment_intents.list().data] == [intent.id]


@pytest.mark.parametrize(("kind", "made"), [("hangup_before", 0), ("hangup_after", 1)])
def test_the_connection_breaks_before_or_after_the_effect(emulator: Emulator, kind: str, made: int) -> None:
    emulator.fault(kind, path=PATH)
    with pytest.raises(stripe.APIConnectionError):
        emulator.v1.payment_intents.create(DEPOSIT)
    assert len(emulator.v1.payment_intents.list().data) == made
    logged = emulator.control("requests?method=POST")["requests"][0]
    assert (logged["fault"], logged["status"]) == (kind, 0)


@pytest.mark.parametrize(("kind", "code"), [("rate_limit", "rate_limit"), ("lock_timeout", "lock_timeout")])
def test_429_is_told_and_has_no_effect(emulator: Emulator, kind: str, code: str) -> None:
    emulator.fault(kind, path=f"{PATH}*", count=2)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError) as refusal:
            emulator.v1.payment_intents.create(DEPOSIT, {"idempotency_key": "k"})
        assert isinstance(refusal.value.json_body, dict)
        assert refusal.value.json_body["error"]["code"] == code
    assert (
        emulator.v1.payment_intents.create(DEPOSIT, {"idempotency_key": "k"}).status
        == "requires_payment_method"
    )
    assert len(emulator.v1.payment_intents.list().data) == 1


def test_stripes_client_retries_a_lock_timeout_by_itself(emulator: Emulator) -> None:
    emulator.fault("lock_timeout", path=PATH)
    client = stripe.StripeClient(SECRET_KEY, base_addresses={"api": emulator.url}, max_network_retries=1)
    assert client.v1.payment_intents.create({"amount": 500, "currency": "usd"}).amount == 500


def test_a_fault_hits_only_what_it_matches_and_only_as_often_as_ordered(emulator: Emulator) -> None:
    emulator.fault("error_500_before", method="POST", path="/v1/refunds")
    assert emulator.pay().status == "succeeded"
    emulator.fault("error_500_before", path="/v1/customers", count=-1)
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            emulator.v1.customers.list()
    faults = emulator.control("faults")["faults"]
    assert [fault["path"] for fault in faults] == ["/v1/refunds", "/v1/customers"]
    emulator.control(f"faults/{faults[1]['id']}", method="DELETE")
    assert emulator.v1.customers.list().data == []
    emulator.control("faults", method="DELETE")
    assert emulator.control("faults")["faults"] == []


def test_latency_is_added_to_every_call(emulator: Emulator) -> None:
    emulator.control("tuning", {"latency_ms": 80})
    started = time.monotonic()
    emulator.v1.customers.list()
    assert time.monotonic() - started >= 0.08


@pytest.mark.parametrize(
    ("path", "sent", "told"),
    [
        ("faults", {"kind": "flood"}, "timeout_before"),
        ("faults", {"kind": "drop", "target": "webhook", "colour": "red"}, "colour"),
        ("clock", {"advance": -1}, "below 0"),
        ("clock", {}, "number of seconds"),
        ("tuning", {"speed": 1}, "balance_transaction_delay"),
        ("webhook_endpoint", {"url": "ftp://x"}, "http://"),
    ],
)
def test_the_control_api_says_what_it_cannot_do(emulator: Emulator, path: str, sent: Any, told: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        emulator.control(path, sent)
    assert refusal.value.code == 400
    assert told in json.load(refusal.value)["error"]["message"]


def test_reset_forgets_everything_but_the_endpoint_and_the_account(
    emulator: Emulator, receiver: Receiver
) -> None:
    account = emulator.v1.accounts.retrieve_current().id
    emulator.fault("error_500_before", count=-1, path="/v1/nothing")
    emulator.control("clock", {"advance": 1000})
    emulator.pay()
    emulator.control("reset", {})
    assert emulator.v1.events.list().data == []
    assert emulator.control("faults")["faults"] == []
    assert emulator.control("clock")["offset"] == 0
    assert emulator.balance()["total"] == 0
    assert [endpoint.url for endpoint in emulator.v1.webhook_endpoints.list().data] == [receiver.url]
    assert emulator.v1.accounts.retrieve_current().id == account
