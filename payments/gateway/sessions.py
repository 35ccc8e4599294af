"""Checkout Sessions (cs_…): the page at Stripe where a customer pays."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payments import errors, facts
from payments.gateway import calling
from payments.models import GatewayAccount

CHECKOUT_SECONDS = 30 * 60  # Stripe's minimum life of a Checkout Session.


def create_session(
    account: GatewayAccount,
    *,
    key: str,
    lines: list[tuple[str, int]],
    currency: str,
    customer_id: str,
    description: str,
    descriptor_suffix: str,
    metadata: Mapping[str, str],
    success_url: str,
    cancel_url: str,
    expires_at: datetime,
) -> facts.Session:
    """A hosted Checkout Session over `lines` (name, minor units)."""
    params: dict[str, Any] = {
        "mode": "payment",
        "customer": customer_id,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {"currency": currency, "unit_amount": minor, "product_data": {"name": name}},
            }
            for name, minor in lines
        ],
        "payment_intent_data": {
            "description": description,
            "statement_descriptor_suffix": descriptor_suffix,
            "metadata": dict(metadata),
        },
        "metadata": dict(metadata),
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
        **calling.configuration(),
    }
    return facts.from_session(
        calling.created(
            account,
            lambda v1: v1.checkout.sessions.create(params, calling.key(key)),
            again=lambda v1, id: v1.checkout.sessions.retrieve(id),
        )
    )


def retrieve_session(account: GatewayAccount, session_id: str) -> facts.Session:
    return facts.from_session(
        calling.call(account, lambda v1: v1.checkout.sessions.retrieve(session_id)).to_dict()
    )


def expire_session(account: GatewayAccount, session_id: str) -> facts.Session:
    """Expires, or tells how it stands when it is no longer open: expiring twice is no failure."""
    try:
        return facts.from_session(
            calling.call(account, lambda v1: v1.checkout.sessions.expire(session_id)).to_dict()
        )
    except errors.GatewayRefused:
        session = retrieve_session(account, session_id)
        if session.is_open:
            raise
        return session


def find_session(
    account: GatewayAccount, *, customer_id: str, payment_public_id: str
) -> facts.Session | None:
    """The customer's Checkout Session that carries our payment's id; None is a proof of absence."""
    mine = calling.first(
        account,
        lambda v1: v1.checkout.sessions.list({"customer": customer_id, "limit": calling.LIST_LIMIT}),
        metadata={facts.PAYMENT_KEY: payment_public_id},
    )
    return facts.from_session(mine) if mine else None
