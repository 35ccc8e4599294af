"""Early fraud warnings: the issuer suspects a payment; nothing moves yet."""

from __future__ import annotations

from sandbox import ids, listing
from sandbox.call import Call
from sandbox.store import Object

KIND = "radar.early_fraud_warning"


def open_for(call: Call, *, charge: Object) -> Object:
    warning: Object = {
        "id": ids.new(KIND),
        "object": KIND,
        "actionable": True,
        "charge": charge["id"],
        "created": call.now,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    _aged(call, warning)
    call.save(warning)
    call.emit("radar.early_fraud_warning.created", warning)
    return warning


def _aged(call: Call, warning: Object) -> Object:
    """Nothing is left to do once the charge is refunded or disputed."""
    charge = call.find(kind="charge", id=warning["charge"])
    warning["actionable"] = not charge["refunded"] and not charge["disputed"]
    return warning


def retrieve(call: Call) -> Object:
    return _aged(call, call.find(kind=KIND, id=call.ids["id"]))


def page(call: Call) -> Object:
    found = listing.page(
        call,
        type=KIND,
        url="/v1/radar/early_fraud_warnings",
        matching=listing.matching(call, "charge", "payment_intent"),
    )
    found["data"] = [_aged(call, warning) for warning in found["data"]]
    return found
