"""Billing portal sessions: created by the API; the hosted page acts for the customer through the control API."""

from __future__ import annotations

from typing import Any

from sandbox import errors, ids
from sandbox.call import Call
from sandbox.objects import customers, payment_methods, setup_intents
from sandbox.selection import Selection
from sandbox.store import Object, public

KIND = "billing_portal.session"
VALID_SECONDS = 3600
MOST_SHOWN = 20


def create(call: Call) -> Object:
    sent = call.params
    if "customer" not in sent:
        raise errors.StripeError(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    return_url = sent.get("return_url")
    if return_url and not return_url.startswith(("http://", "https://")):
        raise errors.StripeError("Not a valid URL", code="url_invalid", param="return_url")
    id = ids.new(KIND)
    return call.save(
        {
            "id": id,
            "object": KIND,
            "configuration": ids.derived(prefix="bpc_1", seed=call.world.settings.secret_key, length=24),
            "created": call.now,
            "customer": customers.find(call, id=sent["customer"])["id"],
            "customer_account": None,
            "flow": None,
            "livemode": False,
            "locale": sent.get("locale"),
            "on_behalf_of": None,
            "return_url": return_url or None,
            "url": f"{call.base_url}/p/session/{id}",
        }
    )


def shown(call: Call) -> dict[str, Any]:
    """What the hosted page draws: the customer's cards, invoices and payments."""
    session = _open(call)
    customer = customers.find(call, id=session["customer"])
    mine = {"customer": [customer["id"]]}
    charges = call.world.store.select(Selection(type="charge", matching=mine, limit=MOST_SHOWN))
    invoices = call.world.store.select(Selection(type="invoice", matching=mine, limit=MOST_SHOWN))
    return {
        "merchant": call.world.settings.account_name,
        "return_url": session["return_url"],
        "customer": {"name": customer["name"], "email": customer["email"]},
        "default_payment_method": customer["invoice_settings"]["default_payment_method"],
        "payment_methods": [
            public(method)
            for method in call.world.store.select(Selection(type="payment_method", matching=mine))
        ],
        "invoices": [public(invoice) for invoice in invoices if invoice["status"] != "draft"],
        "charges": [public(charge) for charge in charges if charge["status"] == "succeeded"],
    }


def begin_card(call: Call) -> dict[str, Any]:
    """A setup intent for a card that the customer is about to type: its client secret."""
    session = _open(call)
    call.params = {"customer": session["customer"], "usage": "off_session"}
    return {"client_secret": setup_intents.create(call)["client_secret"]}


def remove_card(call: Call) -> dict[str, Any]:
    """{"payment_method": "pm_…"}"""
    method = _own_card(call)
    call.ids["id"], session_id = method["id"], call.ids["id"]
    payment_methods.detach(call)
    call.ids["id"] = session_id
    return shown(call)


def prefer_card(call: Call) -> dict[str, Any]:
    """{"payment_method": "pm_…"}: the one that invoices are paid with."""
    method = _own_card(call)
    customer = customers.find(call, id=method["customer"])
    customer["invoice_settings"]["default_payment_method"] = method["id"]
    call.save(customer)
    call.emit("customer.updated", customer)
    return shown(call)


def _open(call: Call) -> Object:
    session = call.find(kind=KIND, id=call.ids["id"])
    if call.now > session["created"] + VALID_SECONDS:
        raise errors.StripeError("This session has expired. Ask the shop for a new link.")
    return session


def _own_card(call: Call) -> Object:
    session = _open(call)
    method = call.find(kind="payment_method", id=str(call.params.get("payment_method")))
    if method["customer"] != session["customer"]:
        raise errors.missing(kind="payment_method", id=method["id"])
    return method
