"""Line items of a Checkout Session, from prices or `price_data`."""

from __future__ import annotations

from typing import Any

from sandbox import errors, ids
from sandbox.call import Call
from sandbox.money import check_currency
from sandbox.objects import prices, products
from sandbox.store import Object, public

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
    price, name = _price(call, wanted=wanted, place=place)
    quantity = wanted.get("quantity", 1)
    if quantity < 1:
        raise errors.StripeError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=f"{place}[quantity]",
        )
    amount = price["unit_amount"] * quantity
    return {
        "id": ids.new("item"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": name,
        "price": price,
        "quantity": quantity,
    }


def _price(call: Call, *, wanted: dict[str, Any], place: str) -> tuple[Object, str]:
    """The price, and its product's name."""
    if "price" in wanted:
        price = call.find(kind="price", id=wanted["price"], param=f"{place}[price]")
        if not price["active"]:
            raise errors.StripeError(
                "The price specified is inactive. This field only accepts active prices.",
                param=f"{place}[price]",
            )
        return public(price), products.find(call, id=price["product"])["name"]
    data = wanted.get("price_data")
    if not data:
        raise errors.StripeError(
            f"Missing required param: {place}[price_data].",
            code="parameter_missing",
            param=f"{place}[price_data]",
        )
    _refuse(data, place=place)
    return _inline(call, data=data, place=place)


def _refuse(data: dict[str, Any], *, place: str) -> None:
    if data.get("recurring"):
        raise errors.not_modelled("recurring prices")
    if ("product" in data) == ("product_data" in data):
        raise errors.StripeError(
            "You must specify either `product` or `product_data` in price_data.",
            param=f"{place}[price_data][product]",
        )
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


def _inline(call: Call, *, data: dict[str, Any], place: str) -> tuple[Object, str]:
    """A price for this session only: shown, not stored."""
    if "product" in data:
        product = products.find(call, id=data["product"], param=f"{place}[price_data][product]")
        product_id, name = product["id"], product["name"]
    else:
        product_id, name = ids.new("product"), data["product_data"]["name"]
    price = prices.build(
        id=ids.new("price"),
        now=call.now,
        product_id=product_id,
        currency=check_currency(data["currency"]),
        unit_amount=data["unit_amount"],
    )
    return price | {"active": False}, name
