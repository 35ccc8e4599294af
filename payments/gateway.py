"""Every call to Stripe, and the only module that makes one.

Refuses to run inside a database transaction. Answers are facts (payments/facts.py); failures are named errors
(payments/errors.py): a lost or unclear answer is GatewayUnknown, never a failure. Every POST carries an idempotency key
made by the caller from our own row.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import stripe
from django.conf import settings
from django.db import transaction

from payments import errors, facts
from payments.models import GatewayAccount

T = TypeVar("T")
CHECKOUT_SECONDS = 30 * 60  # Stripe's minimum life of a Checkout Session.
LIST_LIMIT = 100


def publishable_key(account: GatewayAccount) -> str:
    return account.publishable_key or settings.STRIPE_PUBLISHABLE_KEY


def secret_key(account: GatewayAccount) -> str:
    """The merchant's own key, else the installation's, which only the default merchant may use."""
    if account.secret_key:
        return account.secret_key
    if not account.merchant.is_default:
        raise errors.GatewayMisconfigured()
    return settings.STRIPE_SECRET_KEY


@lru_cache(maxsize=64)
def _client(key: str, *, base: str, retries: int, timeout_seconds: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": base},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout_seconds),
    )


def _refuse_inside_transaction() -> None:
    try:
        with transaction.atomic(durable=True):
            pass
    except RuntimeError as inside:
        raise errors.InsideTransaction(
            "Stripe must not be called inside a database transaction: it may take seconds, and a rollback "
            "cannot undo it."
        ) from inside


def _call(account: GatewayAccount, ask: Callable[[Any], T]) -> T:
    _refuse_inside_transaction()
    client = _client(
        secret_key(account),
        base=settings.STRIPE_API_BASE,
        retries=settings.STRIPE_MAX_RETRIES,
        timeout_seconds=settings.STRIPE_TIMEOUT_SECONDS,
    )
    try:
        return ask(client.v1)
    except stripe.CardError as error:
        raise _refused(error) from error
    except stripe.RateLimitError as error:
        raise errors.GatewayBusy() from error
    except stripe.IdempotencyError as error:
        if error.code == "idempotency_key_in_use":
            raise errors.GatewayBusy() from error
        raise
    except stripe.APIConnectionError as error:
        raise errors.GatewayUnknown() from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise errors.GatewayMisconfigured() from error
    except stripe.InvalidRequestError as error:
        raise _refused(error) from error
    except stripe.APIError as error:
        if error.http_status == 409:
            raise errors.GatewayBusy() from error
        raise errors.GatewayStoredFailure() from error


def _refused(error: stripe.StripeError) -> errors.GatewayRefused:
    body = (error.json_body or {}).get("error", {}) if isinstance(error.json_body, dict) else {}
    return errors.GatewayRefused(
        error.user_message or "The payment service refused this request.",
        reason=error.code or "",
        decline_code=body.get("decline_code") or "",
        payload=body,
    )


def _first(
    account: GatewayAccount, listing: Callable[[Any], Any], *, metadata: Mapping[str, str]
) -> facts.Object | None:
    """The newest listed object whose metadata holds these values; every page is read before None is said."""

    def search(v1: Any) -> facts.Object | None:
        for found in listing(v1).auto_paging_iter():
            obj: dict[str, Any] = found.to_dict()
            if metadata.items() <= (obj.get("metadata") or {}).items():
                return obj
        return None

    return _call(account, search)


def _key(key: str) -> dict[str, str]:
    return {"idempotency_key": key}


def _created(
    account: GatewayAccount, ask: Callable[[Any], Any], *, again: Callable[[Any, str], Any]
) -> dict[str, Any]:
    """What this POST made, as it is now: an answer that Stripe replays for its key is as old as the first one."""
    made = _call(account, ask)
    if made.last_response is not None and made.last_response.headers.get("Idempotent-Replayed") == "true":
        made = _call(account, lambda v1: again(v1, made["id"]))
    answer: dict[str, Any] = made.to_dict()
    return answer


def create_customer(
    account: GatewayAccount, *, key: str, email: str, name: str, metadata: Mapping[str, str]
) -> str:
    """Returns Stripe's customer id."""
    params = {"email": email, "name": name, "metadata": dict(metadata)}
    return _call(account, lambda v1: v1.customers.create(params, _key(key)))["id"]


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
) -> facts.Intent:
    """A PaymentIntent that our page confirms with the Payment Element; nothing that redirects away."""
    params: dict[str, Any] = {
        "amount": amount_minor,
        "currency": currency,
        "customer": customer_id,
        "description": description,
        "statement_descriptor_suffix": descriptor_suffix,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "metadata": dict(metadata),
        **_configuration(),
    }
    return facts.from_intent(
        _created(
            account,
            lambda v1: v1.payment_intents.create(params, _key(key)),
            again=lambda v1, id: v1.payment_intents.retrieve(id),
        )
    )


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
        **_configuration(),
    }
    return facts.from_session(
        _created(
            account,
            lambda v1: v1.checkout.sessions.create(params, _key(key)),
            again=lambda v1, id: v1.checkout.sessions.retrieve(id),
        )
    )


