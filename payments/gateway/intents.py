"""PaymentIntents (pi_…)."""

from collections.abc import Callable, Mapping
from typing import Any

from payments import errors, facts
from payments.gateway import calling
from payments.models import GatewayAccount


def create_intent(
    account: GatewayAccount,
    *,
    key: str,
    amount_minor: int,
    currency: str,
    customer_id: str,
    description: str,
    descriptor_suffix: str,
    metadata: Mapping[str, str],
    is_captured_later: bool = False,
) -> facts.Intent:
    """A PaymentIntent that our page confirms with the Payment Element; nothing that redirects away.

    `is_captured_later`: the card only promises the money, for some days, until it is captured.
    """
    params: dict[str, Any] = {
        "amount": amount_minor,
        "currency": currency,
        "customer": customer_id,
        "description": description,
        "statement_descriptor_suffix": descriptor_suffix,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": dict(metadata),
        **({"capture_method": "manual"} if is_captured_later else {}),
        **calling.configuration(),
    }
    return facts.from_intent(
        calling.created(
            account,
            lambda v1: v1.payment_intents.create(params, calling.key(key)),
            again=lambda v1, id: v1.payment_intents.retrieve(id),
        )
    )


def retrieve_intent(account: GatewayAccount, intent_id: str) -> facts.Intent:
    """The intent, with the charge that paid it told along."""
    params = {"expand": ["latest_charge"]}
    return facts.from_intent(
        calling.call(account, lambda v1: v1.payment_intents.retrieve(intent_id, params)).to_dict()
    )


def cancel_intent(account: GatewayAccount, intent_id: str) -> facts.Intent:
    """Cancels, or tells how it stands when it can no longer be canceled (paid, canceled before)."""
    try:
        return facts.from_intent(
            calling.call(account, lambda v1: v1.payment_intents.cancel(intent_id)).to_dict()
        )
    except errors.GatewayRefused as refusal:
        if refusal.reason != "payment_intent_unexpected_state":
            raise
    return retrieve_intent(account, intent_id)


def capture_intent(account: GatewayAccount, intent_id: str, *, key: str, amount_minor: int) -> facts.Intent:
    """Take so much of what the card promised; the rest is released. GatewayRefused when it can be captured no more."""
    params: dict[str, Any] = {"amount_to_capture": amount_minor, "expand": ["latest_charge"]}
    return _moved(
        account, intent_id, lambda v1: v1.payment_intents.capture(intent_id, params, calling.key(key))
    )


def confirm_intent(
    account: GatewayAccount, intent_id: str, *, key: str, payment_method_id: str
) -> facts.Intent:
    """Charge a saved card while its holder is away; GatewayRefused when the bank declines or wants the holder."""
    params: dict[str, Any] = {
        "payment_method": payment_method_id,
        "off_session": True,
        "expand": ["latest_charge"],
    }
    return _moved(
        account, intent_id, lambda v1: v1.payment_intents.confirm(intent_id, params, calling.key(key))
    )


def _moved(account: GatewayAccount, intent_id: str, ask: Callable[[Any], Any]) -> facts.Intent:
    """The intent after this POST, with its charge; a replayed answer is asked for anew."""
    params = {"expand": ["latest_charge"]}
    return facts.from_intent(
        calling.created(account, ask, again=lambda v1, id: v1.payment_intents.retrieve(intent_id, params))
    )


def find_intent(account: GatewayAccount, *, customer_id: str, payment_public_id: str) -> facts.Intent | None:
    """The customer's intent that carries our payment's id, newest first; None is a proof of absence."""
    mine = calling.first(
        account,
        lambda v1: v1.payment_intents.list({"customer": customer_id, "limit": calling.LIST_LIMIT}),
        metadata={facts.PAYMENT_KEY: payment_public_id},
    )
    return facts.from_intent(mine) if mine else None
