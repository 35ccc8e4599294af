"""Deliveries: signed, repeated until answered with 2xx, and troubled on demand."""

import json
from collections import Counter
from typing import Any

from sandbox.tests.support import Emulator, Receiver, eventually

PAYMENT = ["charge.succeeded", "charge.updated", "payment_intent.created", "payment_intent.succeeded"]


def newest(emulator: Emulator) -> Any:
    return emulator.control("deliveries")["deliveries"][0]


def test_every_event_arrives_once_with_a_signature_stripe_accepts(
    emulator: Emulator, receiver: Receiver
) -> None:
    emulator.pay()
    emulator.delivered()
    assert sorted(receiver.types()) == PAYMENT
    event = emulator.v1.events.retrieve(receiver.deliveries[0].id)
    arrived = json.loads(receiver.deliveries[0].body)
    assert event.data.object.to_dict() == arrived["data"]["object"]
    assert (arrived["api_version"], arrived["pending_webhooks"]) == ("2026-08-26.dahlia", 1)
    assert event.pending_webhooks == 0


def test_an_answer_other_than_2xx_is_retried_with_the_same_event(
    emulator: Emulator, receiver: Receiver
) -> None:
    receiver.answers = [500]
    emulator.v1.customers.create()
    emulator.delivered()
    first, second = receiver.deliveries
    assert first.body == second.body
    assert second.at - first.at > 0.9
    logged = emulator.control(f"deliveries?event={first.id}")["deliveries"]
    assert [(one["state"], one["attempts"], one["response"]) for one in logged] == [("delivered", 2, 200)]


def test_retries_wait_ever_longer_and_follow_the_sandbox_clock_while_signatures_are_in_real_time(
    emulator: Emulator, receiver: Receiver
) -> None:
    receiver.answers = [500] * 4
    emulator.v1.customers.create()
    advanced = 0
    for attempts, pause in enumerate((1, 2, 4, 8), start=1):
        eventually(lambda attempts=attempts: newest(emulator)["attempts"] == attempts)  # type: ignore[misc]
        refused_at = receiver.deliveries[-1].at + advanced
        assert pause <= newest(emulator)["due"] - refused_at < pause + 1
        emulator.control("clock", {"advance": pause})
        advanced += pause
    emulator.delivered()
    signed = int(receiver.deliveries[-1].signature.split(",")[0].removeprefix("t="))
    assert 0 <= receiver.deliveries[-1].at - signed < 5


def test_after_three_days_of_refusals_stripe_gives_up(emulator: Emulator, receiver: Receiver) -> None:
    receiver.answers = [500] * 100
    emulator.v1.customers.create()
    eventually(lambda: len(receiver.deliveries) == 1)
    emulator.control("clock", {"advance": 3 * 24 * 3600})
    eventually(lambda: newest(emulator)["state"] == "failed")
    assert len(receiver.deliveries) == 2


def test_an_endpoint_that_is_down_gets_its_events_when_it_is_back(
    emulator: Emulator, receiver: Receiver
) -> None:
    emulator.control("webhook_endpoint", {"url": "http://127.0.0.1:9/nobody"})
    emulator.v1.customers.create()
    eventually(lambda: newest(emulator)["attempts"] == 1)
    assert "no answer" in newest(emulator)["problem"]
    emulator.control("webhook_endpoint", {"url": receiver.url})
    emulator.delivered()
    assert receiver.types() == ["customer.created"]


def test_a_duplicate_fault_delivers_twice(emulator: Emulator, receiver: Receiver) -> None:
    emulator.fault("duplicate", target="webhook", event_type="payment_intent.succeeded")
    emulator.pay()
    emulator.delivered()
    assert Counter(receiver.types())["payment_intent.succeeded"] == 2
    assert len(receiver.deliveries) == 5


def test_a_reorder_fault_delivers_the_last_first(emulator: Emulator, receiver: Receiver) -> None:
    emulator.fault("reorder", target="webhook", count=4, window=4)
    emulator.pay()
    emulator.delivered()
    assert receiver.types() == [
        "charge.updated",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]


def test_a_dropped_event_never_arrives_but_can_be_listed_and_sent_again(
    emulator: Emulator, receiver: Receiver
) -> None:
    emulator.fault("drop", target="webhook", event_type="charge.*", count=-1)
    emulator.pay()
    emulator.delivered()
    assert sorted(receiver.types()) == ["payment_intent.created", "payment_intent.succeeded"]
    lost = emulator.v1.events.list({"type": "charge.succeeded"}).data[0]
    emulator.control(f"events/{lost.id}/redeliver", {})
    emulator.delivered()
    assert receiver.types()[-1] == "charge.succeeded"


def test_a_delay_fault_holds_an_event_back_on_the_sandbox_clock(
    emulator: Emulator, receiver: Receiver
) -> None:
    emulator.fault("delay", target="webhook", event_type="charge.succeeded", seconds=3600)
    emulator.pay()
    eventually(lambda: emulator.control("webhooks")["outstanding"] == 1)
    assert len(receiver.deliveries) == 3
    emulator.control("clock", {"advance": 3600})
    emulator.delivered()
    assert receiver.types()[-1] == "charge.succeeded"


def test_paused_deliveries_wait(emulator: Emulator, receiver: Receiver) -> None:
    emulator.control("webhooks", {"paused": True})
    emulator.pay()
    assert emulator.control("webhooks")["outstanding"] == 4
    assert receiver.deliveries == []
    emulator.control("webhooks", {"paused": False})
    emulator.delivered()
    assert sorted(receiver.types()) == PAYMENT


def test_an_endpoint_gets_only_what_it_asked_for(emulator: Emulator, receiver: Receiver) -> None:
    configured = emulator.v1.webhook_endpoints.list().data[0]
    emulator.v1.webhook_endpoints.update(configured.id, {"enabled_events": ["charge.succeeded"]})
    emulator.pay()
    emulator.delivered()
    assert receiver.types() == ["charge.succeeded"]
    assert {event.type: event.pending_webhooks for event in emulator.v1.events.list().data} == dict.fromkeys(
        PAYMENT, 0
    )
