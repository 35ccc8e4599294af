"""Products, with the one price that may be made along with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.selection import Selection
from sandbox.store import Object, private

KIND = "product"
TEXTS = ("description", "statement_descriptor", "unit_label", "url")


def create(call: Call) -> Object:
    wanted = call.params
    id = wanted.get("id") or ids.new(KIND)
    if call.world.store.get(id):
        raise errors.StripeError(f"Product already exists: {id}", code="resource_already_exists", param="id")
    return add(call, id=id, wanted=wanted)


def add(call: Call, *, id: str, wanted: dict[str, Any]) -> Object:
    """A stored product with its event; `wanted` are the API's parameters or a price's `product_data`."""
    product: Object = {
        "id": id,
        "object": KIND,
        "active": wanted.get("active", True),
        "created": call.now,
        "default_price": None,
        "description": None,
        "images": wanted.get("images") or [],
        "livemode": False,
        "marketing_features": [],
        "metadata": metadata.merged(current={}, sent=wanted.get("metadata")),
        "name": wanted["name"],
        "package_dimensions": None,
        "shippable": wanted.get("shippable"),
        "statement_descriptor": None,
        "tax_code": None,
        "type": wanted.get("type", "service"),
        "unit_label": None,
        "updated": call.now,
        "url": None,
    } | {name: wanted[name] or None for name in TEXTS if name in wanted}
    save(call, product)
    call.emit("product.created", product)
    return product


def save(call: Call, product: Object) -> None:
    private(product)["state"] = state(active=product["active"])
    call.save(product)


def state(*, active: bool) -> str:
    """What products and prices are listed by: lists know text only."""
    return "active" if active else "archived"


def find(call: Call, *, id: str, param: str = "product") -> Object:
    return call.find(kind=KIND, id=id, param=param)


def retrieve(call: Call) -> Object:
    return find(call, id=call.ids["id"], param="id")


def update(call: Call) -> Object:
    product = find(call, id=call.ids["id"], param="id")
    sent = call.params
    for name in ("active", "name", "images", "shippable"):
        if name in sent:
            product[name] = sent[name] or [] if name == "images" else sent[name]
    for name in TEXTS:
        if name in sent:
            product[name] = sent[name] or None
    if "default_price" in sent:
        product["default_price"] = _own_price(call, product=product, id=sent["default_price"])
    product["metadata"] = metadata.merged(current=product["metadata"], sent=sent.get("metadata"))
    product["updated"] = call.now
    save(call, product)
    call.emit("product.updated", product)
    return product


def _own_price(call: Call, *, product: Object, id: str) -> str:
    price = call.find(kind="price", id=id, param="default_price")
    if price["product"] != product["id"]:
        raise errors.StripeError("The price does not belong to the product.", param="default_price")
    return id


def delete(call: Call) -> Object:
    product = find(call, id=call.ids["id"], param="id")
    if call.world.store.select(Selection(type="price", matching={"product": [product["id"]]}, limit=1)):
        raise errors.StripeError(
            "This product cannot be deleted because it has one or more user-created prices."
        )
    call.emit("product.deleted", product)
    call.world.store.delete(product["id"])
    return {"id": product["id"], "object": KIND, "deleted": True}


def page(call: Call) -> Object:
    return listing.page(call, type=KIND, url="/v1/products", matching=by_state(call))


def by_state(call: Call) -> dict[str, Iterable[str]]:
    return {"state": [state(active=call.params["active"])]} if "active" in call.params else {}
