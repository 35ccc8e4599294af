"""Stripe's events during the demonstration: awaited as webhooks, pulled when they do not come, handled before going on.

Pulling reads the list that Stripe keeps; a row that a webhook brings later is the same row. Called by demo_bookings.
"""

import json
import time
from datetime import UTC, datetime
from typing import Any

from core import clock
from payments import demo_sandbox, inbox, tasks
from payments.models import GatewayAccount, WebhookEndpoint, WebhookEvent

HANDLED_SECONDS = 20.0
PAUSE_SECONDS = 0.1


class Events:
    """The events of one account at its own endpoint, from now on."""

    def __init__(self, account: GatewayAccount, sandbox: demo_sandbox.Sandbox) -> None:
        self._endpoint = WebhookEndpoint.objects.filter(gateway_account=account).earliest("pk")
        self._sandbox = sandbox
        self._since = clock.now()
        self._webhooks_come = True

    def hear(self) -> None:
        """Return when what Stripe has told so far is handled, by a worker or here."""
        if self._webhooks_come:
            # Not delivered in time, the product is not up: from then on they are pulled at once.
            self._webhooks_come = self._sandbox.wait_for_deliveries()
        self._pull()
        deadline = time.monotonic() + HANDLED_SECONDS
        while tasks.handle_events() or self._left():
            if time.monotonic() > deadline:
                return  # A later call, or a worker, goes on with it.
            time.sleep(PAUSE_SECONDS)

    def _left(self) -> bool:
        return inbox.waiting().filter(endpoint=self._endpoint, received_at__gte=self._since).exists()

    def _pull(self) -> None:
        for page in self._sandbox.events():
            ids = [event["id"] for event in page]
            mine = WebhookEvent.objects.filter(endpoint=self._endpoint, stripe_event_id__in=ids)
            known = set(mine.values_list("stripe_event_id", flat=True))
            for event in reversed(page):
                if event["id"] not in known:
                    self._store(event)
            if known:
                return

    def _store(self, event: dict[str, Any]) -> None:
        inbox.receive(
            endpoint_id=self._endpoint.pk,
            stripe_event_id=event["id"],
            type=event["type"],
            api_version=event.get("api_version") or "",
            account=event.get("account") or "",
            livemode=event["livemode"],
            stripe_created=datetime.fromtimestamp(event["created"], tz=UTC),
            payload=json.dumps(event),
        )
