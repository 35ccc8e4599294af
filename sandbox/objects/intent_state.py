"""What an intent's status allows, and what of it a browser may see."""

from __future__ import annotations

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
PARTICIPLES = {
    "authenticate": "authenticated",
    "confirm": "confirmed",
    "cancel": "canceled",
    "update": "updated",
    "capture": "captured",
}


def refuse(intent: Object, *, doing: str, allowed: tuple[str, ...], named: tuple[str, ...] = ()) -> None:
    """Raises Stripe's payment_intent_unexpected_state unless the intent's status is among the allowed."""
    status = intent["status"]
    if status in allowed:
        return
    done = PARTICIPLES[doing]
    subject = (
        f"You cannot {doing} this PaymentIntent"
        if doing in ("confirm", "cancel")
        else (f"This PaymentIntent could not be {done}")
    )
    message = (
        f"{subject} because it has a status of {status}. Only a PaymentIntent with one of the following statuses "
        f"may be {done}: {', '.join(named or allowed)}."
    )
    if doing == "confirm" and status == "succeeded":
        message = f"{subject} because it has already succeeded after being previously confirmed."
    raise errors.StripeError(message, code="payment_intent_unexpected_state", payment_intent=public(intent))


def shown(call: Call, intent: Object) -> Object:
    """What the caller may see: Stripe.js gets no metadata, customer or charge."""
    if not call.publishable:
        return intent
    return {name: intent[name] for name in FOR_BROWSERS}
