"""Lists: newest first, paged by cursor, filtered by `created` and by the values objects are linked by."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox import errors
from sandbox.call import Call
from sandbox.selection import Selection
from sandbox.store import Object, public

OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
DEFAULT_LIMIT, GREATEST_LIMIT = 10, 100


def page(call: Call, *, type: str, url: str, matching: dict[str, Iterable[str]] | None = None) -> Object:
    """One page of the call's `limit`, `starting_after`, `ending_before` and `created`."""
    _one_direction(call)
    limit = _limit(call)
    before = _position(call, type=type, param="ending_before")
    found = call.world.store.select(
        Selection(
            type=type,
            matching=matching or {},
            created=_created(call.params.get("created")),
            after=_position(call, type=type, param="starting_after"),
            before=before,
            limit=limit + 1,
        )
    )
    kept = found[-limit:] if before else found[:limit]
    return listed([public(body) for body in kept], url=url, has_more=len(found) > limit)


def _limit(call: Call) -> int:
    limit: int = call.params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= GREATEST_LIMIT:
        raise errors.StripeError(
            f"This value must be {'greater than or equal to 1' if limit < 1 else 'less than or equal to 100'}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def listed(data: list[Object], *, url: str, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def sliced(call: Call, found: list[Object], *, url: str) -> Object:
    """As `page`, of objects that are parts of another: `starting_after` and `ending_before` name one of them."""
    _one_direction(call)
    limit = _limit(call)
    names = [one["id"] for one in found]
    start, end = call.params.get("starting_after"), call.params.get("ending_before")
    for param, id in (("starting_after", start), ("ending_before", end)):
        if id is not None and id not in names:
            raise errors.missing(kind="line item", id=id, param=param)
    first = names.index(start) + 1 if start else 0
    last = names.index(end) if end else len(found)
    kept = found[first:last][-limit:] if end else found[first:last][:limit]
    return listed(kept, url=url, has_more=len(kept) < last - first)


def matching(call: Call, *fields: str) -> dict[str, Iterable[str]]:
    """The call's parameters of these names, as filters."""
    return {field: [call.params[field]] for field in fields if field in call.params}


def _created(wanted: int | dict[str, int] | None) -> list[tuple[str, int]]:
    if isinstance(wanted, dict):
        return [(OPERATORS[name], seconds) for name, seconds in wanted.items()]
    return [] if wanted is None else [("=", wanted)]


def _one_direction(call: Call) -> None:
    if "starting_after" in call.params and "ending_before" in call.params:
        raise errors.StripeError(
            "Received both starting_after and ending_before parameters. Please pass in only one."
        )


def _position(call: Call, *, type: str, param: str) -> int | None:
    id = call.params.get(param)
    if id is None:
        return None
    call.find(kind=type, id=id, param=param)
    return call.world.store.position(id)
