"""Disputes: opened by test cards or by hand, answered with evidence, won, lost or closed.

A chargeback takes the amount and a fee out of the balance at once; winning brings both back. An inquiry moves no
money. `uncategorized_text` decides a test dispute: winning_evidence, losing_evidence, escalate_inquiry_evidence.
"""

from __future__ import annotations

from typing import Any

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.objects import balance
from sandbox.selection import Selection
from sandbox.store import Object, private, public

KIND = "dispute"
FEE_MINOR = 1500
DAY = 24 * 3600
ANSWER_WITHIN_SECONDS, INQUIRY_ENDS_AFTER_SECONDS = 9 * DAY, 120 * DAY
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "product_unacceptable": "13.3"} | {
    "credit_not_processed": "13.6", "duplicate": "12.6", "subscription_canceled": "13.2", "general": "13.5",
}  # fmt: skip
FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
WAITING = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
INQUIRIES = ("warning_needs_response", "warning_under_review")
UNDECIDED = (*WAITING, *WAITING.values())
DECIDING = {"winning_evidence": "won", "losing_evidence": "lost", "escalate_inquiry_evidence": "escalated"}


def open_for(call: Call, *, charge: Object, reason: str, inquiry: bool = False) -> Object:
    """What the card holder's bank does: disputes all that is left of a captured charge."""
    if reason not in REASON_CODES:
        raise errors.StripeError(
            f"Invalid reason: must be one of {', '.join(sorted(REASON_CODES))}", param="reason"
        )
    amount = charge["amount"] - charge["amount_refunded"]
    if not charge["captured"] or not amount or charge["disputed"]:
        raise errors.StripeError(
            f"Charge {charge['id']} cannot be disputed: it was never captured, is refunded, or was disputed already."
        )
    dispute = _build(call, charge=charge, amount=amount, reason=reason, inquiry=inquiry)
    charge["disputed"] = True
    call.save(charge)
    call.save(dispute)
    call.emit("charge.dispute.created", dispute)
    if inquiry:
        due = call.now + INQUIRY_ENDS_AFTER_SECONDS
        call.at(due=due, kind="inquiry_ends", object_id=dispute["id"])
    else:
        _withdraw(call, dispute)
    call.emit("charge.updated", charge)
    call.at(due=dispute["evidence_details"]["due_by"], kind="dispute_due", object_id=dispute["id"])
    return dispute


