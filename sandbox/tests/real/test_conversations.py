"""What the product relies on, said once and asked of the sandbox in every run, of Stripe when somebody wishes.

Nothing here steers the sandbox: only Stripe's API, its test tokens and time. A sentence that Stripe answers differently
is a defect of the sandbox. See docs/decisions/0063.
"""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.tests.real.conftest import MARK, Partner

DECLINES = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", "processing_error"),
}
NO_REDIRECTS = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
LINE = {
    "price_data": {"currency": "usd", "unit_amount": 5400, "product_data": {"name": "Deposit"}},
    "quantity": 2,
}


def refused(call: Any, *arguments: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        call(*arguments)
    return refusal.value


def test_a_card_pays_and_the_fee_comes_with_the_balance_transaction(partner: Partner) -> None:
    intent = partner.pay(statement_descriptor_suffix="JULY", expand=["latest_charge"])
    assert (intent.status, intent.amount_received, intent.latest_charge.paid) == ("succeeded", 10800, True)
    charge = intent.latest_charge.id

    def settled() -> Any:
        shown = partner.v1.charges.retrieve(charge, {"expand": ["balance_transaction"]})
        return shown.balance_transaction

    transaction = partner.until(settled, what="the balance transaction")
    assert (transaction.type, transaction.amount, transaction.source) == ("charge", 10800, charge)
    assert transaction.net == transaction.amount - transaction.fee
    told = {"payment_intent.created", "payment_intent.succeeded", "charge.succeeded"}
    partner.until(lambda: told <= partner.event_types(about=intent.id), what="the events of a payment")


def test_a_declined_card_is_told_with_its_reason_and_another_one_pays(partner: Partner) -> None:
    for token, reason in DECLINES.items():
        with pytest.raises(stripe.CardError) as refusal:
            partner.pay(payment_method=token)
        error = refusal.value.error
        assert error is not None
        assert error.payment_intent is not None
        assert (refusal.value.http_status, error.code, error.decline_code) == (402, *reason)
        left = partner.checked(partner.v1.payment_intents.retrieve(error.payment_intent.id))
        assert (left.status, left.payment_method) == ("requires_payment_method", None)
        assert left.last_payment_error.decline_code == reason[1]
    paid = partner.v1.payment_intents.confirm(left.id, {"payment_method": "pm_card_mastercard"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)


def test_authentication_is_asked_for_or_the_card_refused_when_nobody_is_there(partner: Partner) -> None:
    back = {"return_url": "https://shop.test/return"}
    waiting = partner.pay(payment_method="pm_card_authenticationRequired", **back)
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "redirect_to_url")
    assert waiting.next_action.redirect_to_url.return_url == back["return_url"]
    canceled = partner.v1.payment_intents.cancel(waiting.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason, canceled.next_action) == (
        "canceled",
        "abandoned",
        None,
    )
    late = refused(partner.v1.payment_intents.confirm, waiting.id, {"payment_method": "pm_card_visa"})
    assert late.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.CardError) as refusal:
        partner.pay(payment_method="pm_card_authenticationRequired", off_session=True)
    assert refusal.value.code == "authentication_required"


def test_an_authorisation_is_captured_in_part_once_or_given_back(partner: Partner) -> None:
    held = partner.pay(capture_method="manual", expand=["latest_charge"])
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 10800, 0)
    assert (held.latest_charge.captured, held.latest_charge.balance_transaction) == (False, None)
    many = refused(partner.v1.payment_intents.capture, held.id, {"amount_to_capture": 10801})
    assert many.code == "amount_too_large"
    taken = partner.v1.payment_intents.capture(
        held.id, {"amount_to_capture": 8000, "expand": ["latest_charge"]}
    )
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 8000, 0)
    assert (taken.latest_charge.amount_captured, taken.latest_charge.amount_refunded) == (8000, 2800)
    twice = refused(partner.v1.payment_intents.capture, held.id)
    assert twice.code == "payment_intent_unexpected_state"
    other = partner.pay(capture_method="manual")
    assert partner.v1.payment_intents.cancel(other.id).status == "canceled"
    released = partner.checked(partner.v1.charges.retrieve(other.latest_charge))
    assert (released.captured, released.refunded, released.amount_refunded) == (False, True, 10800)


