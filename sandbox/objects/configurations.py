"""Payment method configurations: cards and wallets only. The default one exists without being created."""

from __future__ import annotations

from typing import Any

from sandbox import errors, ids, listing
from sandbox.call import Call
from sandbox.store import Object

MODELLED = ("card", "apple_pay", "google_pay", "link")
KIND = "payment_method_configuration"


def default_id(call: Call) -> str:
    return ids.derived(prefix="pmc_1", seed=call.world.settings.secret_key + KIND, length=24)


def _build(call: Call, *, id: str, name: str, is_default: bool) -> Object:
    return {
        "id": id,
        "object": KIND,
        "active": True,
        "application": None,
        "is_default": is_default,
        "livemode": False,
        "name": name,
        "parent": None,
    } | {kind: _property(on=kind == "card") for kind in MODELLED}


def _property(*, on: bool) -> dict[str, Any]:
    value = "on" if on else "off"
    return {"available": on, "display_preference": {"overridable": None, "preference": value, "value": value}}


def default(call: Call) -> Object:
    id = default_id(call)
    return call.world.store.get(id) or call.save(_build(call, id=id, name="Default", is_default=True))


def chosen(call: Call, id: str | None) -> Object:
    return call.find(kind=KIND, id=id, param=KIND) if id and id != default_id(call) else default(call)


def details(configuration: Object, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """What an intent or session shows of the configuration; nothing when types were named."""
    if "payment_method_types" in wanted:
        return None
    return {"id": configuration["id"], "parent": None}


def create(call: Call) -> Object:
    configuration = _build(
        call, id=ids.new(KIND), name=call.params.get("name", "Payment methods"), is_default=False
    )
    _apply(call, configuration)
    return call.save(configuration)


def _apply(call: Call, configuration: Object) -> None:
    if "name" in call.params:
        configuration["name"] = call.params["name"]
    if "active" in call.params:
        configuration["active"] = call.params["active"]
    for kind, sent in call.params.items():
        preference = sent.get("display_preference", {}).get("preference") if isinstance(sent, dict) else None
        if preference in ("on", "off"):
            if kind not in MODELLED and preference == "on":
                raise errors.not_modelled(f"payment methods of type {kind}")
            configuration[kind] = _property(on=preference == "on")


def update(call: Call) -> Object:
    configuration = chosen(call, call.ids["id"])
    _apply(call, configuration)
    return call.save(configuration)


def retrieve(call: Call) -> Object:
    return chosen(call, call.ids["id"])


def page(call: Call) -> Object:
    default(call)
    return listing.page(call, type=KIND, url="/v1/payment_method_configurations")
