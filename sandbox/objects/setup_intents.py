"""Setup intents: a card is checked, authenticated and kept for later, without a charge.

A success attaches the card to the intent's customer and marks it as set up: `confirmation` then lets the cards that
ask "unless set up" pay off session. Stripe's setup attempts are not modelled: `latest_attempt` stays null.
"""

from __future__ import annotations

from typing import Any

from sandbox import cards, errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.objects import configurations, confirmation, customers, intent_state, payment_methods
from sandbox.objects.payment_intents import automatic, chosen_method, refuse_foreign
from sandbox.store import Object, private, public

KIND = "setup_intent"
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(call: Call) -> Object:
    intent = _build(call)
    call.save(intent)
    call.emit("setup_intent.created", intent)
    _choose(call, intent)
    if call.params.get("confirm"):
        return _confirm(call, intent)
    for name in ("return_url", "use_stripe_sdk"):
        if name in call.params:
            raise errors.StripeError(
                f"The parameter `{name}` cannot be passed when creating a SetupIntent unless `confirm` is set to true.",
                param=name,
            )
    return call.save(intent)


def _build(call: Call) -> Object:
    sent = call.params
    id = ids.new(KIND)
    configuration = configurations.chosen(call, sent.get("payment_method_configuration"))
    options = (sent.get("payment_method_options") or {}).get("card") or {}
    return {
        "id": id,
        "object": KIND,
        "application": None,
        "automatic_payment_methods": automatic(sent),
        "cancellation_reason": None,
        "client_secret": f"{id}_secret_{ids.token(25)}",
        "created": call.now,
        "customer": customers.find(call, id=sent["customer"])["id"] if sent.get("customer") else None,
        "description": sent.get("description") or None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": metadata.merged(current={}, sent=sent.get("metadata")),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": configurations.details(configuration, sent),
        "payment_method_options": {
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": options.get("request_three_d_secure") or "automatic",
            }
        },
        "payment_method_types": sent.get("payment_method_types") or ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": sent.get("usage", "off_session"),
    }


def _choose(call: Call, intent: Object) -> None:
    method = chosen_method(call)
    if method is None:
        return
    refuse_foreign(method, intent)
    intent |= {"payment_method": method["id"], "status": "requires_confirmation"}


def confirm(call: Call) -> Object:
    intent = intent_state.find(call, kind=KIND)
    intent_state.refuse(
        intent, doing="confirm", allowed=OPEN, named=("requires_confirmation", "requires_action")
    )
    _choose(call, intent)
    return intent_state.shown(call, _confirm(call, intent))


def _confirm(call: Call, intent: Object) -> Object:
    confirmation.refuse_unready(call, intent=intent)
    method = payment_methods.usable(call, id=intent["payment_method"])
    intent["last_setup_error"] = None
    if _needs_authentication(intent, method):
        return confirmation.ask_for_authentication(call, intent=intent)
    return _finish(call, intent=intent, method=method, was_authenticated=False)


def _needs_authentication(intent: Object, method: Object) -> bool:
    """A card is saved with its holder present, so every card that ever asks is asked about, once."""
    forced = intent["payment_method_options"]["card"]["request_three_d_secure"] in ("any", "challenge")
    asks = payment_methods.behaviour(method).authentication != "never"
    return forced or (asks and not private(method).get("set_up"))


def authenticated(call: Call, *, intent: Object, passed: bool) -> Object:
    """The end of a 3DS challenge."""
    method = payment_methods.find(call, id=intent["payment_method"])
    if passed:
        return _finish(call, intent=intent, method=method, was_authenticated=True)
    _fail(
        call,
        intent=intent,
        error={
            "code": "setup_intent_authentication_failure",
            "doc_url": errors.DOCUMENTATION + "setup-intent-authentication-failure",
            "message": confirmation.NOT_AUTHENTICATED,
            "payment_method": public(method),
            "type": "invalid_request_error",
        },
    )
    return intent


def _finish(call: Call, *, intent: Object, method: Object, was_authenticated: bool) -> Object:
    card = payment_methods.behaviour(method)
    if card.decline and not card.attaches:
        _decline(call, intent=intent, method=method, decline=cards.DECLINES[card.decline])
    private(method)["set_up"] = was_authenticated or private(method).get("set_up", False)
    if intent["customer"]:
        payment_methods.attach_to(call, method=method, customer_id=intent["customer"])
    call.save(method)
    intent |= {"status": "succeeded", "payment_method": method["id"], "next_action": None}
    call.save(intent)
    call.emit("setup_intent.succeeded", intent)
    return intent


def _decline(call: Call, *, intent: Object, method: Object, decline: cards.Decline) -> None:
    extra: dict[str, Any] = {
        "advice_code": decline.advice,
        "decline_code": decline.decline_code,
        "network_decline_code": decline.network_reason,
        "payment_method": public(method),
    }
    error = extra | {
        "code": decline.code,
        "doc_url": errors.DOCUMENTATION + decline.code.replace("_", "-"),
        "message": decline.message,
        "type": "card_error",
    }
    if decline.param:
        error["param"] = decline.param
    _fail(call, intent=intent, error=error)
    raise errors.CardError(
        decline.message,
        code=decline.code,
        param=decline.param,
        setup_intent=public(intent_state.shown(call, intent)),
        **extra,
    )


def _fail(call: Call, *, intent: Object, error: dict[str, Any]) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": error,
    }
    call.save(intent)
    call.emit("setup_intent.setup_failed", intent)


def retrieve(call: Call) -> Object:
    return intent_state.shown(call, intent_state.find(call, kind=KIND))


def update(call: Call) -> Object:
    intent = intent_state.find(call, kind=KIND)
    if set(call.params) - {"metadata", "description", "expand"}:
        intent_state.refuse(intent, doing="update", allowed=OPEN)
    if call.params.get("customer"):
        intent["customer"] = customers.find(call, id=call.params["customer"])["id"]
    if "description" in call.params:
        intent["description"] = call.params["description"] or None
    intent["metadata"] = metadata.merged(current=intent["metadata"], sent=call.params.get("metadata"))
    _choose(call, intent)
    return call.save(intent)


def cancel(call: Call) -> Object:
    intent = intent_state.find(call, kind=KIND)
    intent_state.refuse(intent, doing="cancel", allowed=OPEN)
    intent |= {
        "status": "canceled",
        "cancellation_reason": call.params.get("cancellation_reason"),
        "next_action": None,
    }
    call.save(intent)
    call.emit("setup_intent.canceled", intent)
    return intent


def page(call: Call) -> Object:
    matching = listing.matching(call, "customer", "payment_method")
    return listing.page(call, type=KIND, url="/v1/setup_intents", matching=matching)