def test_a_refund_in_part_then_the_rest_and_never_more(partner: Partner) -> None:
    intent = partner.pay(capture_method="automatic")
    part = partner.checked(
        partner.v1.refunds.create({"payment_intent": intent.id, "amount": 800, "metadata": MARK})
    )
    assert (part.status, part.amount, part.charge) == ("succeeded", 800, intent.latest_charge)
    assert (
        refused(partner.v1.refunds.create, {"payment_intent": intent.id, "amount": 10001}).param == "amount"
    )
    rest = partner.v1.refunds.create({"charge": intent.latest_charge, "expand": ["balance_transaction"]})
    assert (rest.amount, rest.balance_transaction.amount, rest.balance_transaction.fee) == (10000, -10000, 0)
    assert (
        refused(partner.v1.refunds.create, {"charge": intent.latest_charge}).code == "charge_already_refunded"
    )
    charge = partner.v1.charges.retrieve(intent.latest_charge)
    assert (charge.refunded, charge.amount_refunded, charge.status) == (True, 10800, "succeeded")
    assert "refunds" not in charge, "they are not embedded"
    told = {"charge.refunded", "refund.created"}
    partner.until(
        lambda: told <= partner.event_types(about=intent.latest_charge), what="the events of a refund"
    )


def test_some_refunds_are_pending_and_some_fail_later(partner: Partner) -> None:
    slow = partner.v1.refunds.create(
        {"payment_intent": partner.pay(payment_method="pm_card_pendingRefund").id}
    )
    assert slow.status == "pending"
    paid = partner.pay(payment_method="pm_card_refundFail")
    lost = partner.v1.refunds.create({"payment_intent": paid.id})
    assert lost.status == "succeeded"

    def ends(id: str, *, status: str) -> None:
        partner.until(lambda: partner.v1.refunds.retrieve(id).status == status, what=f"the refund {status}")

    ends(slow.id, status="succeeded")
    ends(lost.id, status="failed")
    failed = partner.checked(partner.v1.refunds.retrieve(lost.id))
    assert failed.failure_balance_transaction
    assert failed.failure_reason
    partner.until(
        lambda: partner.v1.charges.retrieve(paid.latest_charge).amount_refunded == 0, what="the return"
    )


def test_a_dispute_takes_money_and_fee_and_winning_brings_them_back(partner: Partner) -> None:
    intent = partner.pay(payment_method="pm_card_createDispute")

    def opened() -> Any:
        return partner.v1.disputes.list({"payment_intent": intent.id}).data

    dispute = partner.until(opened, what="the dispute")[0]
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 10800)
    assert dispute.is_charge_refundable is False
    withdrawn = dispute.balance_transactions[0]
    assert (withdrawn.amount, withdrawn.net) == (-10800, -10800 - withdrawn.fee)
    assert withdrawn.fee > 0
    assert refused(partner.v1.refunds.create, {"payment_intent": intent.id}).code == "charge_disputed"
    evidence = {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    assert partner.checked(partner.v1.disputes.update(dispute.id, evidence)).status in ("under_review", "won")
    partner.until(lambda: partner.v1.disputes.retrieve(dispute.id).status == "won", what="winning")
    back = partner.v1.disputes.retrieve(dispute.id).balance_transactions
    assert sum(transaction.amount for transaction in back) == 0


def test_a_suspicion_of_fraud_is_told_and_refunding_ends_it(partner: Partner) -> None:
    intent = partner.pay(payment_method="pm_card_createIssuerFraudRecord")
    warnings = partner.v1.radar.early_fraud_warnings
    warning = partner.until(lambda: warnings.list({"charge": intent.latest_charge}).data, what="the warning")[
        0
    ]
    assert (warning.actionable, warning.charge) == (True, intent.latest_charge)
    partner.v1.refunds.create({"charge": intent.latest_charge})
    partner.until(lambda: not warnings.retrieve(warning.id).actionable, what="the end of it")


def test_a_key_brings_the_same_answer_again_and_refuses_other_parameters(partner: Partner) -> None:
    wanted: dict[str, Any] = {"amount": 5000, "currency": "usd", "metadata": MARK}
    first = partner.v1.payment_intents.create(wanted)
    key = {"idempotency_key": f"conversation-{first.id}"}
    one = partner.v1.payment_intents.create(wanted, key)
    again = partner.v1.payment_intents.create(wanted, key)
    assert (one.id, one.last_response.body) == (again.id, again.last_response.body)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        partner.v1.payment_intents.create({**wanted, "amount": 5001}, key)


def test_a_session_is_open_until_it_is_expired_once(partner: Partner) -> None:
    wanted = {
        "mode": "payment",
        "line_items": [LINE],
        "success_url": "https://shop.test/return",
        "metadata": MARK,
    }
    session = partner.checked(partner.v1.checkout.sessions.create(wanted))
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 10800)
    assert session.payment_intent is None
    assert session.url
    items = partner.v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.quantity, item.amount_total, item.description) for item in items] == [(2, 10800, "Deposit")]
    expired = partner.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert "status" in str(refused(partner.v1.checkout.sessions.expire, session.id))
    soon = refused(partner.v1.checkout.sessions.create, {**wanted, "expires_at": session.created + 60})
    assert soon.param == "expires_at"
    partner.until(
        lambda: "checkout.session.expired" in partner.event_types(about=session.id), what="the event of it"
    )


