"""Capturing an authorised intent."""

from __future__ import annotations

from sandbox import errors
from sandbox.call import Call
from sandbox.objects import charges, intent_state, payment_intents
from sandbox.store import Object, public


def capture(call: Call) -> Object:
    intent = payment_intents.find(call)
    intent_state.refuse(intent, doing="capture", allowed=("requires_capture",))
    amount: int = (
        call.params["amount_to_capture"]
        if "amount_to_capture" in call.params
        else intent["amount_capturable"]
    )
    if not 0 < amount <= intent["amount_capturable"]:
        raise errors.StripeError(
            "The remaining amount on this payment_intent capturable is less than the requested capture amount."
            if amount > 0
            else "Invalid positive integer",
            code="amount_too_large" if amount > 0 else "parameter_invalid_integer",
            param="amount_to_capture",
            payment_intent=public(intent),
        )
    if call.params.get("final_capture") is False:
        raise errors.not_modelled("multicapture (final_capture=false)")
    charges.capture(call, id=intent["latest_charge"], amount=amount)
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    call.save(intent)
    call.emit("payment_intent.succeeded", intent)
    return intent
