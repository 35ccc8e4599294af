"""Confirming an intent: authentication, then the charge, then what follows a success or a refusal.

Stripe.js, the server and Checkout all come through `confirm`; the 3DS challenge ends in `authenticated`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from sandbox import cards, errors
from sandbox.call import Call
from sandbox.objects import charges, intent_state, invoice_settlement, payment_methods
from sandbox.store import Object, private, public

NO_METHOD = (
    "You cannot confirm this {noun} because it's missing a payment method. You can either update the "
    "{noun} with a payment method and then confirm it again, or confirm it again directly with a payment "
    "method or ConfirmationToken."
)
NO_RETURN_URL = (
    "This {noun} is configured to accept payment methods enabled in your Dashboard. Because some of these "
    "payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't "
    "want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)
NOT_AUTHENTICATED = (
    "We are unable to authenticate your payment method. "
    "Please choose a different payment method and try again."
)


def confirm(call: Call, *, intent: Object) -> Object:
    """Charges the intent's payment method, or asks for authentication; raises on a refusal, which stays recorded."""
    refuse_unready(call, intent=intent)
    _refuse_descriptor(intent)
    method = payment_methods.usable(call, id=intent["payment_method"])
    intent["last_payment_error"] = None
    if not _needs_authentication(call, intent=intent, method=method):
        return charge(call, intent=intent, method=method)
    # An invoice's intent waits for its customer, who is told by invoice.payment_action_required.
    absent = call.params.get("off_session") and not private(intent).get("invoice")
    if absent or call.params.get("error_on_requires_action"):
        _decline(call, intent=intent, method=method, reason="authentication_required")
    return ask_for_authentication(call, intent=intent)


def refuse_unready(call: Call, *, intent: Object) -> None:
    """An intent of either kind needs a payment method, and an address to come back to when it may redirect."""
    noun = intent_state.NOUNS[intent["object"]]
    if intent["payment_method"] is None:
        raise intent_state.unexpected(intent, message=NO_METHOD.format(noun=noun))
    if _may_redirect(intent) and not (call.publishable or call.params.get("return_url")):
        raise errors.StripeError(NO_RETURN_URL.format(noun=noun), param="return_url")


def _may_redirect(intent: Object) -> bool:
    automatic = intent["automatic_payment_methods"]
    return bool(automatic) and automatic["allow_redirects"] == "always"


def _refuse_descriptor(intent: Object) -> None:
    if intent["statement_descriptor"]:
        raise errors.StripeError(
            "The `statement_descriptor` parameter is not supported for the `card` payment method type. "
            "Use `statement_descriptor_suffix` instead.",
            param="statement_descriptor",
        )


def _needs_authentication(call: Call, *, intent: Object, method: Object) -> bool:
    kind = payment_methods.behaviour(method).authentication
    off_session = bool(call.params.get("off_session"))
    forced = intent["payment_method_options"]["card"]["request_three_d_secure"] in ("any", "challenge")
    if kind == "unless_set_up":
        return not (off_session and private(method).get("set_up"))
    if kind == "on_session_only":
        return not off_session
    return kind == "always" or (forced and not off_session)


def ask_for_authentication(call: Call, *, intent: Object) -> Object:
    """Leaves an intent of either kind waiting for its 3DS challenge."""
    return_url = call.params.get("return_url")
    private(intent)["return_url"] = return_url
    query = {"client_secret": intent["client_secret"]}
    page = f"{call.base_url}/3ds/{intent['id']}"
    if call.params.get("use_stripe_sdk") or not return_url:
        action: dict[str, Any] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "type": "three_d_secure_redirect",
                "stripe_js": f"{page}?{urlencode(query)}",
                "source": f"src_{intent['id'].partition('_')[2]}",
            },
        }
    else:
        url = f"{page}?{urlencode(query | {'return_url': return_url})}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    intent |= {"status": "requires_action", "next_action": action}
    call.save(intent)
    call.emit(f"{intent['object']}.requires_action", intent)
    invoice_settlement.intent_waits(call, intent=intent)
    return intent


def authenticated(call: Call, *, intent: Object, passed: bool) -> Object:
    """The end of a 3DS challenge; a refusal afterwards is recorded on the intent and raised."""
    method = payment_methods.find(call, id=intent["payment_method"])
    intent["next_action"] = None
    if passed:
        return charge(call, intent=intent, method=method, authenticated=True)
    error = {
        "code": "payment_intent_authentication_failure",
        "doc_url": errors.DOCUMENTATION + "payment-intent-authentication-failure",
        "message": NOT_AUTHENTICATED,
        "payment_method": public(method),
        "type": "invalid_request_error",
    }
    _fail(call, intent=intent, error=error)
    return intent


def charge(call: Call, *, intent: Object, method: Object, authenticated: bool = False) -> Object:
    """Takes the money, or records the refusal and raises it."""
    card = payment_methods.behaviour(method)
    if card.decline:
        _decline(call, intent=intent, method=method, reason=card.decline, authenticated=authenticated)
    held = intent["capture_method"] == "manual"
    taken = charges.succeed(
        call, intent=intent, method=method, captured=not held, authenticated=authenticated
    )
    intent |= {"latest_charge": taken["id"], "next_action": None, "payment_method": method["id"]}
    if held:
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    else:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    call.save(intent)
    call.emit("payment_intent.amount_capturable_updated" if held else "payment_intent.succeeded", intent)
    _keep_or_use_up(call, intent=intent, method=method, authenticated=authenticated)
    if not held:
        invoice_settlement.intent_succeeded(call, intent=intent)
    return intent


def _keep_or_use_up(call: Call, *, intent: Object, method: Object, authenticated: bool) -> None:
    """A card without a customer is good for one payment; with setup_future_usage it is saved to the customer."""
    if intent["setup_future_usage"] and intent["customer"]:
        private(method)["set_up"] = authenticated or private(method).get("set_up", False)
        payment_methods.attach_to(call, method=method, customer_id=intent["customer"])
    private(method)["consumed"] = method["customer"] is None
    call.save(method)


def _decline(call: Call, *, intent: Object, method: Object, reason: str, authenticated: bool = False) -> None:
    decline = cards.DECLINES[reason]
    failed = charges.fail(
        call, intent=intent, method=method, decline=decline, reason=reason, authenticated=authenticated
    )
    intent["latest_charge"] = failed["id"]
    error = {
        "advice_code": decline.advice,
        "charge": failed["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": errors.DOCUMENTATION + decline.code.replace("_", "-"),
        "message": decline.message,
        "network_decline_code": decline.network_reason,
        "payment_method": public(method),
        "type": "card_error",
    }
    if decline.param:
        error["param"] = decline.param
    _fail(call, intent=intent, error=error)
    extra = {
        name: value
        for name, value in error.items()
        if name not in ("code", "message", "type", "param", "doc_url")
    }
    raise errors.CardError(
        decline.message,
        code=decline.code,
        param=decline.param,
        payment_intent=public(intent_state.shown(call, intent)),
        **extra,
    )


def _fail(call: Call, *, intent: Object, error: dict[str, Any]) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
    }
    call.save(intent)
    call.emit("payment_intent.payment_failed", intent)
    invoice_settlement.intent_failed(call, intent=intent)