def test_a_card_is_kept_used_without_its_owner_and_let_go(partner: Partner) -> None:
    customer = partner.checked(partner.v1.customers.create({"email": "guest@example.com", "metadata": MARK}))
    kept = partner.checked(
        partner.v1.setup_intents.create(
            {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECTS}
        )
    )
    assert (kept.status, kept.usage) == ("succeeded", "off_session")
    saved = partner.v1.customers.payment_methods.list(customer.id).data
    assert [(method.id, method.card.last4) for method in saved] == [(kept.payment_method, "4242")]
    paid = partner.pay(customer=customer.id, payment_method=kept.payment_method, off_session=True)
    assert paid.status == "succeeded"
    assert partner.v1.payment_methods.detach(kept.payment_method).customer is None
    again = refused(lambda: partner.pay(payment_method=kept.payment_method))
    assert "may not be used again" in str(again)
    assert partner.v1.customers.delete(customer.id).deleted
    assert partner.v1.customers.retrieve(customer.id).deleted


def test_an_invoice_is_finalized_paid_and_cannot_be_voided_then(partner: Partner) -> None:
    customer = partner.v1.customers.create({"email": "guest@example.com", "metadata": MARK})
    sent = {"collection_method": "send_invoice", "days_until_due": 7, "metadata": MARK}
    draft = partner.v1.invoices.create({"customer": customer.id, **sent})
    partner.v1.invoices.add_lines(draft.id, {"lines": [{"description": "Dinner", "amount": 10800}]})
    final = partner.checked(partner.v1.invoices.finalize_invoice(draft.id))
    assert (final.status, final.amount_due, final.amount_remaining) == ("open", 10800, 10800)
    assert final.hosted_invoice_url
    assert final.number
    paid = partner.v1.invoices.pay(draft.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    refused(partner.v1.invoices.void_invoice, draft.id)
    refused(partner.v1.invoices.delete, draft.id)


def test_what_is_missing_or_unknown_is_refused_in_the_same_words(partner: Partner) -> None:
    absent = refused(partner.v1.payment_intents.retrieve, "pi_absent")
    assert (absent.http_status, absent.code) == (404, "resource_missing")
    unknown = refused(partner.v1.customers.create, {"colour": "red"})
    assert (unknown.code, unknown.param) == ("parameter_unknown", "colour")
    assert "Received unknown parameter: colour" in str(unknown)
    small = refused(partner.v1.payment_intents.create, {"amount": 49, "currency": "usd"})
    assert (small.code, small.param) == ("amount_too_small", "amount")
    assert refused(partner.v1.payment_intents.create, {"currency": "usd"}).code == "parameter_missing"
    assert refused(partner.v1.payment_intents.list, {"limit": 101}).param == "limit"
