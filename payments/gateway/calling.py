"""One call to Stripe: outside any transaction, with the merchant's key, its failures named (payments/errors.py).

A lost or unclear answer is GatewayUnknown, never a failure. Called by the gateway's own modules, one per resource.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import stripe
from django.conf import settings
from django.db import transaction

from payments import errors, facts
from payments.models import GatewayAccount

T = TypeVar("T")
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


def call(account: GatewayAccount, ask: Callable[[Any], T], *, whosoever: bool = False) -> T:
    """What Stripe answers; a failure is one of the named errors.

    With a key that is known to belong to another account nobody is asked: two accounts' money must never mix.
    `whosoever` is for the question whose key it is.
    """
    _refuse_inside_transaction()
    if account.foreign_account_id and not whosoever:
        raise errors.GatewayMisconfigured()
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
        raise errors.GatewayKeyReused() from error
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
    """Stripe writes for card holders when a card was declined, and for programmers else: those words stay here."""
    body = (error.json_body or {}).get("error", {}) if isinstance(error.json_body, dict) else {}
    return errors.GatewayRefused(
        (error.user_message or "") if isinstance(error, stripe.CardError) else "",
        reason=error.code or "",
        decline_code=body.get("decline_code") or "",
        payload=body,
    )


def first(
    account: GatewayAccount, listing: Callable[[Any], Any], *, metadata: Mapping[str, str]
) -> facts.Object | None:
    """The newest listed object whose metadata holds these values; every page is read before None is said."""

    def search(v1: Any) -> facts.Object | None:
        for found in listing(v1).auto_paging_iter():
            obj: dict[str, Any] = found.to_dict()
            if metadata.items() <= (obj.get("metadata") or {}).items():
                return obj
        return None

    return call(account, search)


def key(value: str) -> dict[str, str]:
    return {"idempotency_key": value}


def created(
    account: GatewayAccount, ask: Callable[[Any], Any], *, again: Callable[[Any, str], Any]
) -> dict[str, Any]:
    """What this POST made, as it is now: an answer that Stripe replays for its key is as old as the first one."""
    made = call(account, ask)
    if made.last_response is not None and made.last_response.headers.get("Idempotent-Replayed") == "true":
        made = call(account, lambda v1: again(v1, made["id"]))
    answer: dict[str, Any] = made.to_dict()
    return answer


def configuration() -> dict[str, str]:
    """Which methods may be offered is configured at Stripe, never sent as a list of types."""
    configured = settings.STRIPE_PAYMENT_METHOD_CONFIGURATION
    return {"payment_method_configuration": configured} if configured else {}
