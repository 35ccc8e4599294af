"""Checkout Sessions: the API by Stripe's client, the hosted page by the routes it uses."""

import time
from typing import Any

import pytest
import stripe

from sandbox.tests.support import LINE, Emulator


def test_a_session_is_paid_on_the_hosted_page(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create({"email": "guest@example.com"})
    session = emulator.session(
        customer=customer.id,
        client_reference_id="B-17",
        metadata={"session": "1"},
        payment_intent_data={
            "metadata": {"payment": "17"},
            "description": "Deposit",
            "receipt_email": "g@example.com",
        },
    )
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.url) == (10800, f"{emulator.url}/c/pay/{session.id}")
    page = emulator.control(f"checkout/{session.id}")
    assert (page["session"]["id"], page["line_items"][0]["description"]) == (session.id, "Deposit")
    answer = emulator.pay_session(session.id)
    assert answer == {"status": "complete", "redirect": f"http://shop.test/return?session={session.id}"}
    paid = emulator.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["line_items", "payment_intent.latest_charge"]}
    )
    intent = paid.payment_intent
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (intent.metadata["payment"], intent.latest_charge.metadata["payment"]) == ("17", "17")
    assert (intent.customer, intent.amount_received) == (customer.id, 10800)
    assert paid.customer_details.name == "A Guest"
    assert paid.line_items.data[0].price.unit_amount == 5400
    assert emulator.event_types()[1:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]


def test_a_second_payment_of_a_paid_session_charges_nothing(emulator: Emulator) -> None:
    session = emulator.session()
    emulator.pay_session(session.id)
    assert emulator.pay_session(session.id)["status"] == "complete"
    assert len(emulator.v1.charges.list().data) == 1


def test_a_decline_leaves_the_session_open_and_its_intent_is_used_again(emulator: Emulator) -> None:
    session = emulator.session()
    declined = emulator.pay_session(session.id, number="4000000000009995")
    assert (declined["status"], declined["error"]["decline_code"]) == ("declined", "insufficient_funds")
    first = emulator.v1.checkout.sessions.retrieve(session.id)
    assert first.status == "open"
    emulator.pay_session(session.id)
    assert emulator.v1.checkout.sessions.retrieve(session.id).payment_intent == first.payment_intent


@pytest.mark.parametrize(("outcome", "status"), [("pass", "complete"), ("fail", "declined")])
def test_3ds_on_the_hosted_page(emulator: Emulator, outcome: str, status: str) -> None:
    session = emulator.session()
    waiting = emulator.pay_session(session.id, number="4000002760003184")
    assert waiting["status"] == "requires_action"
    intent = emulator.v1.payment_intents.retrieve(
        emulator.v1.checkout.sessions.retrieve(session.id).payment_intent
    )
    assert waiting["next_action"]["url"].startswith(f"{emulator.url}/3ds/{intent.id}")
    emulator.challenge(intent, outcome=outcome)
    assert emulator.control(f"checkout/{session.id}/after_3ds", {})["status"] == status
    assert ("checkout.session.completed" in emulator.event_types()) is (outcome == "pass")


def test_an_expired_session_cannot_be_paid_or_expired_again(emulator: Emulator) -> None:
    session = emulator.session()
    emulator.pay_session(session.id, number="4000000000000002")
    expired = emulator.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert emulator.v1.payment_intents.retrieve(expired.payment_intent).status == "canceled"
    assert emulator.pay_session(session.id) == {"status": "expired", "redirect": None}
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        emulator.v1.checkout.sessions.expire(session.id)
    assert emulator.event_types()[-1] == "checkout.session.expired"


def test_a_session_expires_by_the_sandbox_clock(emulator: Emulator) -> None:
    session = emulator.session(expires_at=int(time.time()) + 1800)
    emulator.control("clock", {"advance": 1801})
    assert emulator.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert emulator.event_types() == ["checkout.session.expired"]


def test_the_intent_of_a_session_is_not_cancelled_behind_its_back(emulator: Emulator) -> None:
    session = emulator.session()
    emulator.pay_session(session.id, number="4000000000000002")
    intent = emulator.v1.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
        emulator.v1.payment_intents.cancel(intent)


def test_a_customer_is_made_when_asked_for(emulator: Emulator) -> None:
    session = emulator.session(customer_creation="always", customer_email="new@example.com")
    assert emulator.pay_session(session.id)["status"] == "complete"
    paid = emulator.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert paid.customer.email == "new@example.com"


def test_manual_capture_completes_the_session_unpaid(emulator: Emulator) -> None:
    session = emulator.session(payment_intent_data={"capture_method": "manual"})
    emulator.pay_session(session.id)
    held = emulator.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (held.status, held.payment_status, held.payment_intent.status) == (
        "complete",
        "unpaid",
        "requires_capture",
    )


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"expires_at": 1}, "expires_at"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"price": "price_absent", "quantity": 1}]}, "line_items[0][price]"),
        ({"line_items": [{**LINE, "quantity": 0}]}, "line_items[0][quantity]"),
        ({"customer": "cus_absent"}, "customer"),
        ({"ui_mode": "hosted"}, "ui_mode"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_a_session_stripe_would_refuse_is_refused(
    emulator: Emulator, params: dict[str, Any], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.session(**params)
    assert refusal.value.param == param
    assert emulator.v1.checkout.sessions.list().data == []


def test_what_the_sandbox_does_not_model_is_refused_in_words(emulator: Emulator) -> None:
    for params in (
        {"mode": "subscription"},
        {"automatic_tax": {"enabled": True}},
        {"consent_collection": {"promotions": "auto"}},
    ):
        with pytest.raises(stripe.InvalidRequestError, match="does not model"):
            emulator.session(**params)


def test_sessions_are_listed_by_customer_status_and_intent(emulator: Emulator) -> None:
    customer = emulator.v1.customers.create()
    mine, other = emulator.session(customer=customer.id), emulator.session()
    emulator.pay_session(mine.id)
    sessions = emulator.v1.checkout.sessions
    intent = sessions.retrieve(mine.id).payment_intent
    assert [one.id for one in sessions.list({"customer": customer.id}).data] == [mine.id]
    assert [one.id for one in sessions.list({"payment_intent": intent}).data] == [mine.id]
    assert [one.id for one in sessions.list({"status": "open"}).data] == [other.id]
    assert sessions.line_items.list(mine.id).data[0].amount_total == 10800
