"""Idempotency keys, as Stripe treats them."""

import threading
from typing import Any

import pytest
import stripe

from sandbox.tests.support import DEPOSIT, NO_REDIRECTS, Emulator

PATH = "/v1/payment_intents"
KEY = {"Idempotency-Key": "payment-17-1"}


def test_the_first_answer_is_replayed_and_nothing_happens_twice(emulator: Emulator) -> None:
    first = emulator.raw(PATH, form=DEPOSIT, **KEY)
    second = emulator.raw(PATH, form=DEPOSIT, **KEY)
    assert second.body == first.body
    headers = {name.lower(): value for name, value in second.headers.items()}
    assert headers["idempotent-replayed"] == "true"
    assert headers["original-request"] != headers["request-id"]
    assert len(emulator.v1.payment_intents.list().data) == 1
    assert emulator.v1.events.list().data[0]["request"]["idempotency_key"] == "payment-17-1"
    assert emulator.control("requests?path=payment_intents&method=POST")["requests"][0]["replayed"] is True


def test_a_decline_is_replayed_too(emulator: Emulator) -> None:
    params = {**DEPOSIT, **NO_REDIRECTS, "payment_method": "pm_card_chargeDeclined", "confirm": True}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            emulator.v1.payment_intents.create(params, {"idempotency_key": "k"})
    assert len(emulator.v1.charges.list().data) == 1


@pytest.mark.parametrize("kind", ["error_500_before", "error_500_after"])
def test_a_stored_500_is_replayed_and_a_new_key_gets_through(emulator: Emulator, kind: str) -> None:
    emulator.fault(kind, path=PATH)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            emulator.v1.payment_intents.create(DEPOSIT, {"idempotency_key": "first"})
        assert failure.value.http_status == 500
    made = len(emulator.v1.payment_intents.list().data)
    assert made == (1 if kind == "error_500_after" else 0)
    emulator.v1.payment_intents.create(DEPOSIT, {"idempotency_key": "second"})
    assert len(emulator.v1.payment_intents.list().data) == made + 1


def test_other_parameters_or_another_endpoint_under_one_key_are_refused(emulator: Emulator) -> None:
    emulator.raw(PATH, form=DEPOSIT, **KEY)
    for path, form in ((PATH, {**DEPOSIT, "amount": 500}), ("/v1/customers", DEPOSIT)):
        answer = emulator.raw(path, form=form, **KEY)
        assert (answer.status, answer.body["error"]["type"]) == (400, "idempotency_error")
        assert "can only be used" in answer.body["error"]["message"]


def test_a_key_in_use_is_a_conflict(emulator: Emulator) -> None:
    emulator.fault("delay", path=PATH, seconds=1.0)
    answers: list[Any] = []
    slow = threading.Thread(target=lambda: answers.append(emulator.raw(PATH, form=DEPOSIT, **KEY)))
    slow.start()
    while not emulator.control("requests?path=payment_intents")["requests"]:
        pass
    conflict = emulator.raw(PATH, form=DEPOSIT, **KEY)
    slow.join()
    assert (conflict.status, conflict.body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answers[0].status == 200
    assert emulator.raw(PATH, form=DEPOSIT, **KEY).body == answers[0].body


def test_refused_parameters_are_not_kept(emulator: Emulator) -> None:
    assert emulator.raw(PATH, form={"amount": "many"}, **KEY).status == 400
    assert emulator.raw(PATH, form=DEPOSIT, **KEY).status == 200


def test_a_key_is_forgotten_after_a_day(emulator: Emulator) -> None:
    first = emulator.raw(PATH, form=DEPOSIT, **KEY)
    emulator.control("clock", {"advance": 24 * 3600 + 1})
    assert emulator.raw(PATH, form=DEPOSIT, **KEY).body["id"] != first.body["id"]
