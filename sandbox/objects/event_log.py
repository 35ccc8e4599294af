"""Events, as the API lists and retrieves them."""

from __future__ import annotations

from sandbox import errors, listing
from sandbox.call import Call
from sandbox.store import Object


def retrieve(call: Call) -> Object:
    return _current(call, call.find(kind="event", id=call.ids["id"]))


def page(call: Call) -> Object:
    types = call.params.get("types")
    if types and call.params.get("type"):
        raise errors.StripeError("You may only specify one of these parameters: type, types.", param="types")
    wanted = {"type": types or [call.params["type"]]} if types or call.params.get("type") else None
    found = listing.page(call, type="event", url="/v1/events", matching=wanted)
    found["data"] = [_current(call, event) for event in found["data"]]
    if "delivery_success" in call.params:
        delivered = call.params["delivery_success"]
        found["data"] = [event for event in found["data"] if (event["pending_webhooks"] == 0) is delivered]
    return found


def _current(call: Call, event: Object) -> Object:
    """`pending_webhooks` is the one field of an event that moves."""
    return event | {"pending_webhooks": call.world.deliveries.pending_of(event["id"])}


def redeliver(call: Call) -> Object:
    """Queues the event again for every enabled endpoint, whatever became of it before: for the control API."""
    event = call.find(kind="event", id=call.ids["id"])
    return {"event": event["id"], "deliveries": call.world.deliveries.queue_again(event)}
