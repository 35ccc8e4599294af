"""`expand[]`: ids replaced by the objects they name, four levels deep, through lists by `data`.

A `kind` is an object's type, with `>field` for every plain hash below it: `checkout.session>total_details`.
"""

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
        _expand(call, node=expanded, kind=body["object"], steps=steps, path=path)
    return expanded


def _expand(call: Call, *, node: Any, kind: str, steps: list[str], path: str) -> None:
    field, rest = steps[0], steps[1:]
    if kind == "list" and field == "data" and rest:
        node["data"] = [dict(item) for item in node["data"]]
        for item in node["data"]:
            _expand(call, node=item, kind=item["object"], steps=rest, path=path)
        return
    child = _child(call, node=node, kind=kind, steps=steps, path=path)
    if isinstance(child, dict) and rest:
        child = dict(child)
        _expand(call, node=child, kind=child.get("object", f"{kind}>{field}"), steps=rest, path=path)
    if child is not None:
        node[field] = child


def _child(call: Call, *, node: Object, kind: str, steps: list[str], path: str) -> Any:
    """What stands at the first step: made for the asking, there already, or named by its id."""
    field, further = steps[0], len(steps) > 1
    if (kind, field) in INCLUDES:
        return node.get(field) or INCLUDES[kind, field](call, node)
    value = node.get(field)
    if isinstance(value, dict) and ("object" in value or further):
        return value
    if not call.world.catalog.is_expandable(kind=kind, field=field):
        raise errors.StripeError(f"This property cannot be expanded ({path}).", param="expand")
    found = call.world.store.get(value) if isinstance(value, str) else None
    return public(found) if found else value
