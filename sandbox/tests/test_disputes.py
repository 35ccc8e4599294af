"""Disputes and early fraud warnings, and the money they move."""

from typing import Any

import pytest
import stripe

from sandbox.tests.support import Emulator

DAY = 24 * 3600
PAID = 10800 - 343


def _disputed(emulator: Emulator, token: str = "pm_card_createDispute", **params: Any) -> Any:
    """The dispute that the card brings, a second after it paid."""
    intent = emulator.pay(payment_method=token, **params)
    emulator.control("clock", {"advance": 2})
    return emulator.v1.disputes.list({"payment_intent": intent.id}).data[0]


def _answer(emulator: Emulator, dispute: Any, text: str) -> Any:
    answered = emulator.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    emulator.control("clock", {"advance": 2})
    return answered


def test_card_0259_is_disputed_and_the_amount_and_the_fee_leave_the_balance(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    assert (dispute.amount, dispute.reason, dispute.status) == (10800, "fraudulent", "needs_response")
    [withdrawn] = dispute.balance_transactions
    assert (withdrawn.type, withdrawn.amount, withdrawn.fee, withdrawn.net) == (
        "adjustment",
        -10800,
        1500,
        -12300,
    )
    assert (withdrawn.reporting_category, withdrawn.source) == ("dispute", dispute.id)
    assert emulator.balance()["total"] == PAID - 12300
    assert emulator.v1.charges.retrieve(dispute.charge).disputed
    assert emulator.event_types()[-3:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.updated",
    ]


def test_winning_evidence_brings_amount_and_fee_back(emulator: Emulator) -> None:
    dispute = _disputed(emulator, "pm_card_createDisputeProductNotReceived")
    assert dispute.reason == "product_not_received"
    answered = _answer(emulator, dispute, "winning_evidence")
    assert (answered.status, answered.evidence_details.submission_count) == ("under_review", 1)
    won = emulator.v1.disputes.retrieve(dispute.id)
    assert won.status == "won"
    assert [(one.amount, one.fee, one.reporting_category) for one in won.balance_transactions] == [
        (-10800, 1500, "dispute"),
        (10800, -1500, "dispute_reversal"),
    ]
    assert emulator.balance()["total"] == PAID
    assert emulator.event_types()[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
    ]


def test_losing_evidence_loses_and_no_more_can_be_said(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    _answer(emulator, dispute, "losing_evidence")
    assert emulator.v1.disputes.retrieve(dispute.id).status == "lost"
    assert emulator.balance()["total"] == PAID - 12300
    assert emulator.event_types()[-1] == "charge.dispute.closed"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        emulator.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "wait"}})
    with pytest.raises(stripe.InvalidRequestError):
        emulator.v1.disputes.close(dispute.id)


