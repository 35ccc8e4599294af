"""Any object as Stripe has it now, and whose key this is."""

from collections.abc import Callable, Mapping
from typing import Any

from payments.gateway import calling
from payments.models import GatewayAccount

RESOURCES: Mapping[str, Callable[[Any], Any]] = {
    "payment_intent": lambda v1: v1.payment_intents,
    "charge": lambda v1: v1.charges,
    "refund": lambda v1: v1.refunds,
    "checkout.session": lambda v1: v1.checkout.sessions,
    "customer": lambda v1: v1.customers,
    "payment_method": lambda v1: v1.payment_methods,
    "setup_intent": lambda v1: v1.setup_intents,
    "balance_transaction": lambda v1: v1.balance_transactions,
    "dispute": lambda v1: v1.disputes,
    "payout": lambda v1: v1.payouts,
    "product": lambda v1: v1.products,
    "price": lambda v1: v1.prices,
    "invoice": lambda v1: v1.invoices,
    "account": lambda v1: v1.accounts,
    "subscription": lambda v1: v1.subscriptions,
}


def retrieve(account: GatewayAccount, object_type: str, object_id: str) -> Mapping[str, Any]:
    """Any object that the mirror keeps, as Stripe has it now (in our API version), as a plain mapping."""
    resource = RESOURCES[object_type]
    return calling.call(account, lambda v1: resource(v1).retrieve(object_id)).to_dict(for_json=True)


def account_id(account: GatewayAccount) -> str:
    """Whose key this is: acct_…"""
    return str(calling.call(account, lambda v1: v1.accounts.retrieve_current(), whosoever=True)["id"])
