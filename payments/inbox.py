"""Stripe's events as rows to be worked off. The row is the queue; the broker only a doorbell.

`receive` (the webhook view, one statement) leaves a row; `claim` hands rows to one worker each; `finish`,
`postpone`, `fail` and `release` say what came of them.

Invariants: a claimed row is nobody else's until its lease ends, because claiming moves `due_at` to the end of
the lease; what a worker says counts only while the row still carries the lease that it was claimed with, so a
worker whose lease ran out cannot overwrite another's result. A worker that dies needs no cleaning up: its rows
come due by themselves.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When

from core import clock, doorbell
from payments.models import EventState, WebhookEndpoint, WebhookEvent

HANDLE_TASK = "payments.handle_events"
LEASE_SECONDS = 120
BATCH = 20
# 10 s, 25 s, 1 min, … 26 h: twelve attempts in about two days.
MAX_ATTEMPTS = 12
BACKOFF_SECONDS = 10.0
BACKOFF_FACTOR = 2.5
# An event that has to wait for another is looked at again after this share of its age.
POSTPONE_SHARE = 0.5
POSTPONE_MIN = timedelta(seconds=2)
POSTPONE_MAX = timedelta(hours=1)
# Whatever it waits for did not come within Stripe's own days of retrying: from then on waiting is failing.
WAIT_AT_MOST = timedelta(days=3)

_DUE_STATES = (EventState.PENDING, EventState.FAILED)

_RECEIVE = """
INSERT INTO payments_webhookevent AS stored
    (endpoint_id, stripe_event_id, type, api_version, account, livemode, stripe_created, payload,
     state, received_at, due_at, deliveries, attempts, outcome, last_error)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, 'pending', %s, %s, 1, 0, '', '')
ON CONFLICT (endpoint_id, stripe_event_id) DO UPDATE SET
    deliveries = stored.deliveries + 1,
    state = CASE WHEN stored.state = 'dead' THEN 'failed' ELSE stored.state END,
    attempts = CASE WHEN stored.state = 'dead' THEN 0 ELSE stored.attempts END,
    due_at = CASE
        WHEN stored.state IN ('failed', 'dead')
            AND (stored.lease_until IS NULL OR stored.lease_until <= excluded.received_at)
        THEN excluded.due_at ELSE stored.due_at END
"""

# The states are written out so that PostgreSQL sees that the partial index event_due answers. Materialized: a plan that
# asks for the due rows once per event would claim more than the limit.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id, due_at FROM payments_webhookevent
    WHERE state IN ('pending', 'failed') AND due_at <= %s
    ORDER BY due_at, id LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE payments_webhookevent AS event
SET lease_until = %s, due_at = %s, attempts = event.attempts + 1
FROM due WHERE event.id = due.id
RETURNING event.*, due.due_at AS was_due_at
"""


def receive(
    *,
    endpoint_id: int,
    stripe_event_id: str,
    type: str,
    api_version: str,
    account: str,
    livemode: bool,
    stripe_created: datetime,
    payload: str,
) -> None:
    """Store one delivery, in one statement. `payload` is the event's JSON text.

    A repeated delivery is counted, and makes a failed or dead row due again unless somebody is at it.
    """
    now = clock.now()
    about = (endpoint_id, stripe_event_id, type, api_version, account, livemode, stripe_created)
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVE, (*about, payload, now, now))


def claim(*, batch: int = BATCH, lease_seconds: float = LEASE_SECONDS) -> list[WebhookEvent]:
    """Take up to `batch` due rows, longest due first, each with its endpoint, account and merchant loaded.

    Nobody else gets them until the lease ends. An attempt counts when it begins, so an event that kills its
    worker is given up in the end.
    """
    now = clock.now()
    lease_until = now + timedelta(seconds=lease_seconds)
    claimed = list(WebhookEvent.objects.raw(_CLAIM, [now, batch, lease_until, lease_until]))
    if not claimed:
        return []
    claimed.sort(key=lambda event: (getattr(event, "was_due_at"), event.pk))  # noqa: B009 - a column of ours
    endpoints = (
        WebhookEndpoint.objects.select_related("gateway_account__merchant")
        .defer("secrets")  # the account's key tells its mode, which every event is checked against
        .in_bulk({event.endpoint_id for event in claimed})
    )
    for event in claimed:
        event.endpoint = endpoints[event.endpoint_id]
    return claimed


def mine_still(event: WebhookEvent, *, spare_seconds: float) -> bool:
    """Whether this claim's lease lasts for at least so long."""
    return (
        event.lease_until is not None and clock.now() + timedelta(seconds=spare_seconds) < event.lease_until
    )


def finish(event: WebhookEvent, *, outcome: str, ignored: bool = False) -> bool:
    """Stamp the event as handled, or as ignored by name. False: the lease was lost, nothing was written."""
    return _settle(
        event,
        state=EventState.IGNORED if ignored else EventState.HANDLED,
        handled_at=clock.now(),
        outcome=outcome[:200],
        last_error="",
    )


def postpone(event: WebhookEvent, *, reason: str) -> bool:
    """It has to wait for something else; no failure, no attempt used. Past WAIT_AT_MOST it is one."""
    age = clock.now() - event.received_at
    if age > WAIT_AT_MOST:
        return fail(event, error=f"Waited in vain: {reason}")
    wait = min(max(age * POSTPONE_SHARE, POSTPONE_MIN), POSTPONE_MAX)
    return _settle(
        event,
        due_at=clock.now() + wait,
        attempts=max(event.attempts - 1, 0),
        outcome=f"Waits: {reason}"[:200],
    )


def fail(event: WebhookEvent, *, error: str, final: bool = False) -> bool:
    """Try again after a growing pause; after MAX_ATTEMPTS, or when `final`, leave it to a person."""
    dead = final or event.attempts >= MAX_ATTEMPTS
    return _settle(
        event,
        state=EventState.DEAD if dead else EventState.FAILED,
        due_at=clock.now() + backoff(attempts=event.attempts),
        outcome="",
        last_error=error[:4000],
    )


def release(event: WebhookEvent) -> bool:
    """Give a claimed row back untouched."""
    return _settle(event, due_at=clock.now(), attempts=max(event.attempts - 1, 0))


def _settle(event: WebhookEvent, **values: object) -> bool:
    mine = WebhookEvent.objects.filter(pk=event.pk, lease_until=event.lease_until, state__in=_DUE_STATES)
    return mine.update(lease_until=None, **values) == 1


def backoff(*, attempts: int) -> timedelta:
    """The pause after so many attempts, give or take a fifth: failures of one cause do not come back as one."""
    seconds = BACKOFF_SECONDS * BACKOFF_FACTOR ** max(attempts - 1, 0)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, hides nothing


def replay(*, event_ids: Sequence[int]) -> int:
    """Staff: handle these once more, whatever came of them before; how many. Rows being handled are left."""
    now = clock.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    done = When(state__in=(EventState.HANDLED, EventState.IGNORED), then=Value(EventState.PENDING))
    count = WebhookEvent.objects.filter(free, pk__in=event_ids).update(
        state=Case(done, When(state=EventState.DEAD, then=Value(EventState.FAILED)), default=F("state")),
        attempts=0,
        due_at=now,
        lease_until=None,
    )
    doorbell.ring(HANDLE_TASK)
    return count


def waiting() -> QuerySet[WebhookEvent]:
    """Events not handled yet, dead ones not among them."""
    return WebhookEvent.objects.filter(state__in=_DUE_STATES)