def _build(call: Call, *, charge: Object, amount: int, reason: str, inquiry: bool) -> Object:
    card = charge["payment_method_details"]["card"]
    code = REASON_CODES[reason]
    return {
        "id": ids.new(KIND),
        "object": KIND,
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys((*TEXTS, *FILES)) | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": call.now + ANSWER_WITHIN_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": card["network"],
                "network_reason_code": code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _withdraw(call: Call, dispute: Object) -> None:
    _move(call, dispute, sign=-1, words="Chargeback withdrawal", category="dispute")
    dispute["is_charge_refundable"] = False
    call.save(dispute)
    call.emit("charge.dispute.funds_withdrawn", dispute)


def _move(call: Call, dispute: Object, *, sign: int, words: str, category: str) -> None:
    transaction = balance.post(
        call,
        type="adjustment",
        source=dispute["id"],
        amount=sign * dispute["amount"],
        currency=dispute["currency"],
        fee=-sign * FEE_MINOR,
        fee_description="Dispute fee" if sign < 0 else "Dispute fee refund",
        category=category,
        description=f"{words} for {dispute['charge']}",
    )
    dispute["balance_transactions"].append(public(transaction))


def update(call: Call) -> Object:
    dispute = call.find(kind=KIND, id=call.ids["id"])
    evidence = call.params.get("evidence") or {}
    if evidence:
        _refuse_decided(dispute)
        _refuse_unmodelled(evidence)
        dispute["evidence"] |= {name: value or None for name, value in evidence.items()}
        dispute["evidence_details"]["has_evidence"] = any(dispute["evidence"][name] for name in TEXTS)
    dispute["metadata"] = metadata.merged(current=dispute["metadata"], sent=call.params.get("metadata"))
    if evidence and call.params.get("submit", True):
        _submit(call, dispute)
    call.save(dispute)
    call.emit("charge.dispute.updated", dispute)
    return dispute


def _refuse_decided(dispute: Object) -> None:
    if dispute["status"] not in UNDECIDED:
        raise errors.StripeError(
            f"This dispute ({dispute['id']}) is already closed with a status of {dispute['status']}.",
            code="dispute_already_closed",
        )
    if dispute["evidence_details"]["submission_count"]:
        raise errors.StripeError("Evidence for this dispute was submitted already; it cannot be changed.")


def _refuse_unmodelled(evidence: dict[str, Any]) -> None:
    for name in set(evidence) - set(TEXTS):
        raise errors.not_modelled(f"files and enhanced evidence (evidence[{name}])")


def _submit(call: Call, dispute: Object) -> None:
    dispute["status"] = WAITING[dispute["status"]]
    dispute["evidence_details"]["submission_count"] += 1
    outcome = DECIDING.get(dispute["evidence"]["uncategorized_text"] or "")
    if outcome:
        private(dispute)["outcome"] = outcome
        due = call.world.clock.now() + call.world.tuning.dispute_decision_delay
        call.at(due=due, kind="dispute_decided", object_id=dispute["id"])


def close(call: Call) -> Object:
    """The merchant gives in."""
    dispute = call.find(kind=KIND, id=call.ids["id"])
    if dispute["status"] not in WAITING:
        raise errors.StripeError(
            f"This dispute ({dispute['id']}) cannot be closed: it has a status of {dispute['status']}.",
            code="dispute_already_closed",
        )
    return decide(call, dispute=dispute, outcome="lost")


def decide(call: Call, *, dispute: Object, outcome: str) -> Object:
    """The bank's word: won, lost, or an inquiry escalated to a chargeback. An inquiry just ends."""
    if outcome not in DECIDING.values():
        raise errors.StripeError("Invalid outcome: must be one of won, lost, escalated", param="outcome")
    if dispute["status"] not in UNDECIDED:
        raise errors.StripeError(f"This dispute ({dispute['id']}) is decided: {dispute['status']}.")
    inquiry = dispute["status"] in INQUIRIES
    if outcome == "escalated":
        return _escalate(call, dispute, inquiry=inquiry)
    if outcome == "won" and not inquiry:
        _move(call, dispute, sign=1, words="Chargeback reversal", category="dispute_reversal")
    dispute["status"] = "warning_closed" if inquiry else outcome
    call.save(dispute)
    if outcome == "won" and not inquiry:
        call.emit("charge.dispute.funds_reinstated", dispute)
    call.emit("charge.dispute.closed", dispute)
    return dispute


def _escalate(call: Call, dispute: Object, *, inquiry: bool) -> Object:
    if not inquiry:
        raise errors.StripeError("Only an inquiry can be escalated.", param="outcome")
    dispute["status"] = "needs_response"
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["evidence_details"] |= {"due_by": call.now + ANSWER_WITHIN_SECONDS, "submission_count": 0}
    call.at(due=dispute["evidence_details"]["due_by"], kind="dispute_due", object_id=dispute["id"])
    _withdraw(call, dispute)
    call.emit("charge.dispute.updated", dispute)
    return dispute


def decided(call: Call, *, id: str) -> None:
    """The evidence that decides by itself was read."""
    dispute = call.find(kind=KIND, id=id)
    outcome = private(dispute)["outcome"]
    if outcome == "escalated" and dispute["status"] not in INQUIRIES:
        return
    if dispute["status"] in WAITING.values():
        decide(call, dispute=dispute, outcome=outcome)


def fall_due(call: Call, *, id: str) -> None:
    """Nobody answered in time: a chargeback is lost, an inquiry can no longer be answered."""
    dispute = call.find(kind=KIND, id=id)
    if dispute["evidence_details"]["due_by"] > call.now or dispute["status"] not in WAITING:
        return
    dispute["evidence_details"]["past_due"] = True
    if dispute["status"] == "needs_response":
        decide(call, dispute=dispute, outcome="lost")
        return
    call.save(dispute)
    call.emit("charge.dispute.updated", dispute)


def end_inquiry(call: Call, *, id: str) -> None:
    """An inquiry that never became a chargeback is over."""
    dispute = call.find(kind=KIND, id=id)
    if dispute["status"] in INQUIRIES:
        decide(call, dispute=dispute, outcome="lost")


def refunded(call: Call, *, charge: Object) -> None:
    """A refund of all that was charged ends an inquiry: the bank has nothing left to ask back."""
    if not charge["refunded"]:
        return
    for dispute in call.world.store.select(Selection(type=KIND, matching={"charge": [charge["id"]]})):
        if dispute["status"] in INQUIRIES:
            decide(call, dispute=dispute, outcome="lost")


def charged_back(call: Call, *, charge: Object) -> bool:
    """Whether the money of a charge is with the bank: then it cannot be refunded."""
    found = call.world.store.select(Selection(type=KIND, matching={"charge": [charge["id"]]}))
    return any(not dispute["is_charge_refundable"] and dispute["status"] != "won" for dispute in found)


def retrieve(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def page(call: Call) -> Object:
    matching = listing.matching(call, "charge", "payment_intent")
    return listing.page(call, type=KIND, url="/v1/disputes", matching=matching)
