"""Fetching what events could not tell: a relation that is missing, two states within one second, another version.

Each due mark is claimed by moving its `due_at` ahead, looked at outside any transaction, and deleted only when
nobody marked it again meanwhile. A relation that has come by itself costs no call.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from core import clock
from core.errors import Unavailable
from payments import errors, gateway
from payments.mirror.rows import Outcome, Result
from payments.mirror.shapes import MODELS
from payments.mirror.storing import put
from payments.models import BalanceCursor, GatewayAccount, MirrorRefetch

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MAX_PAUSE = timedelta(hours=6)
# An object's relation's relation, e.g. refund -> charge -> intent: enough for every type that is mirrored.
MAX_DEPTH = 3

_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM payments_mirrorrefetch WHERE due_at <= %s
    ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE payments_mirrorrefetch AS mark SET due_at = %s, attempts = mark.attempts + 1
FROM due WHERE mark.id = due.id RETURNING mark.*
"""


def refetch_due(*, limit: int = 20) -> int:
    """Bring what is marked up to date; how many marks were settled. Any number of workers may run at once."""
    now = clock.now()
    settled = 0
    for mark in list(MirrorRefetch.objects.raw(_CLAIM, [now, limit, now + LEASE])):
        account = GatewayAccount.objects.select_related("merchant").get(pk=mark.gateway_account_id)
        try:
            result = _up_to_date(mark, account)
        except Unavailable as wait:
            logger.warning("%s could not be fetched: %s", mark, wait.code)
            _later(mark)
            continue
        if result.outcome == Outcome.MARKED:
            _later(mark)
        else:
            settled += MirrorRefetch.objects.filter(pk=mark.pk, marked_at=mark.marked_at).delete()[0]
    return settled


def _later(mark: MirrorRefetch) -> None:
    pause = min(timedelta(seconds=30) * 2 ** min(mark.attempts, 12), MAX_PAUSE)
    MirrorRefetch.objects.filter(pk=mark.pk).update(due_at=clock.now() + pause)


def _up_to_date(mark: MirrorRefetch, account: GatewayAccount) -> Result:
    if mark.reason.startswith("missing:"):
        linked = _relink(mark, account)
        if linked is not None and linked.outcome != Outcome.MARKED:
            return linked
    return _fetch(account, mark.object_type, mark.stripe_id, at_least=mark.as_of, depth=0)


def _relink(mark: MirrorRefetch, account: GatewayAccount) -> Result | None:
    """The row as it is, once more: its relations may be here by now."""
    model: Any = MODELS[mark.object_type]
    row = model.objects.filter(id=mark.stripe_id, djstripe_owner_account_id=account.stripe_account_id).first()
    if row is None:
        return None
    return put(account, row.stripe_data, as_of=row.djstripe_updated, fetched=True)


def _fetch(
    account: GatewayAccount, object_type: str, stripe_id: str, *, at_least: datetime | None, depth: int
) -> Result:
    """Fetch one object and what it needs. What Stripe does not have (any more) is settled."""
    # Stripe's times are whole seconds: what happens later in this second must still count as newer or equal.
    as_of = clock.now().replace(microsecond=0)
    if at_least is not None:
        # Asked after the event that said so, hence not older, whatever our clock says.
        as_of = max(as_of, at_least)
    try:
        obj = gateway.retrieve(account, object_type, stripe_id)
    except errors.GatewayRefused as refusal:
        logger.info("%s %s is not at Stripe: %s", object_type, stripe_id, refusal.reason)
        return Result(Outcome.STALE, "not at Stripe")
    return _put_with_relations(account, obj, as_of=as_of, depth=depth)


def _put_with_relations(
    account: GatewayAccount, obj: Mapping[str, Any], *, as_of: datetime, depth: int
) -> Result:
    result = put(account, obj, as_of=as_of, fetched=True)
    if not result.missing or depth >= MAX_DEPTH:
        return result
    for relation in result.missing:
        value = obj[relation.name]
        wanted = value["id"] if isinstance(value, Mapping) else value
        if relation.object_type and wanted:
            _fetch(account, relation.object_type, wanted, at_least=None, depth=depth + 1)
    again = put(account, obj, as_of=as_of, fetched=True)
    if again.missing and not any(relation.required for relation in again.missing):
        # Stripe was asked for it: it is not there, or too deep to matter. The row says all that can be said.
        return Result(Outcome.STORED, again.reason)
    return again


def learn_accounts() -> int:
    """Ask Stripe for the ids of accounts that do not know their own yet; how many learned it.

    A newly learned account's balance is read from its beginning: a cursor into another account's would find nothing.
    """
    learned = 0
    for account in GatewayAccount.objects.select_related("merchant").filter(stripe_account_id=""):
        try:
            stripe_account_id = gateway.account_id(account)
        except (Unavailable, errors.GatewayRefused) as wait:
            logger.warning("%s did not tell its id: %s", account, wait.code)
            continue
        with transaction.atomic():
            mine = GatewayAccount.objects.filter(pk=account.pk, stripe_account_id="")
            if mine.update(stripe_account_id=stripe_account_id):
                BalanceCursor.objects.filter(gateway_account=account).update(last_id="")
                learned += 1
    return learned
