"""Prices: one-time amounts per unit of a product."""

from __future__ import annotations

from typing import Any

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import GREATEST_MINOR, check_currency
from sandbox.objects import products
from sandbox.selection import Selection
from sandbox.store import Object, private

KIND = "price"


def create(call: Call) -> Object:
    sent = call.params
    if ("product" in sent) == ("product_data" in sent):
        raise errors.StripeError(
            "You must specify either `product` or `product_data` when creating a price.", param="product"
        )
    if "product" in sent:
        product = products.find(call, id=sent["product"])
    else:
        data = sent["product_data"]
        product = products.add(call, id=data.get("id") or ids.new(products.KIND), wanted=data)
    return add(call, product_id=product["id"], wanted=sent)


def create_product(call: Call) -> Object:
    """`POST /products`: here, because `default_price_data` makes a price too."""
    product = products.create(call)
    if "default_price_data" in call.params:
        data = call.params["default_price_data"]
        if data.get("recurring"):
            raise errors.not_modelled("recurring prices")
        product["default_price"] = add(call, product_id=product["id"], wanted=data)["id"]
        products.save(call, product)
    return product


def add(call: Call, *, product_id: str, wanted: dict[str, Any]) -> Object:
    price = build(
        id=ids.new(KIND),
        now=call.now,
        product_id=product_id,
        currency=check_currency(wanted["currency"]),
        unit_amount=_unit_amount(wanted),
    ) | {
        "active": wanted.get("active", True),
        "metadata": metadata.merged(current={}, sent=wanted.get("metadata")),
        "nickname": wanted.get("nickname"),
        "tax_behavior": wanted.get("tax_behavior", "unspecified"),
    }
    _name(call, price=price, wanted=wanted)
    _save(call, price)
    call.emit("price.created", price)
    return price


def build(*, id: str, now: int, product_id: str, currency: str, unit_amount: int) -> Object:
    """A price as the API shows it; amounts in minor units."""
    return {
        "id": id,
        "object": KIND,
        "active": True,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": str(unit_amount),
    }


def _unit_amount(wanted: dict[str, Any]) -> int:
    if "unit_amount" not in wanted:
        raise errors.StripeError(
            "Missing required param: unit_amount.", code="parameter_missing", param="unit_amount"
        )
    amount: int = wanted["unit_amount"]
    if not 0 <= amount <= GREATEST_MINOR:
        raise errors.StripeError(
            f"Invalid integer: must be between 0 and {GREATEST_MINOR}.",
            code="parameter_invalid_integer",
            param="unit_amount",
        )
    return amount


def _name(call: Call, *, price: Object, wanted: dict[str, Any]) -> None:
    """A lookup key names one price; `transfer_lookup_key` takes it from the one that has it."""
    if "lookup_key" not in wanted:
        return
    key = wanted["lookup_key"] or None
    holders = call.world.store.select(Selection(type=KIND, matching={"lookup_key": [key]})) if key else []
    for holder in holders:
        if holder["id"] == price["id"]:
            continue
        if not wanted.get("transfer_lookup_key"):
            raise errors.StripeError(
                f"A price (`{holder['id']}`) already uses that lookup key.", param="lookup_key"
            )
        holder["lookup_key"] = None
        _save(call, holder)
        call.emit("price.updated", holder)
    price["lookup_key"] = key


def _save(call: Call, price: Object) -> None:
    private(price)["state"] = products.state(active=price["active"])
    call.save(price)


def retrieve(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def update(call: Call) -> Object:
    price = call.find(kind=KIND, id=call.ids["id"])
    for name in ("active", "tax_behavior"):
        if name in call.params:
            price[name] = call.params[name]
    if "nickname" in call.params:
        price["nickname"] = call.params["nickname"] or None
    _name(call, price=price, wanted=call.params)
    price["metadata"] = metadata.merged(current=price["metadata"], sent=call.params.get("metadata"))
    _save(call, price)
    call.emit("price.updated", price)
    return price


def page(call: Call) -> Object:
    matching = listing.matching(call, "product", "currency") | products.by_state(call)
    if "lookup_keys" in call.params:
        matching["lookup_key"] = call.params["lookup_keys"]
    return listing.page(call, type=KIND, url="/v1/prices", matching=matching)
