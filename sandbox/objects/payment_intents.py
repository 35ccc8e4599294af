"""Payment intents: created, changed, cancelled and shown here; confirmed in `confirmation`, captured in `capture`."""

from __future__ import annotations

from typing import Any

from sandbox import descriptors, errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import check_amount, check_currency
from sandbox.objects import charges, configurations, confirmation, customers, intent_state, payment_methods
from sandbox.store import Object, private, public

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
PLAIN = ("description", "receipt_email", "shipping", "statement_descriptor", "statement_descriptor_suffix")
Params = dict[str, Any]


def build(call: Call, *, wanted: Params) -> Object:
    """A stored intent without its event; `wanted` are the parameters of creation."""
    currency = check_currency(wanted["currency"])
    check_amount(wanted["amount"], currency=currency)
    descriptors.check(wanted)
    id = ids.new("payment_intent")
    configuration = configurations.chosen(call, wanted.get("payment_method_configuration"))
    intent: Object = {
        "id": id,
        "object": "payment_intent",
        "amount": wanted["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": automatic(wanted),
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": wanted.get("capture_method", "automatic_async"),
        "client_secret": f"{id}_secret_{ids.token(25)}",
        "confirmation_method": wanted.get("confirmation_method", "automatic"),
        "created": call.now,
        "currency": currency,
        "customer": customers.find(call, id=wanted["customer"])["id"] if wanted.get("customer") else None,
        "description": wanted.get("description") or None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata.merged(current={}, sent=wanted.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": configurations.details(configuration, wanted),
        "payment_method_options": {"card": _card_options(wanted)},
        "payment_method_types": wanted.get("payment_method_types") or ["card"],
        "processing": None,
        "receipt_email": wanted.get("receipt_email") or None,
        "review": None,
        "setup_future_usage": wanted.get("setup_future_usage") or None,
        "shipping": wanted.get("shipping") or None,
        "source": None,
        "statement_descriptor": wanted.get("statement_descriptor") or None,
        "statement_descriptor_suffix": wanted.get("statement_descriptor_suffix") or None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": wanted.get("transfer_group") or None,
    }
    _refuse_connect(wanted)
    return intent


def automatic(wanted: Params) -> dict[str, Any] | None:
    """`automatic_payment_methods` as an intent shows them; nothing when types were named."""
    if "payment_method_types" in wanted:
        return None
    chosen = wanted.get("automatic_payment_methods", {"enabled": True})
    if not chosen["enabled"]:
        return None
    return {"allow_redirects": chosen.get("allow_redirects", "always"), "enabled": True}


def _card_options(wanted: Params) -> dict[str, Any]:
    options = (wanted.get("payment_method_options") or {}).get("card") or {}
    return {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": options.get("request_three_d_secure") or "automatic",
    }


def _refuse_connect(wanted: Params) -> None:
    for name in ("transfer_data", "on_behalf_of", "application_fee_amount"):
        if wanted.get(name):
            raise errors.not_modelled(f"Connect ({name})")


def create(call: Call) -> Object:
    intent = build(call, wanted=call.params)
    call.save(intent)
    call.emit("payment_intent.created", intent)
    if not call.params.get("confirm"):
        _refuse_without_confirm(call)
        _choose(call, intent)
        return call.save(intent)
    _choose(call, intent)
    return confirmation.confirm(call, intent=intent)


def _refuse_without_confirm(call: Call) -> None:
    for name in ("off_session", "return_url", "error_on_requires_action", "use_stripe_sdk"):
        if name in call.params:
            raise errors.StripeError(
                f"The parameter `{name}` cannot be passed when creating a PaymentIntent "
                "unless `confirm` is set to true.",
                param=name,
            )


def _choose(call: Call, intent: Object) -> None:
    """Takes `payment_method` or `payment_method_data` of the call for the intent."""
    method = chosen_method(call)
    if method is None:
        return
    refuse_foreign(method, intent)
    intent["payment_method"] = method["id"]
    intent["status"] = "requires_confirmation"


def chosen_method(call: Call) -> Object | None:
    """The card of `payment_method` or `payment_method_data`, if the call names one."""
    if call.params.get("payment_method"):
        return payment_methods.usable(call, id=call.params["payment_method"])
    if call.params.get("payment_method_data"):
        return payment_methods.make(call, wanted=call.params["payment_method_data"])
    return None


def refuse_foreign(method: Object, intent: Object) -> None:
    """A card saved to a customer is good for that customer only."""
    noun = intent_state.NOUNS[intent["object"]]
    if method["customer"] and method["customer"] != intent["customer"]:
        raise errors.StripeError(
            f"The provided PaymentMethod ({method['id']}) belongs to a Customer. "
            f"Please include the Customer in the `customer` parameter on the {noun}.",
            param="payment_method",
        )


def find(call: Call) -> Object:
    return intent_state.find(call, kind="payment_intent")


def retrieve(call: Call) -> Object:
    return intent_state.shown(call, find(call))


def confirm(call: Call) -> Object:
    intent = find(call)
    intent_state.refuse(
        intent, doing="confirm", allowed=OPEN, named=("requires_confirmation", "requires_action")
    )
    _apply_options(call, intent)
    _choose(call, intent)
    return intent_state.shown(call, confirmation.confirm(call, intent=intent))


def _apply_options(call: Call, intent: Object) -> None:
    for name in ("capture_method", "receipt_email", "setup_future_usage", "shipping"):
        if name in call.params:
            intent[name] = call.params[name] or None


def update(call: Call) -> Object:
    intent = find(call)
    sent = call.params
    if set(sent) - {"metadata", "description", "expand"}:
        intent_state.refuse(intent, doing="update", allowed=OPEN)
    _refuse_of_invoice(intent, sent)
    descriptors.check(sent)
    for name in ("amount", "currency", "capture_method"):
        if name in sent:
            intent[name] = sent[name]
    intent["currency"] = check_currency(intent["currency"])
    check_amount(intent["amount"], currency=intent["currency"])
    if sent.get("customer"):
        intent["customer"] = customers.find(call, id=sent["customer"])["id"]
    for name in (*PLAIN, "setup_future_usage", "transfer_group"):
        if name in sent:
            intent[name] = sent[name] or None
    intent["metadata"] = metadata.merged(current=intent["metadata"], sent=sent.get("metadata"))
    _choose(call, intent)
    return call.save(intent)


def _refuse_of_invoice(intent: Object, sent: Params) -> None:
    for name in ("amount", "currency", "customer", "capture_method"):
        if name in sent and private(intent).get("invoice"):
            raise errors.StripeError(
                f"The parameter `{name}` cannot be changed on a PaymentIntent that an invoice created.",
                param=name,
            )


def cancel(call: Call) -> Object:
    intent = find(call)
    if intent["status"] in CANCELABLE and private(intent).get("session"):
        raise errors.StripeError(
            "You cannot cancel this PaymentIntent because it was created by Checkout. "
            "Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    if intent["status"] in CANCELABLE and private(intent).get("invoice"):
        raise errors.StripeError(
            "You cannot cancel this PaymentIntent because it was created by an invoice. Void the invoice instead.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    intent_state.refuse(intent, doing="cancel", allowed=CANCELABLE)
    return cancel_now(call, intent=intent, reason=call.params.get("cancellation_reason"))


def cancel_now(call: Call, *, intent: Object, reason: str | None) -> Object:
    """Cancels whatever the state allows; an authorisation is released."""
    if intent["status"] == "requires_capture":
        charges.release(call, id=intent["latest_charge"], expired=reason == "automatic")
    intent |= {
        "status": "canceled",
        "canceled_at": call.now,
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
    }
    call.save(intent)
    call.emit("payment_intent.canceled", intent)
    return intent


def page(call: Call) -> Object:
    return listing.page(
        call, type="payment_intent", url="/v1/payment_intents", matching=listing.matching(call, "customer")
    )
