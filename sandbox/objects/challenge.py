"""The end of a 3D Secure challenge, told by the challenge page through the control API."""

from __future__ import annotations

from contextlib import suppress

from sandbox import errors
from sandbox.call import Call
from sandbox.objects import checkout_payment, confirmation, intent_state, setup_intents
from sandbox.store import Object, public

OUTCOMES = ("pass", "fail")


def _kind(id: str) -> str:
    return setup_intents.KIND if id.startswith("seti_") else "payment_intent"


def finish(call: Call) -> Object:
    """The intent as a browser sees it, whatever came of it: a refusal after the challenge is in last_payment_error."""
    call.publishable = True
    intent = call.find(kind=_kind(call.ids["id"]), id=call.ids["id"])
    if call.params.get("client_secret") != intent["client_secret"]:
        raise errors.StripeError(
            f"The client_secret does not match this {intent_state.NOUNS[intent['object']]}.",
            param="client_secret",
        )
    outcome = call.params.get("outcome")
    if outcome not in OUTCOMES:
        raise errors.StripeError(f"Invalid outcome: must be one of {', '.join(OUTCOMES)}", param="outcome")
    intent_state.refuse(intent, doing="authenticate", allowed=("requires_action",))
    ended = setup_intents if intent["object"] == setup_intents.KIND else confirmation
    with suppress(errors.CardError):
        ended.authenticated(call, intent=intent, passed=outcome == "pass")
    checkout_payment.intent_changed(call, intent)
    return public(intent_state.shown(call, intent))