def _configuration() -> dict[str, str]:
    """Which methods may be offered is configured at Stripe, never sent as a list of types."""
    configured = settings.STRIPE_PAYMENT_METHOD_CONFIGURATION
    return {"payment_method_configuration": configured} if configured else {}


def retrieve_intent(account: GatewayAccount, intent_id: str) -> facts.Intent:
    return facts.from_intent(_call(account, lambda v1: v1.payment_intents.retrieve(intent_id)).to_dict())


def cancel_intent(account: GatewayAccount, intent_id: str) -> facts.Intent:
    """Cancels, or tells how it stands when it can no longer be canceled (paid, canceled before)."""
    try:
        return facts.from_intent(_call(account, lambda v1: v1.payment_intents.cancel(intent_id)).to_dict())
    except errors.GatewayRefused as refusal:
        if refusal.reason != "payment_intent_unexpected_state":
            raise
    return retrieve_intent(account, intent_id)


def find_intent(account: GatewayAccount, *, customer_id: str, payment_public_id: str) -> facts.Intent | None:
    """The customer's intent that carries our payment's id, newest first; None is a proof of absence."""
    mine = _first(
        account,
        lambda v1: v1.payment_intents.list({"customer": customer_id, "limit": LIST_LIMIT}),
        metadata={facts.PAYMENT_KEY: payment_public_id},
    )
    return facts.from_intent(mine) if mine else None


def retrieve_session(account: GatewayAccount, session_id: str) -> facts.Session:
    return facts.from_session(_call(account, lambda v1: v1.checkout.sessions.retrieve(session_id)).to_dict())


def expire_session(account: GatewayAccount, session_id: str) -> facts.Session:
    """Expires, or tells how it stands when it is no longer open: expiring twice is no failure."""
    try:
        return facts.from_session(
            _call(account, lambda v1: v1.checkout.sessions.expire(session_id)).to_dict()
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
    mine = _first(
        account,
        lambda v1: v1.checkout.sessions.list({"customer": customer_id, "limit": LIST_LIMIT}),
        metadata={facts.PAYMENT_KEY: payment_public_id},
    )
    return facts.from_session(mine) if mine else None


def retrieve_charge(account: GatewayAccount, charge_id: str) -> Mapping[str, Any]:
    return _call(account, lambda v1: v1.charges.retrieve(charge_id)).to_dict()


def create_refund(
    account: GatewayAccount, *, key: str, charge_id: str, amount_minor: int, metadata: Mapping[str, str]
) -> facts.RefundNews:
    params: dict[str, Any] = {"charge": charge_id, "amount": amount_minor, "metadata": dict(metadata)}
    return facts.from_refund(
        _created(
            account,
            lambda v1: v1.refunds.create(params, _key(key)),
            again=lambda v1, id: v1.refunds.retrieve(id),
        )
    )


def retrieve_refund(account: GatewayAccount, refund_id: str) -> facts.RefundNews:
    return facts.from_refund(_call(account, lambda v1: v1.refunds.retrieve(refund_id)).to_dict())


def find_refund(account: GatewayAccount, *, charge_id: str, refund_public_id: str) -> facts.RefundNews | None:
    """The charge's refund that carries our refund's id; None is a proof of absence."""
    mine = _first(
        account,
        lambda v1: v1.refunds.list({"charge": charge_id, "limit": LIST_LIMIT}),
        metadata={facts.REFUND_KEY: refund_public_id},
    )
    return facts.from_refund(mine) if mine else None


def balance_transactions(
    account: GatewayAccount, *, newer_than: str = "", since: datetime | None = None
) -> Iterator[list[facts.BalanceChange]]:
    """Pages of balance transactions: those newer than a known id, or created since a moment, or all."""
    params: dict[str, Any] = {"limit": LIST_LIMIT}
    if newer_than:
        params["ending_before"] = newer_than
    elif since:
        params["created"] = {"gte": int(since.timestamp())}
    while True:
        page = _balance_page(account, params)
        rows = [facts.from_balance_transaction(row.to_dict()) for row in page["data"]]
        if rows:
            yield rows
        if not page["has_more"]:
            return
        # Stripe lists newest first; before a cursor, the page next to it.
        step = {"ending_before": rows[0].id} if newer_than else {"starting_after": rows[-1].id}
        params = {**params, **step}


def _balance_page(account: GatewayAccount, params: dict[str, Any]) -> Any:
    return _call(account, lambda v1: v1.balance_transactions.list(params))


def balance(account: GatewayAccount, *, currency: str) -> int:
    """Stripe's balance, available and pending together, in minor units."""
    found = _call(account, lambda v1: v1.balance.retrieve()).to_dict()
    return sum(
        part["amount"]
        for kind in ("available", "pending")
        for part in found.get(kind) or ()
        if part["currency"] == currency
    )


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
    return _call(account, lambda v1: resource(v1).retrieve(object_id)).to_dict(for_json=True)


def account_id(account: GatewayAccount) -> str:
    """Whose key this is: acct_…"""
    return str(_call(account, lambda v1: v1.accounts.retrieve_current())["id"])
