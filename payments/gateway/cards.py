"""Saved cards (pm_…), the SetupIntents (seti_…) that save them, and the portal where customers see them at Stripe."""

from collections.abc import Mapping
from typing import Any

from payments import errors, facts
from payments.gateway import calling
from payments.models import GatewayAccount


def create_setup(
    account: GatewayAccount, *, key: str, customer_id: str, metadata: Mapping[str, str]
) -> facts.Setup:
    """A SetupIntent that our page confirms with the Payment Element: the card is kept for charges off session."""
    params: dict[str, Any] = {
        "customer": customer_id,
        "usage": "off_session",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": dict(metadata),
        **calling.configuration(),
    }
    return facts.from_setup(
        calling.created(
            account,
            lambda v1: v1.setup_intents.create(params, calling.key(key)),
            again=lambda v1, id: v1.setup_intents.retrieve(id),
        )
    )


def retrieve_setup(account: GatewayAccount, setup_id: str) -> facts.Setup:
    """The SetupIntent with its card told along."""
    params = {"expand": ["payment_method"]}
    return facts.from_setup(
        calling.call(account, lambda v1: v1.setup_intents.retrieve(setup_id, params)).to_dict()
    )


def find_setup(account: GatewayAccount, *, customer_id: str, setup_public_id: str) -> facts.Setup | None:
    """The customer's SetupIntent that carries our id; None is a proof of absence."""
    mine = calling.first(
        account,
        lambda v1: v1.setup_intents.list({"customer": customer_id, "limit": calling.LIST_LIMIT}),
        metadata={facts.SETUP_KEY: setup_public_id},
    )
    return facts.from_setup(mine) if mine else None


def cards_of(account: GatewayAccount, *, customer_id: str) -> list[facts.Card]:
    """Every card that Stripe keeps for this customer, newest first."""

    def listed(v1: Any) -> list[facts.Card]:
        page = v1.payment_methods.list({"customer": customer_id, "type": "card", "limit": calling.LIST_LIMIT})
        return [facts.from_card(found.to_dict()) for found in page.auto_paging_iter()]

    return calling.call(account, listed)


def detach_card(account: GatewayAccount, payment_method_id: str) -> None:
    """Let Stripe forget the card; one that it does not keep any more is no failure."""
    try:
        calling.call(account, lambda v1: v1.payment_methods.detach(payment_method_id))
    except errors.GatewayRefused as refusal:
        if refusal.reason in ("payment_method_unexpected_state", "resource_missing"):
            return
        kept = calling.call(account, lambda v1: v1.payment_methods.retrieve(payment_method_id)).to_dict()
        if kept.get("customer"):
            raise


def prefer_card(account: GatewayAccount, *, customer_id: str, payment_method_id: str) -> None:
    """The card that Stripe takes for this customer's invoices, as the portal shows it."""
    params: dict[str, Any] = {"invoice_settings": {"default_payment_method": payment_method_id}}
    calling.call(account, lambda v1: v1.customers.update(customer_id, params))


def create_portal(account: GatewayAccount, *, customer_id: str, return_url: str) -> str:
    """The address of Stripe's portal for this customer, good for a short time. Makes nothing that costs or stays."""
    params = {"customer": customer_id, "return_url": return_url}
    made = calling.call(account, lambda v1: v1.billing_portal.sessions.create(params))
    return str(made["url"])
