"""`expand[]`: ids replaced by the objects they name, four levels deep, through lists by `data`."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.call import Call
from sandbox.includes import INCLUDES
from sandbox.store import Object, public

DEEPEST = 4


def apply(call: Call, *, body: Object, paths: list[str]) -> Object:
    """A copy of the answer with every path expanded; refuses what Stripe cannot expand."""
    expanded = dict(body)
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise errors.StripeError(
                f"You cannot expand more than {DEEPEST} levels of a property", param="expand"
            )
        _expand(call, node=expanded, steps=steps, path=path)
    return expanded


def _expand(call: Call, *, node: Any, steps: list[str], path: str) -> None:
    field, rest = steps[0], steps[1:]
    if node["object"] == "list" and field == "data" and rest:
        node["data"] = [dict(item) for item in node["data"]]
        for item in node["data"]:
            _expand(call, node=item, steps=rest, path=path)
        return
    child = _child(call, node=node, field=field, path=path)
    if isinstance(child, dict) and rest:
        node[field] = dict(child)
        if "object" in child:
            _expand(call, node=node[field], steps=rest, path=path)
    elif isinstance(child, dict):
        node[field] = child


def _child(call: Call, *, node: Object, field: str, path: str) -> Any:
    include = INCLUDES.get((node["object"], field))
    if include:
        return include(call, node)
    value = node.get(field)
    if isinstance(value, dict) and "object" in value:
        return value
    if call.world.catalog.expands_to(type=node["object"], field=field) is None:
        raise errors.StripeError(f"This property cannot be expanded ({path}).", param="expand")
    found = call.world.store.get(value) if isinstance(value, str) else None
    return public(found) if found else value
