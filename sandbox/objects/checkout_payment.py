"""Paying a Checkout Session on its hosted page. Only the control routes call this.

The intent is made at the first try, as Stripe does, and taken again by later tries.
"""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.call import Call
from sandbox.objects import account, checkout, confirmation, customers, payment_intents, payment_methods
from sandbox.store import Object, private, public

Answer = dict[str, Any]


def shown(call: Call) -> Answer:
    """What the hosted page needs to draw itself."""
    session = checkout.find(call)
    return {
        "session": public(session),
        "line_items": private(session)["line_items"],
        "account": {"id": call.world.account_id, "display_name": call.world.settings.account_name},
        "publishable_key": call.world.settings.publishable_key,
        "statement_descriptor_prefix": account.STATEMENT_PREFIX,
        "now": call.now,
        "redirect": _redirect(session) if session["status"] == "complete" else None,
    }


def pay(call: Call) -> Answer:
    """One try to pay with the card that was typed in."""
    session = checkout.find(call)
    if session["status"] != "open":
        return _answer(call, session)
    try:
        wanted = payment_methods.read_typed(call, call.params.get("payment_method_data") or {})
        method = payment_methods.make(call, wanted=wanted)
        intent = _intent(call, session)
        intent["payment_method"] = method["id"]
        call.params = {"return_url": session["success_url"], "use_stripe_sdk": True}
        _remember_customer(session, method)
        confirmation.confirm(call, intent=intent)
    except errors.StripeError as problem:
        return _answer(call, session, problem=problem)
    return _complete_or_wait(call, session, intent)


def after_3ds(call: Call) -> Answer:
    """The page comes back from the challenge: say how the payment stands."""
    session = checkout.find(call)
    intent = call.world.store.get(session["payment_intent"] or "")
    return _complete_or_wait(call, session, intent) if intent else _answer(call, session)


def intent_changed(call: Call, intent: Object) -> None:
    """A challenge ended outside the page: the session follows its intent."""
    session = call.world.store.get(private(intent).get("session", ""))
    if session and session["status"] == "open":
        _complete_or_wait(call, session, intent)


def _intent(call: Call, session: Object) -> Object:
    if session["payment_intent"]:
        return call.find(kind="payment_intent", id=session["payment_intent"])
    data = private(session)["payment_intent_data"]
    wanted: dict[str, Any] = {name: data[name] for name in checkout.FROM_PAYMENT_INTENT_DATA if name in data}
    wanted |= {
        "amount": session["amount_total"],
        "currency": session["currency"],
        "customer": _customer(call, session),
    }
    if private(session).get("configuration"):
        wanted["payment_method_configuration"] = private(session)["configuration"]
    wanted["automatic_payment_methods"] = {"enabled": True, "allow_redirects": "always"}
    intent = payment_intents.build(call, wanted=wanted)
    private(intent)["session"] = session["id"]
    call.save(intent)
    call.emit("payment_intent.created", intent)
    session["payment_intent"] = intent["id"]
    call.save(session)
    return intent


def _customer(call: Call, session: Object) -> str | None:
    if session["customer"] or session["customer_creation"] != "always":
        return session["customer"] or None
    email = session["customer_email"] or (session["customer_details"] or {}).get("email")
    making = Call(world=call.world, params={"email": email} if email else {}, request_id=call.request_id)
    session["customer"] = customers.create(making)["id"]
    return str(session["customer"])


def _remember_customer(session: Object, method: Object) -> None:
    typed = method["billing_details"]
    known = session["customer_details"] or {"tax_exempt": "none", "tax_ids": None}
    session["customer_details"] = known | {
        "address": {name: typed["address"][name] for name in payment_methods.EMPTY_ADDRESS},
        "email": known.get("email") or typed["email"],
        "name": typed["name"] or known.get("name"),
        "phone": typed["phone"] or known.get("phone"),
    }


def _complete_or_wait(call: Call, session: Object, intent: Object) -> Answer:
    if session["status"] == "open" and intent["status"] in ("succeeded", "requires_capture"):
        paid = intent["status"] == "succeeded"
        session |= {"status": "complete", "payment_status": "paid" if paid else "unpaid", "url": None}
        call.save(session)
        call.emit("checkout.session.completed", session)
    else:
        call.save(session)
    return _answer(call, session, intent=intent)


def _answer(
    call: Call, session: Object, *, intent: Object | None = None, problem: errors.StripeError | None = None
) -> Answer:
    if session["status"] == "complete":
        return {"status": "complete", "redirect": _redirect(session)}
    if session["status"] == "expired":
        return {"status": "expired", "redirect": None}
    if problem is not None:
        call.save(session)
        return {
            "status": "declined",
            "redirect": None,
            "error": problem.body(request_id=call.request_id)["error"],
        }
    if intent and intent["status"] == "requires_action":
        return {
            "status": "requires_action",
            "redirect": None,
            "next_action": {"url": intent["next_action"]["use_stripe_sdk"]["stripe_js"]},
        }
    return {
        "status": "declined" if intent and intent["last_payment_error"] else "open",
        "redirect": None,
        "error": intent["last_payment_error"] if intent else None,
    }


def _redirect(session: Object) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
