"""Line items of a Checkout Session, from `price_data`."""

from __future__ import annotations

from typing import Any

from sandbox import errors, ids
from sandbox.call import Call
from sandbox.money import check_currency
from sandbox.store import Object

MOST_ITEMS = 100


def build(call: Call, sent: list[dict[str, Any]] | None) -> list[Object]:
    if not sent:
        raise errors.StripeError(
            "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )
    if len(sent) > MOST_ITEMS:
        raise errors.StripeError(
            "In payment mode, there is a maximum of 100 line items with one-time Prices.", param="line_items"
        )
    items = [_item(call, wanted=wanted, place=f"line_items[{index}]") for index, wanted in enumerate(sent)]
    if len({item["currency"] for item in items}) > 1:
        raise errors.StripeError("All line items must have the same currency.", param="line_items")
    return items


def _item(call: Call, *, wanted: dict[str, Any], place: str) -> Object:
    if "price" in wanted:
        raise errors.StripeError(
            f"No such price: '{wanted['price']}'", code="resource_missing", param=f"{place}[price]"
        )
    data = wanted.get("price_data")
    if not data:
        raise errors.StripeError(
            f"Missing required param: {place}[price_data].",
            code="parameter_missing",
            param=f"{place}[price_data]",
        )
    _refuse(data, place=place)
    quantity = wanted.get("quantity", 1)
    if quantity < 1:
        raise errors.StripeError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=f"{place}[quantity]",
        )
    amount = data["unit_amount"] * quantity
    return {
        "id": ids.new("item"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": check_currency(data["currency"]),
        "description": data["product_data"]["name"],
        "price": _price(call, data),
        "quantity": quantity,
    }


def _refuse(data: dict[str, Any], *, place: str) -> None:
    if data.get("recurring"):
        raise errors.not_modelled("recurring prices")
    if "product_data" not in data:
        raise errors.not_modelled("products by id")
    if "unit_amount" not in data:
        raise errors.StripeError(
            f"Missing required param: {place}[price_data][unit_amount].",
            code="parameter_missing",
            param=f"{place}[price_data][unit_amount]",
        )
    if data["unit_amount"] < 0:
        raise errors.StripeError(
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param=f"{place}[price_data][unit_amount]",
        )


def _price(call: Call, data: dict[str, Any]) -> Object:
    return {
        "id": ids.new("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": call.now,
        "currency": data["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": ids.new("product"),
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": data["unit_amount"],
        "unit_amount_decimal": str(data["unit_amount"]),
    }
