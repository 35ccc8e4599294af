"""Every call to Stripe, and the only package that makes one: a module for each resource, `calling` under them all.

Refuses to run inside a database transaction. Answers are facts (payments/facts); failures are named errors
(payments/errors.py): a lost or unclear answer is GatewayUnknown, never a failure. Every POST carries an idempotency key
made by the caller from our own row.
"""

from payments.gateway.balances import balance, balance_transactions, payouts
from payments.gateway.calling import publishable_key, secret_key
from payments.gateway.cards import (
    cards_of,
    create_portal,
    create_setup,
    detach_card,
    find_setup,
    prefer_card,
    retrieve_setup,
)
from payments.gateway.customers import create_customer, find_customer
from payments.gateway.intents import (
    cancel_intent,
    capture_intent,
    confirm_intent,
    create_intent,
    find_intent,
    retrieve_intent,
)
from payments.gateway.objects import RESOURCES, account_id, retrieve
from payments.gateway.refunds import create_refund, find_refund, retrieve_charge, retrieve_refund
from payments.gateway.sessions import (
    CHECKOUT_SECONDS,
    create_session,
    expire_session,
    find_session,
    retrieve_session,
)

__all__ = [
    "CHECKOUT_SECONDS",
    "RESOURCES",
    "account_id",
    "balance",
    "balance_transactions",
    "cancel_intent",
    "capture_intent",
    "cards_of",
    "confirm_intent",
    "create_customer",
    "create_intent",
    "create_portal",
    "create_refund",
    "create_session",
    "create_setup",
    "detach_card",
    "expire_session",
    "find_customer",
    "find_intent",
    "find_refund",
    "find_session",
    "find_setup",
    "payouts",
    "prefer_card",
    "publishable_key",
    "retrieve",
    "retrieve_charge",
    "retrieve_intent",
    "retrieve_refund",
    "retrieve_session",
    "retrieve_setup",
    "secret_key",
]