def test_evidence_may_be_gathered_before_it_is_submitted_and_once_only(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    evidence = {"customer_name": "A Guest", "service_date": "2026-05-01"}
    staged = emulator.v1.disputes.update(dispute.id, {"evidence": evidence, "submit": False})
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert (staged.evidence.customer_name, staged.evidence_details.submission_count) == ("A Guest", 0)
    submitted = _answer(emulator, dispute, "Here is our contract.")
    assert (submitted.status, submitted.evidence.customer_name) == ("under_review", "A Guest")
    assert emulator.v1.disputes.retrieve(dispute.id).status == "under_review"
    with pytest.raises(stripe.InvalidRequestError, match="submitted already"):
        emulator.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Another"}})
    decided = emulator.control(f"disputes/{dispute.id}/decide", {"outcome": "won"})
    assert (decided["status"], emulator.balance()["total"]) == ("won", PAID)


def test_a_closed_dispute_is_lost_at_once(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    assert emulator.v1.disputes.close(dispute.id).status == "lost"
    assert emulator.event_types()[-1] == "charge.dispute.closed"


def test_an_unanswered_dispute_is_lost_when_its_time_is_up(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    emulator.control("clock", {"advance": 9 * DAY})
    lost = emulator.v1.disputes.retrieve(dispute.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)


def test_an_inquiry_moves_no_money_and_ends_by_itself(emulator: Emulator) -> None:
    dispute = _disputed(emulator, "pm_card_createDisputeInquiry")
    assert (dispute.status, dispute.payment_method_details.card.case_type) == (
        "warning_needs_response",
        "inquiry",
    )
    assert (dispute.balance_transactions, dispute.is_charge_refundable) == ([], True)
    assert "charge.dispute.funds_withdrawn" not in emulator.event_types()
    emulator.control("clock", {"advance": 121 * DAY})
    assert emulator.v1.disputes.retrieve(dispute.id).status == "warning_closed"
    assert emulator.balance()["total"] == PAID


def test_an_inquiry_that_escalates_becomes_a_chargeback(emulator: Emulator) -> None:
    dispute = _disputed(emulator, "pm_card_createDisputeInquiry")
    answered = _answer(emulator, dispute, "escalate_inquiry_evidence")
    assert answered.status == "warning_under_review"
    escalated = emulator.v1.disputes.retrieve(dispute.id)
    assert (escalated.status, len(escalated.balance_transactions)) == ("needs_response", 1)
    assert emulator.balance()["total"] == PAID - 12300
    _answer(emulator, dispute, "winning_evidence")
    assert emulator.v1.disputes.retrieve(dispute.id).status == "won"
    assert emulator.balance()["total"] == PAID


def test_what_was_charged_back_cannot_be_refunded_but_an_inquiry_can(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        emulator.v1.refunds.create({"charge": dispute.charge})
    assert refusal.value.code == "charge_disputed"
    inquiry = _disputed(emulator, "pm_card_createDisputeInquiry")
    assert emulator.v1.refunds.create({"charge": inquiry.charge, "amount": 800}).status == "succeeded"
    assert emulator.v1.disputes.retrieve(inquiry.id).status == "warning_needs_response"
    assert emulator.v1.refunds.create({"charge": inquiry.charge}).status == "succeeded"
    assert emulator.v1.disputes.retrieve(inquiry.id).status == "warning_closed"
    assert emulator.event_types()[-1] == "charge.dispute.closed"


def test_any_charge_is_disputed_by_hand_once_for_what_is_left_of_it(emulator: Emulator) -> None:
    intent = emulator.pay()
    emulator.v1.refunds.create({"payment_intent": intent.id, "amount": 800})
    path = f"charges/{intent.latest_charge}/dispute"
    opened = emulator.control(path, {"reason": "product_unacceptable"})
    assert (opened["amount"], opened["reason"]) == (10000, "product_unacceptable")
    with pytest.raises(OSError, match="400"):
        emulator.control(path, {})
    found = emulator.v1.disputes.list({"charge": intent.latest_charge, "expand": ["data.charge"]})
    assert [one.charge.id for one in found.data] == [intent.latest_charge]


def test_a_manual_capture_brings_the_dispute_after_the_capture_only(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_createDispute", capture_method="manual")
    emulator.control("clock", {"advance": 60})
    assert emulator.v1.disputes.list().data == []
    emulator.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5000})
    emulator.control("clock", {"advance": 2})
    assert [one.amount for one in emulator.v1.disputes.list().data] == [5000]


def test_files_as_evidence_are_refused_in_words(emulator: Emulator) -> None:
    dispute = _disputed(emulator)
    with pytest.raises(stripe.InvalidRequestError, match="does not model files"):
        emulator.v1.disputes.update(dispute.id, {"evidence": {"receipt": "file_1"}})
    assert emulator.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_card_5423_brings_an_early_fraud_warning_until_it_is_refunded(emulator: Emulator) -> None:
    intent = emulator.pay(payment_method="pm_card_createIssuerFraudRecord")
    emulator.control("clock", {"advance": 2})
    [warning] = emulator.v1.radar.early_fraud_warnings.list({"payment_intent": intent.id}).data
    assert (warning.charge, warning.actionable) == (intent.latest_charge, True)
    assert emulator.event_types()[-1] == "radar.early_fraud_warning.created"
    assert emulator.balance()["total"] == PAID
    emulator.v1.refunds.create({"payment_intent": intent.id})
    assert not emulator.v1.radar.early_fraud_warnings.retrieve(warning.id).actionable
