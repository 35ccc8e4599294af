"""Tax rates, and the tax that they make of an amount."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox import ids, listing, metadata
from sandbox.call import Call
from sandbox.store import Object, public

KIND = "tax_rate"
PLACE = ("country", "description", "jurisdiction", "state", "tax_type")


def create(call: Call) -> Object:
    rate = add(call, wanted=call.params)
    call.emit("tax_rate.created", rate)
    return rate


def add(call: Call, *, wanted: dict[str, Any]) -> Object:
    """A stored rate; also what `tax_rate_data` of an invoice line makes."""
    percentage = float(wanted["percentage"])
    rate: Object = {
        "id": ids.new(KIND),
        "object": KIND,
        "active": wanted.get("active", True),
        "created": call.now,
        "display_name": wanted["display_name"],
        "effective_percentage": percentage,
        "flat_amount": None,
        "inclusive": wanted["inclusive"],
        "jurisdiction_level": wanted.get("jurisdiction_level"),
        "livemode": False,
        "metadata": metadata.merged(current={}, sent=wanted.get("metadata")),
        "percentage": percentage,
        "rate_type": "percentage",
    } | {name: wanted.get(name) for name in PLACE}
    return call.save(rate)


def named(call: Call, names: list[str] | str | None, *, param: str) -> list[Object]:
    """The rates of these ids, as an invoice or an item shows them."""
    return [public(call.find(kind=KIND, id=id, param=param)) for id in names or []]


def of(amount_minor: int, rate: Object) -> int:
    """The tax on (or, when inclusive, in) an amount, half up to the minor unit."""
    percentage = Decimal(str(rate["percentage"]))
    share = percentage / (100 + percentage) if rate["inclusive"] else percentage / 100
    return int((amount_minor * share).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def retrieve(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def update(call: Call) -> Object:
    rate = call.find(kind=KIND, id=call.ids["id"])
    for name in ("active", "display_name", *PLACE):
        if name in call.params:
            rate[name] = call.params[name]
    rate["metadata"] = metadata.merged(current=rate["metadata"], sent=call.params.get("metadata"))
    call.save(rate)
    call.emit("tax_rate.updated", rate)
    return rate


def page(call: Call) -> Object:
    return listing.page(call, type=KIND, url="/v1/tax_rates")
