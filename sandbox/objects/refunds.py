"""Refunds: the money leaves the balance at once; two test cards make it slow, or fail later."""

from __future__ import annotations

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import spoken
from sandbox.objects import balance, disputes, payment_methods
from sandbox.store import Object


def create(call: Call) -> Object:
    charge = _refundable_charge(call)
    amount = _amount(call, charge)
    refund = _build(call, charge=charge, amount=amount)
    outcome = payment_methods.behaviour(_method(call, charge)).refund
    if outcome == "pending_then_succeeds":
        refund |= {"status": "pending", "pending_reason": "processing"}
        due = call.world.clock.now() + call.world.tuning.pending_refund_delay
        call.at(due=due, kind="refund_succeeds", object_id=refund["id"])
    elif outcome == "succeeds_then_fails":
        due = call.world.clock.now() + call.world.tuning.refund_failure_delay
        call.at(due=due, kind="refund_fails", object_id=refund["id"])
    transaction = balance.post(
        call,
        type="refund",
        source=refund["id"],
        amount=-amount,
        currency=refund["currency"],
        description=f"REFUND FOR CHARGE ({charge['description']})"
        if charge["description"]
        else "REFUND FOR CHARGE",
        available_on=_available_on(call, charge),
    )
    refund["balance_transaction"] = transaction["id"]
    call.save(refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    call.save(charge)
    call.emit("charge.refunded", charge)
    call.emit("refund.created", refund)
    disputes.refunded(call, charge=charge)
    if outcome == "succeeds":
        due = call.world.clock.now() + call.world.tuning.refund_reference_delay
        call.at(due=due, kind="refund_reference", object_id=refund["id"])
    return refund


def _build(call: Call, *, charge: Object, amount: int) -> Object:
    return {
        "id": ids.new("refund"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": call.now,
        "currency": charge["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata.merged(current={}, sent=call.params.get("metadata")),
        "payment_intent": charge["payment_intent"],
        "reason": call.params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def _refundable_charge(call: Call) -> Object:
    if "payment_intent" in call.params:
        intent = call.find(kind="payment_intent", id=call.params["payment_intent"], param="payment_intent")
        if intent["latest_charge"] is None or intent["status"] != "succeeded":
            raise errors.StripeError(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="resource_missing" if intent["latest_charge"] is None else "charge_not_refundable",
                param="payment_intent",
            )
        charge = call.find(kind="charge", id=intent["latest_charge"])
        if call.params.get("charge", charge["id"]) != charge["id"]:
            raise errors.StripeError("The charge does not belong to the PaymentIntent.", param="charge")
    elif "charge" in call.params:
        charge = call.find(kind="charge", id=call.params["charge"], param="charge")
    else:
        raise errors.StripeError(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise errors.StripeError(
            f"Charge {charge['id']} cannot be refunded: it was never captured.",
            code="charge_not_refundable",
            param="charge",
        )
    if disputes.charged_back(call, charge=charge):
        raise errors.StripeError(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    return charge


def _amount(call: Call, charge: Object) -> int:
    """The amount sent, or all that is left."""
    left: int = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise errors.StripeError(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount: int = call.params.get("amount", left)
    if amount < 1:
        raise errors.StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    if amount > left:
        currency = charge["currency"]
        raise errors.StripeError(
            f"Refund amount ({spoken(amount, currency=currency)}) is greater than "
            f"{'unrefunded amount on charge' if charge['amount_refunded'] else 'charge amount'} "
            f"({spoken(left, currency=currency)})",
            param="amount",
        )
    return amount


def _method(call: Call, charge: Object) -> Object:
    return call.find(kind="payment_method", id=charge["payment_method"])


def _available_on(call: Call, charge: Object) -> int:
    """A refund of money that is still pending is taken from what is pending."""
    original = call.world.store.get(charge["balance_transaction"] or "")
    return max(call.now, original["available_on"]) if original else balance.settle_date(call)


def succeed(call: Call, *, id: str) -> None:
    """A pending refund reached the bank."""
    refund = call.find(kind="refund", id=id)
    if refund["status"] == "pending":
        refund.pop("pending_reason", None)
        refund["status"] = "succeeded"
        _give_reference(refund)
        _tell(call, refund)


def reference(call: Call, *, id: str) -> None:
    """The acquirer's reference arrived, some seconds after the refund."""
    refund = call.find(kind="refund", id=id)
    _give_reference(refund)
    _tell(call, refund)


def _give_reference(refund: Object) -> None:
    refund["destination_details"]["card"] |= {
        "reference": ids.token(23).upper(),
        "reference_status": "available",
    }


def _tell(call: Call, refund: Object) -> None:
    call.save(refund)
    call.emit("refund.updated", refund)
    call.emit("charge.refund.updated", refund)


def fail(call: Call, *, id: str) -> None:
    """The bank sent the money back: it returns to the balance, and the charge is refundable again."""
    refund = call.find(kind="refund", id=id)
    if refund["status"] not in ("pending", "succeeded"):
        return
    charge = call.find(kind="charge", id=refund["charge"])
    transaction = balance.post(
        call,
        type="refund_failure",
        source=refund["id"],
        amount=refund["amount"],
        currency=refund["currency"],
        description="REFUND FAILURE",
    )
    refund |= {
        "status": "failed",
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": transaction["id"],
    }
    refund.pop("pending_reason", None)
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    call.save(charge)
    _tell(call, refund)
    call.emit("refund.failed", refund)


def retrieve(call: Call) -> Object:
    refund = call.find(kind="refund", id=call.ids["id"])
    if "charge" in call.ids and refund["charge"] != call.ids["charge"]:
        raise errors.missing(kind="refund", id=call.ids["id"])
    return refund


def update(call: Call) -> Object:
    refund = call.find(kind="refund", id=call.ids["id"])
    refund["metadata"] = metadata.merged(current=refund["metadata"], sent=call.params.get("metadata"))
    _tell(call, refund)
    return refund


def cancel(call: Call) -> Object:
    refund = call.find(kind="refund", id=call.ids["id"])
    raise errors.StripeError(
        f"This refund ({refund['id']}) cannot be canceled: only refunds that require action can be.",
    )


def page(call: Call) -> Object:
    url = f"/v1/charges/{call.ids['charge']}/refunds" if "charge" in call.ids else "/v1/refunds"
    matching = listing.matching(call, "charge", "payment_intent")
    if "charge" in call.ids:
        matching["charge"] = [call.ids["charge"]]
    return listing.page(call, type="refund", url=url, matching=matching)
