"""Payouts: Stripe's own and the merchant's, on their way, arrived, failed and canceled."""

from typing import Any

import pytest
import stripe

from sandbox.tests.support import Emulator

DAY = 24 * 3600
NET = 10457


def _own_payout(emulator: Emulator) -> Any:
    return emulator.control("payouts", {})


def test_stripes_own_payout_takes_all_that_is_available_with_its_transactions(emulator: Emulator) -> None:
    paid = emulator.pay(payment_method="pm_card_bypassPending")
    emulator.v1.refunds.create({"payment_intent": paid.id, "amount": 800})
    emulator.pay()
    payout = _own_payout(emulator)
    assert (payout["amount"], payout["automatic"], payout["status"]) == (NET - 800, True, "pending")
    balance = emulator.balance()
    assert (balance["available"], balance["pending"]) == (0, NET)
    taken = emulator.v1.balance_transactions.list({"payout": payout["id"]}).data
    assert [one.type for one in taken] == ["payout", "refund", "charge"]
    assert sum(one.net for one in taken if one.type != "payout") == payout["amount"]
    assert (taken[0].amount, taken[0].fee, taken[0].source) == (-payout["amount"], 0, payout["id"])
    assert emulator.event_types()[-2:] == ["payout.created", "payout.reconciliation_completed"]
    assert emulator.v1.payouts.retrieve(payout["id"]).reconciliation_status == "completed"
    with pytest.raises(OSError, match="400"):
        _own_payout(emulator)


def test_a_payout_is_on_its_way_and_arrives_by_the_clock(emulator: Emulator) -> None:
    emulator.pay(payment_method="pm_card_bypassPending")
    payout = _own_payout(emulator)
    emulator.control("clock", {"advance": 3601})
    assert emulator.v1.payouts.retrieve(payout["id"]).status == "in_transit"
    emulator.control("clock", {"advance": 2 * DAY})
    arrived = emulator.v1.payouts.retrieve(payout["id"])
    assert (arrived.status, arrived.trace_id.status) == ("paid", "supported")
    assert emulator.event_types()[-2:] == ["payout.updated", "payout.paid"]


def test_a_payout_that_fails_after_it_was_paid_brings_the_money_back_once(emulator: Emulator) -> None:
    emulator.pay(payment_method="pm_card_bypassPending")
    payout = _own_payout(emulator)
    assert emulator.control(f"payouts/{payout['id']}/arrive", {})["status"] == "paid"
    assert emulator.balance()["total"] == 0
    failed = emulator.control(f"payouts/{payout['id']}/fail", {"failure_code": "account_closed"})
    assert (failed["status"], failed["failure_code"]) == ("failed", "account_closed")
    shown = emulator.v1.payouts.retrieve(payout["id"], {"expand": ["failure_balance_transaction"]})
    assert shown.failure_balance_transaction.type == "payout_failure"
    assert emulator.event_types()[-1] == "payout.failed"
    with pytest.raises(OSError, match="400"):
        emulator.control(f"payouts/{payout['id']}/fail", {})
    assert emulator.balance()["available"] == NET
    assert _own_payout(emulator)["amount"] == NET


def test_the_merchants_own_payout_is_canceled_while_it_is_pending_only(emulator: Emulator) -> None:
    emulator.pay(payment_method="pm_card_bypassPending")
    wanted = {"amount": 5000, "currency": "usd", "metadata": {"week": "18"}}
    payout = emulator.v1.payouts.create(wanted)
    assert (payout.automatic, payout.reconciliation_status, payout.metadata["week"]) == (
        False,
        "not_applicable",
        "18",
    )
    assert emulator.balance()["available"] == NET - 5000
    assert emulator.v1.payouts.cancel(payout.id).status == "canceled"
    assert emulator.event_types()[-1] == "payout.canceled"
    assert emulator.balance()["available"] == NET
    late = emulator.v1.payouts.create(wanted)
    emulator.control("clock", {"advance": 3601})
    with pytest.raises(stripe.InvalidRequestError, match="in_transit"):
        emulator.v1.payouts.cancel(late.id)


def test_no_more_is_paid_out_than_is_available(emulator: Emulator) -> None:
    emulator.pay()
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.payouts.create({"amount": 5000, "currency": "usd"})
    assert refusal.value.code == "balance_insufficient"
    assert emulator.v1.payouts.list().data == []


def test_payouts_are_listed_by_status(emulator: Emulator) -> None:
    emulator.pay(payment_method="pm_card_bypassPending")
    first = emulator.v1.payouts.create({"amount": 1000, "currency": "usd"})
    second = emulator.v1.payouts.create({"amount": 2000, "currency": "usd"})
    emulator.control(f"payouts/{first.id}/arrive", {})
    assert [one.id for one in emulator.v1.payouts.list({"status": "paid"}).data] == [first.id]
    assert [one.id for one in emulator.v1.payouts.list({"status": "pending"}).data] == [second.id]
    assert emulator.v1.payouts.update(second.id, {"metadata": {"seen": "yes"}}).metadata["seen"] == "yes"
