"""Events: one per thing that happened, frozen as it was, with a delivery for every endpoint that asked for it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from sandbox import ids
from sandbox.config import API_VERSION
from sandbox.store import Object, private, public

if TYPE_CHECKING:
    from sandbox.call import Call

GIVE_UP_AFTER_SECONDS = 3 * 24 * 3600


def emit(call: Call, *, type: str, body: Object) -> Object:
    """Stores the event and queues its deliveries in the same transaction."""
    data: dict[str, Any] = {"object": copy.deepcopy(public(body))}
    if type.endswith(".updated"):
        data["previous_attributes"] = _previous(call, body)
    endpoints = [endpoint for endpoint in call.world.endpoints() if _wants(endpoint, type)]
    event: Object = {
        "id": ids.new("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": call.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": len(endpoints),
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": type,
    }
    call.save(event)
    for endpoint in endpoints:
        call.world.deliveries.queue(event=event, endpoint=endpoint["id"])
    return event


def _wants(endpoint: Object, type: str) -> bool:
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or type in enabled)


def _previous(call: Call, body: Object) -> dict[str, Any]:
    """The old values of what changed; of a hash only the keys that changed, as Stripe does."""
    before = call.world.store.stored(body["id"]) or {}
    return _changed(public(before), public(body))


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        changed[name] = _changed(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return changed


def signing_secret(endpoint: Object) -> str:
    return str(private(endpoint)["secret"])
