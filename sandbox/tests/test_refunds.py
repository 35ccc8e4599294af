"""Refunds, and the balance under them."""

import pytest
import stripe

from sandbox.tests.support import DEPOSIT, Emulator


def test_partial_refunds_add_up_to_the_charge_and_no_further(emulator: Emulator) -> None:
    intent = emulator.pay()
    first = emulator.v1.refunds.create({"payment_intent": intent.id, "amount": 800, "metadata": {"r": "1"}})
    assert (first.status, first.metadata["r"]) == ("succeeded", "1")
    transaction = emulator.v1.balance_transactions.retrieve(first.balance_transaction)
    assert (transaction.type, transaction.amount, transaction.fee, transaction.net) == (
        "refund",
        -800,
        0,
        -800,
    )
    with pytest.raises(
        stripe.InvalidRequestError, match=r"\$108\.00.*unrefunded amount on charge \(\$100\.00\)"
    ):
        emulator.v1.refunds.create({"payment_intent": intent.id, "amount": 10800})
    rest = emulator.v1.refunds.create({"charge": intent.latest_charge, "reason": "requested_by_customer"})
    assert rest.amount == 10000
    charge = emulator.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded) == (True, 10800)
    assert [refund.id for refund in charge.refunds.data] == [rest.id, first.id]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.refunds.create({"payment_intent": intent.id})
    assert refusal.value.code == "charge_already_refunded"
    assert emulator.balance()["total"] == -343


def test_a_refund_tells_of_charge_and_refund_and_later_of_the_banks_reference(emulator: Emulator) -> None:
    intent = emulator.pay()
    refund = emulator.v1.refunds.create({"payment_intent": intent.id})
    assert emulator.event_types()[4:] == ["charge.refunded", "refund.created"]
    emulator.control("clock", {"advance": 6})
    assert emulator.event_types()[6:] == ["refund.updated", "charge.refund.updated"]
    details = emulator.v1.refunds.retrieve(refund.id).destination_details.card
    assert (details.reference_status, details.type) == ("available", "refund")


def test_card_7726_refunds_pending_first_and_succeeds_later(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_pendingRefund")
    refund = emulator.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    emulator.control("clock", {"advance": 11})
    assert emulator.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert "refund.updated" in emulator.event_types()


def test_card_5126_refunds_and_fails_later_and_the_money_is_back(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_refundFail")
    before = emulator.balance()["total"]
    refund = emulator.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    assert (refund.status, emulator.balance()["total"]) == ("succeeded", before - 1000)
    emulator.control("clock", {"advance": 11})
    failed = emulator.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_balance_transaction.type) == ("failed", "refund_failure")
    assert emulator.balance()["total"] == before
    assert emulator.v1.charges.retrieve(intent.latest_charge).amount_refunded == 0
    assert emulator.event_types()[-1] == "refund.failed"


def test_money_taken_and_given_back_in_the_dashboard_carries_no_metadata(emulator: Emulator) -> None:
    intent = emulator.control("charges", {"amount": 5000, "currency": "usd"})
    assert (intent["status"], intent["metadata"]) == ("succeeded", {})
    emulator.control(f"charges/{intent['latest_charge']}/refund", {"amount": 1000})
    [refund] = emulator.v1.refunds.list({"charge": intent["latest_charge"]}).data
    assert (refund.amount, refund.metadata.to_dict()) == (1000, {})
    assert emulator.balance()["total"] == 5000 - 175 - 1000
    with pytest.raises(OSError, match="400"):
        emulator.control("charges", {"amount": "12.50"})


def test_what_was_never_captured_cannot_be_refunded(emulator: Emulator) -> None:
    unpaid = emulator.v1.payment_intents.create(DEPOSIT)
    held = emulator.pay(capture_method="manual")
    for params in (
        {"payment_intent": unpaid.id},
        {"payment_intent": held.id},
        {"charge": held.latest_charge},
        {},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            emulator.v1.refunds.create(params)
    assert emulator.v1.refunds.list().data == []


def test_money_becomes_available_as_the_clock_goes_on_and_at_once_with_card_0077(emulator: Emulator) -> None:
    emulator.pay()
    emulator.pay(payment_method="pm_card_bypassPending")
    assert (emulator.balance()["pending"], emulator.balance()["available"]) == (10457, 10457)
    emulator.control("clock", {"advance": 2 * 24 * 3600})
    balance = emulator.v1.balance.retrieve()
    assert [(entry.amount, entry.currency) for entry in balance.available] == [(20914, "usd")]
    assert {one.status for one in emulator.v1.balance_transactions.list().data} == {"available"}


def test_refunds_are_listed_by_charge_and_intent(emulator: Emulator) -> None:
    first, second = emulator.pay(), emulator.pay()
    wanted = emulator.v1.refunds.create({"payment_intent": first.id, "amount": 100})
    emulator.v1.refunds.create({"payment_intent": second.id, "amount": 100})
    assert [refund.id for refund in emulator.v1.refunds.list({"payment_intent": first.id}).data] == [
        wanted.id
    ]
    assert [refund.id for refund in emulator.v1.refunds.list({"charge": first.latest_charge}).data] == [
        wanted.id
    ]
    updated = emulator.v1.refunds.update(wanted.id, {"metadata": {"note": "seen"}})
    assert updated.metadata["note"] == "seen"
