"""The end of a 3D Secure challenge, told by the challenge page through the control API."""

from __future__ import annotations

from contextlib import suppress

from sandbox import errors
from sandbox.call import Call
from sandbox.objects import checkout_payment, confirmation, intent_state
from sandbox.store import Object, public

OUTCOMES = ("pass", "fail")


def finish(call: Call) -> Object:
    """The intent as a browser sees it, whatever came of it: a refusal after the challenge is in last_payment_error."""
    call.publishable = True
    intent = call.find(kind="payment_intent", id=call.ids["id"])
    if call.params.get("client_secret") != intent["client_secret"]:
        raise errors.StripeError(
            "The client_secret does not match this PaymentIntent.", param="client_secret"
        )
    outcome = call.params.get("outcome")
    if outcome not in OUTCOMES:
        raise errors.StripeError(f"Invalid outcome: must be one of {', '.join(OUTCOMES)}", param="outcome")
    intent_state.refuse(intent, doing="authenticate", allowed=("requires_action",))
    with suppress(errors.CardError):
        confirmation.authenticated(call, intent=intent, passed=outcome == "pass")
    checkout_payment.intent_changed(call, intent)
    return public(intent_state.shown(call, intent))
