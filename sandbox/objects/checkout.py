"""Checkout Sessions in payment mode: created, listed, expired here; paid in `checkout_payment`."""

from __future__ import annotations

from typing import Any

from sandbox import descriptors, errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import check_amount, check_currency
from sandbox.objects import configurations, customers, line_items, payment_intents
from sandbox.store import Object, private

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
CLOCK_SLACK_SECONDS = 60
FROM_PAYMENT_INTENT_DATA = (
    "capture_method", "description", "metadata", "receipt_email", "setup_future_usage", "shipping",
    "statement_descriptor_suffix", "transfer_group", "statement_descriptor",
)  # fmt: skip
NOT_MODELLED = (
    "subscription_data", "setup_intent_data", "invoice_creation", "discounts", "shipping_options", "optional_items",
    "automatic_tax", "adaptive_pricing", "after_expiration", "custom_fields", "shipping_address_collection",
)  # fmt: skip


def create(call: Call) -> Object:
    sent = call.params
    _refuse_unmodelled(sent)
    items = line_items.build(call, sent.get("line_items"))
    currency = items[0]["currency"]
    total = sum(item["amount_total"] for item in items)
    check_amount(total, currency=currency, param="line_items")
    session = _build(call, currency=currency, total=total)
    private(session).update(line_items=items, payment_intent_data=sent.get("payment_intent_data") or {})
    private(session)["configuration"] = sent.get("payment_method_configuration")
    call.save(session)
    call.at(due=session["expires_at"], kind="session_expires", object_id=session["id"])
    return session


def _refuse_unmodelled(sent: dict[str, Any]) -> None:
    if sent.get("mode") != "payment":
        raise errors.not_modelled(f"Checkout Sessions with mode={sent.get('mode')}")
    if sent.get("ui_mode", "hosted_page") != "hosted_page":
        raise errors.not_modelled(f"Checkout Sessions with ui_mode={sent['ui_mode']}")
    for name in NOT_MODELLED:
        switched_off = isinstance(sent.get(name), dict) and sent[name].get("enabled") is False
        if sent.get(name) and not switched_off:
            raise errors.not_modelled(f"`{name}` of Checkout Sessions")
    if not sent.get("success_url"):
        raise errors.StripeError(
            "Missing required param: success_url.", code="parameter_missing", param="success_url"
        )
    if sent.get("customer") and sent.get("customer_email"):
        raise errors.StripeError(
            "You may only specify one of these parameters: customer, customer_email.", param="customer"
        )
    data = sent.get("payment_intent_data") or {}
    for name in set(data) - set(FROM_PAYMENT_INTENT_DATA):
        raise errors.not_modelled(f"`payment_intent_data[{name}]` of Checkout Sessions")
    descriptors.check(data)


def _expires_at(call: Call) -> int:
    wanted: int = call.params.get("expires_at", call.now + LONGEST_SECONDS)
    if wanted < call.now + SHORTEST_SECONDS - CLOCK_SLACK_SECONDS:
        raise errors.StripeError(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if wanted > call.now + LONGEST_SECONDS + CLOCK_SLACK_SECONDS:
        raise errors.StripeError(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return wanted


def _build(call: Call, *, currency: str, total: int) -> Object:
    sent = call.params
    id = ids.new("checkout.session")
    customer = customers.find(call, id=sent["customer"]) if sent.get("customer") else None
    email = customer["email"] if customer else sent.get("customer_email")
    configuration = configurations.chosen(call, sent.get("payment_method_configuration"))
    return _unused() | {
        "id": id,
        "object": "checkout.session",
        "allow_promotion_codes": sent.get("allow_promotion_codes"),
        "amount_subtotal": total,
        "amount_total": total,
        "billing_address_collection": sent.get("billing_address_collection"),
        "cancel_url": sent.get("cancel_url"),
        "client_reference_id": sent.get("client_reference_id"),
        "created": call.now,
        "currency": check_currency(currency),
        "custom_text": _custom_text(sent.get("custom_text") or {}),
        "customer": customer["id"] if customer else None,
        "customer_creation": None if customer else sent.get("customer_creation", "if_required"),
        "customer_details": _customer_details(email, customer) if email or customer else None,
        "customer_email": sent.get("customer_email"),
        "expires_at": _expires_at(call),
        "locale": sent.get("locale"),
        "metadata": metadata.merged(current={}, sent=sent.get("metadata")),
        "payment_method_configuration_details": configurations.details(configuration, sent),
        "payment_method_types": sent.get("payment_method_types") or ["card"],
        "submit_type": sent.get("submit_type"),
        "success_url": sent["success_url"],
        "url": f"{call.base_url}/c/pay/{id}",
    }


def _unused() -> Object:
    """What a session in payment mode shows of the features it does not use, and its first states."""
    return {
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "wallet_options": None,
        "invoice_creation": {
            "enabled": False,
            "invoice_data": {
                "account_tax_ids": None,
                "custom_fields": None,
                "description": None,
                "footer": None,
                "issuer": None,
                "metadata": {},
                "rendering_options": None,
            },
        },
    }


def _custom_text(sent: dict[str, Any]) -> dict[str, Any]:
    names = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return {name: sent.get(name) or None for name in names}


def _customer_details(email: str | None, customer: Object | None) -> Object:
    return {
        "address": None,
        "email": email,
        "name": customer["name"] if customer else None,
        "phone": customer["phone"] if customer else None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def find(call: Call) -> Object:
    return call.find(kind="checkout.session", id=call.ids["id"])


def retrieve(call: Call) -> Object:
    return find(call)


def update(call: Call) -> Object:
    session = find(call)
    session["metadata"] = metadata.merged(current=session["metadata"], sent=call.params.get("metadata"))
    return call.save(session)


def expire(call: Call) -> Object:
    session = find(call)
    if session["status"] != "open":
        raise errors.StripeError(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}."
        )
    return expire_now(call, session=session)


def expire_now(call: Call, *, session: Object) -> Object:
    """Closes an open session; an intent that a try to pay left behind is cancelled with it."""
    session |= {"status": "expired", "url": None}
    call.save(session)
    intent = call.world.store.get(session["payment_intent"] or "")
    if intent and intent["status"] in payment_intents.CANCELABLE:
        payment_intents.cancel_now(call, intent=intent, reason="expired")
    call.emit("checkout.session.expired", session)
    return session


def items(call: Call) -> Object:
    session = find(call)
    return listing.sliced(
        call, private(session)["line_items"], url=f"/v1/checkout/sessions/{session['id']}/line_items"
    )


def page(call: Call) -> Object:
    wanted = listing.matching(call, "customer", "payment_intent", "status")
    email = (call.params.get("customer_details") or {}).get("email")
    if email:
        wanted["customer_email"] = [email]
    return listing.page(call, type="checkout.session", url="/v1/checkout/sessions", matching=wanted)
