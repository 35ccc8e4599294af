"""What the status of a payment or setup intent allows, and what of it a browser may see."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.call import Call
from sandbox.store import Object, public

FOR_BROWSERS = (
    "id",
    "object",
    "amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
)
SETUP_FOR_BROWSERS = (
    "id",
    "object",
    "automatic_payment_methods",
    "cancellation_reason",
    "client_secret",
    "created",
    "description",
    "last_setup_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "status",
    "usage",
)
NOUNS = {"payment_intent": "PaymentIntent", "setup_intent": "SetupIntent"}
PARTICIPLES = {
    "authenticate": "authenticated",
    "confirm": "confirmed",
    "cancel": "canceled",
    "update": "updated",
    "capture": "captured",
}


def find(call: Call, *, kind: str) -> Object:
    """The intent of the path; a publishable key must show its client secret."""
    intent = call.find(kind=kind, id=call.ids["id"], param="intent")
    sent = call.params.get("client_secret")
    if (call.publishable or sent) and sent != intent["client_secret"]:
        raise errors.StripeError(
            f"The client_secret provided does not match the client_secret associated with the {NOUNS[kind]}.",
            code=f"{kind}_invalid_parameter" if sent else "parameter_missing",
            param="client_secret",
        )
    return intent


def refuse(intent: Object, *, doing: str, allowed: tuple[str, ...], named: tuple[str, ...] = ()) -> None:
    """Raises Stripe's …_intent_unexpected_state unless the intent's status is among the allowed."""
    status = intent["status"]
    if status in allowed:
        return
    done, noun = PARTICIPLES[doing], NOUNS[intent["object"]]
    subject = (
        f"You cannot {doing} this {noun}"
        if doing in ("confirm", "cancel")
        else f"This {noun} could not be {done}"
    )
    message = (
        f"{subject} because it has a status of {status}. Only a {noun} with one of the following statuses "
        f"may be {done}: {', '.join(named or allowed)}."
    )
    if doing == "confirm" and status == "succeeded":
        message = f"{subject} because it has already succeeded after being previously confirmed."
    raise unexpected(intent, message=message)


def unexpected(intent: Object, *, message: str) -> errors.StripeError:
    kind = intent["object"]
    extra: dict[str, Any] = {kind: public(intent)}
    return errors.StripeError(message, code=f"{kind}_unexpected_state", **extra)


def shown(call: Call, intent: Object) -> Object:
    """What the caller may see: Stripe.js gets no metadata, customer or charge."""
    if not call.publishable:
        return intent
    names = FOR_BROWSERS if intent["object"] == "payment_intent" else SETUP_FOR_BROWSERS
    return {name: intent[name] for name in names}
