"""Stripe's events during the demonstration: read from the list that Stripe keeps, and handled here and now.

No webhook is sent meanwhile (Sandbox.without_webhooks), so that nobody waits for one, and no worker handles at its own
time what belongs into a told past. A row is stored once its event is handled: killed between the two, it is handled
again, which changes nothing. What has to wait for another event is tried again with the next ones, and left to the
workers in the end. Called by the demonstration's modules alone.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from core import clock
from payments import demo_sandbox, handling, inbox, tasks
from payments.models import EventState, GatewayAccount, WebhookEndpoint, WebhookEvent

Event = dict[str, Any]


class Events:
    """The events of one account, at its own endpoint."""

    def __init__(self, account: GatewayAccount, sandbox: demo_sandbox.Sandbox) -> None:
        endpoints = WebhookEndpoint.objects.select_related("gateway_account__merchant")
        self._endpoint = endpoints.filter(gateway_account=account).earliest("pk")
        self._sandbox = sandbox
        self._newest = ""
        self._waiting: list[Event] = []

    def hear(self) -> None:
        """Return when what Stripe has told so far is handled, as far as it can be."""
        if not self._newest:
            self._handle(self._untold())
        else:
            for page in self._sandbox.events_after(self._newest):
                self._newest = page[-1]["id"]
                self._handle(page)

    def leave(self) -> None:
        """Give what still waits to the workers."""
        for event in self._waiting:
            inbox.receive(**_columns(self._endpoint, event), payload=json.dumps(event))
        self._waiting = []

    def _untold(self) -> list[Event]:
        """What an earlier run left, or a webhook that never came; oldest first."""
        untold: list[Event] = []
        for page in self._sandbox.events():
            self._newest = self._newest or (page[0]["id"] if page else "")
            mine = WebhookEvent.objects.filter(
                endpoint=self._endpoint, stripe_event_id__in=[event["id"] for event in page]
            )
            known = set(mine.values_list("stripe_event_id", flat=True))
            untold += [event for event in page if event["id"] not in known]
        return untold[::-1]

    def _handle(self, told: Iterable[Event]) -> None:
        tried, self._waiting = [*self._waiting, *told], []
        rows = [row for event in tried if (row := self._handled(event)) is not None]
        WebhookEvent.objects.bulk_create(rows, ignore_conflicts=True)

    def _handled(self, event: Event) -> WebhookEvent | None:
        now = clock.now()
        row = WebhookEvent(
            **_columns(self._endpoint, event), payload=event, received_at=now, due_at=now, attempts=1
        )
        row.endpoint = self._endpoint
        try:
            done = tasks.handle(row)
        except handling.WAITS:
            self._waiting.append(event)
            return None
        row.state = EventState.IGNORED if done.ignored else EventState.HANDLED
        row.outcome, row.handled_at = done.outcome[:200], clock.now()
        return row


def _columns(endpoint: WebhookEndpoint, event: Event) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.pk,
        "stripe_event_id": event["id"],
        "type": event["type"],
        "api_version": event.get("api_version") or "",
        "account": event.get("account") or "",
        "livemode": event["livemode"],
        "stripe_created": datetime.fromtimestamp(event["created"], tz=UTC),
    }
