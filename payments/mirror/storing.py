"""Storing what an event carries or a call answered; marking what has to be fetched."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection

from core import clock
from payments.mirror.rows import Outcome, Result, write
from payments.mirror.shapes import MODELS, record
from payments.models import GatewayAccount, WebhookEvent

logger = logging.getLogger(__name__)

# What is missing has mostly just not arrived yet, and what was done twice in a second is done soon.
REFETCH_AFTER = timedelta(seconds=20)

# What dj-stripe's fields and PostgreSQL's columns raise for a shape that is not theirs.
_UNFIT = (
    DataError,
    IntegrityError,
    ValidationError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)

_MARK = """
INSERT INTO payments_mirrorrefetch AS stored
    (gateway_account_id, object_type, stripe_id, reason, as_of, marked_at, due_at, attempts)
VALUES (%s, %s, %s, %s, %s, %s, %s, 0)
ON CONFLICT (gateway_account_id, object_type, stripe_id) DO UPDATE SET
    reason = excluded.reason, marked_at = excluded.marked_at,
    as_of = greatest(stored.as_of, excluded.as_of)
"""


def store(event: WebhookEvent) -> Result:
    """Mirror the event's object. Calls nobody; whoever decides about money need not wait for the outcome."""
    payload: Mapping[str, Any] = event.payload
    obj: Mapping[str, Any] = payload["data"]["object"]
    account = event.endpoint.gateway_account
    if obj.get("object") not in MODELS or not obj.get("id"):
        return Result(Outcome.NOT_MIRRORED, "no table for it")
    if event.livemode != account.livemode or (event.account or account.stripe_account_id) != (
        account.stripe_account_id
    ):
        return Result(Outcome.NOT_MIRRORED, "another account or mode")
    if event.api_version and event.api_version != settings.STRIPE_API_VERSION:
        result = Result(Outcome.MARKED, f"API version {event.api_version}"[:200])
    else:
        deleted = event.type.endswith(".deleted")
        result = put(account, obj, as_of=event.stripe_created, fetched=False, deleted=deleted)
    if result.outcome == Outcome.MARKED:
        mark(account, obj, reason=result.reason, as_of=event.stripe_created)
    return result


def keep(account: GatewayAccount, obj: Mapping[str, Any], *, as_of: datetime) -> Result:
    """Mirror an object that Stripe answered with; `as_of`: before it was asked."""
    if obj.get("object") not in MODELS:
        return Result(Outcome.NOT_MIRRORED, "no table for it")
    return put(account, obj, as_of=as_of.replace(microsecond=0), fetched=True)


def put(
    account: GatewayAccount, obj: Mapping[str, Any], *, as_of: datetime, fetched: bool, deleted: bool = False
) -> Result:
    """One object into its table, and what a dispute carries of the balance. Statements of their own, each whole."""
    owner = account.stripe_account_id
    if not owner:
        return Result(Outcome.MARKED, "our account's id is not known yet")
    try:
        result = write(record(obj, deleted=deleted), owner=owner, as_of=as_of, fetched=fetched)
        for part in _parts(obj):
            write(record(part), owner=owner, as_of=as_of, fetched=fetched)
    except _UNFIT as error:
        # A shape that dj-stripe's columns do not take: the mirror's trouble, not the money's.
        logger.warning("%s %s does not fit the mirror: %s", obj["object"], obj["id"], type(error).__name__)
        return Result(Outcome.MARKED, "it does not fit dj-stripe's columns")
    return result


def _parts(obj: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if obj["object"] != "dispute":
        return []
    return [part for part in obj.get("balance_transactions") or () if isinstance(part, Mapping)]


def mark(account: GatewayAccount, obj: Mapping[str, Any], *, reason: str, as_of: datetime) -> None:
    """Have it fetched soon. Marking again is harmless, also while it is being fetched."""
    now = clock.now()
    values = [account.pk, obj["object"], obj["id"], reason, as_of, now, now + REFETCH_AFTER]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, values)
