"""Charges: made by confirmation, captured or released through their intent; and their balance transactions."""

from __future__ import annotations

from typing import Any

from sandbox import cards, descriptors, ids, listing, metadata
from sandbox.call import Call
from sandbox.objects import balance, payment_methods
from sandbox.store import Object, private

AUTHORISATION_SECONDS = 7 * 24 * 3600
PAID_OUTCOME = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "seller_message": "Payment complete.",
    "type": "authorized",
}
RISK_SCORES = {"normal": 12, "elevated": 66, "highest": 92}


def _build(
    call: Call, *, intent: Object, method: Object, outcome: dict[str, Any], authenticated: bool
) -> Object:
    card = payment_methods.behaviour(method)
    return {
        "id": ids.new("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": descriptors.calculated(intent["statement_descriptor_suffix"]),
        "captured": False,
        "created": call.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": outcome | {"risk_level": card.risk, "risk_score": RISK_SCORES[card.risk]},
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": _details(method, intent, authenticated), "type": "card"},
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def _details(method: Object, intent: Object, authenticated: bool) -> dict[str, Any]:
    card, behaviour = method["card"], payment_methods.behaviour(method)
    address = method["billing_details"]["address"]
    return {
        "amount_authorized": intent["amount"],
        "authorization_code": ids.token(6).upper(),
        "brand": card["brand"],
        "checks": {
            "address_line1_check": behaviour.line1_check if address["line1"] else None,
            "address_postal_code_check": behaviour.postal_code_check if address["postal_code"] else None,
            "cvc_check": behaviour.cvc_check if private(method)["cvc_given"] else None,
        },
        "country": card["country"],
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": ids.token(15),
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": _three_d_secure() if authenticated else None,
        "wallet": None,
    }


def _three_d_secure() -> dict[str, Any]:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": ids.token(24),
        "version": "2.2.0",
    }


def succeed(call: Call, *, intent: Object, method: Object, captured: bool, authenticated: bool) -> Object:
    """A charge that the issuer approved; its balance transaction follows a moment later, or at once.

    Stripe captures asynchronously by default: only `capture_method=automatic` has it in the answer.
    """
    charge = _build(call, intent=intent, method=method, outcome=PAID_OUTCOME, authenticated=authenticated)
    charge["receipt_url"] = f"{call.base_url}/receipts/{charge['id']}"
    if captured:
        charge |= {"captured": True, "amount_captured": charge["amount"]}
    else:
        due = call.now + AUTHORISATION_SECONDS
        charge["payment_method_details"]["card"]["capture_before"] = due
        call.at(due=due, kind="authorisation_expires", object_id=intent["id"])
    if captured and intent["capture_method"] == "automatic":
        call.save(charge)
        _post(call, charge)
    call.save(charge)
    call.emit("charge.succeeded", charge)
    if captured and charge["balance_transaction"] is None:
        settle_soon(call, id=charge["id"])
    if captured:
        _foretell(call, charge)
    return charge


def _foretell(call: Call, charge: Object) -> None:
    """Some test cards bring a dispute or a fraud warning upon what they paid."""
    method = call.find(kind="payment_method", id=charge["payment_method"])
    if payment_methods.behaviour(method).aftermath != "none":
        due = call.world.clock.now() + call.world.tuning.dispute_delay
        call.at(due=due, kind="aftermath", object_id=charge["id"])


def fail(
    call: Call, *, intent: Object, method: Object, decline: cards.Decline, reason: str, authenticated: bool
) -> Object:
    blocked = payment_methods.behaviour(method).blocked
    outcome = {
        "advice_code": decline.advice,
        "network_advice_code": None,
        "network_decline_code": None if blocked else decline.network_reason,
        "network_status": "not_sent_to_network" if blocked else "declined_by_network",
        "reason": "highest_risk_level" if blocked else decline.decline_code or reason,
        "seller_message": (
            "Stripe blocked this payment as too risky."
            if blocked
            else "The bank did not return any further details with this decline."
        ),
        "type": "blocked" if blocked else "issuer_declined",
    }
    charge = _build(call, intent=intent, method=method, outcome=outcome, authenticated=authenticated)
    charge |= {
        "paid": False,
        "status": "failed",
        "failure_code": decline.code,
        "failure_message": decline.message,
    }
    call.save(charge)
    call.emit("charge.failed", charge)
    return charge


def settle_soon(call: Call, *, id: str) -> None:
    """Sets the charge's balance transaction after the answer, or later when the tuning says so."""
    delay = call.world.tuning.balance_transaction_delay
    if delay:
        call.at(due=call.world.clock.now() + delay, kind="balance_transaction", object_id=id)
    else:
        call.later(lambda after: settle(after, id=id))


def settle(call: Call, *, id: str) -> None:
    """Posts the charge's balance transaction and tells with `charge.updated`."""
    charge = call.find(kind="charge", id=id)
    if charge["balance_transaction"] is None and charge["captured"]:
        _post(call, charge)
        call.save(charge)
        call.emit("charge.updated", charge)


def _post(call: Call, charge: Object) -> None:
    method = call.find(kind="payment_method", id=charge["payment_method"])
    at_once = payment_methods.behaviour(method).available_at_once
    transaction = balance.post(
        call,
        type="charge",
        source=charge["id"],
        amount=charge["amount_captured"],
        currency=charge["currency"],
        fee=balance.fee_minor(charge["amount_captured"]),
        description=charge["description"],
        available_on=call.now if at_once else balance.settle_date(call),
    )
    charge["balance_transaction"] = transaction["id"]


def capture(call: Call, *, id: str, amount: int) -> Object:
    """Takes an authorised charge, in full or in part; the rest is released."""
    charge = call.find(kind="charge", id=id)
    charge |= {"captured": True, "amount_captured": amount, "amount_refunded": charge["amount"] - amount}
    _post(call, charge)
    call.save(charge)
    call.emit("charge.captured", charge)
    _foretell(call, charge)
    return charge


def release(call: Call, *, id: str, expired: bool) -> None:
    """Gives an authorisation back: no money moved, so no balance transaction."""
    charge = call.find(kind="charge", id=id)
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    call.save(charge)
    call.emit("charge.expired" if expired else "charge.refunded", charge)


def retrieve(call: Call) -> Object:
    return call.find(kind="charge", id=call.ids["id"])


def update(call: Call) -> Object:
    charge = call.find(kind="charge", id=call.ids["id"])
    for name in ("description", "receipt_email", "shipping", "transfer_group"):
        if name in call.params:
            charge[name] = call.params[name] or None
    charge["metadata"] = metadata.merged(current=charge["metadata"], sent=call.params.get("metadata"))
    call.save(charge)
    call.emit("charge.updated", charge)
    return charge


def page(call: Call) -> Object:
    return listing.page(
        call,
        type="charge",
        url="/v1/charges",
        matching=listing.matching(call, "customer", "payment_intent"),
    )
