"""Products and prices, and Checkout Sessions that name them."""

import pytest
import stripe

from sandbox.tests.support import Emulator


def _product(emulator: Emulator) -> str:
    return str(emulator.v1.products.create({"name": "Dinner for ten", "metadata": {"menu": "4"}}).id)


def test_a_product_may_bring_its_first_price(emulator: Emulator) -> None:
    wanted = {"name": "Brunch", "default_price_data": {"currency": "usd", "unit_amount": 2500}}
    product = emulator.v1.products.create({**wanted, "expand": ["default_price"]})
    assert (product.active, product.default_price.unit_amount, product.default_price.product) == (
        True,
        2500,
        product.id,
    )
    assert emulator.event_types() == ["product.created", "price.created"]


def test_products_and_prices_are_changed_archived_and_listed(emulator: Emulator) -> None:
    kept, archived = _product(emulator), _product(emulator)
    changed = emulator.v1.products.update(archived, {"active": False, "description": "No longer cooked"})
    assert (changed.active, changed.description, changed.metadata["menu"]) == (False, "No longer cooked", "4")
    assert [one.id for one in emulator.v1.products.list({"active": True}).data] == [kept]
    assert [one.id for one in emulator.v1.products.list({"active": False}).data] == [archived]
    price = emulator.v1.prices.create({"product": kept, "currency": "usd", "unit_amount": 900})
    assert (price.type, price.unit_amount_decimal, price.active) == ("one_time", 900, True)
    emulator.v1.prices.update(price.id, {"active": False, "nickname": "old"})
    assert emulator.v1.prices.list({"product": kept, "active": True}).data == []
    assert [one.nickname for one in emulator.v1.prices.list({"product": kept}).data] == ["old"]
    assert emulator.event_types()[-3:] == ["product.updated", "price.created", "price.updated"]


def test_a_lookup_key_names_one_price_until_it_is_taken_over(emulator: Emulator) -> None:
    wanted = {"product": _product(emulator), "currency": "usd", "unit_amount": 900, "lookup_key": "adult"}
    first = emulator.v1.prices.create(wanted)
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        emulator.v1.prices.create(wanted)
    second = emulator.v1.prices.create({**wanted, "transfer_lookup_key": True})
    assert [one.id for one in emulator.v1.prices.list({"lookup_keys": ["adult"]}).data] == [second.id]
    assert emulator.v1.prices.retrieve(first.id).lookup_key is None


def test_a_product_with_prices_stays_and_one_without_is_deleted(emulator: Emulator) -> None:
    priced, bare = _product(emulator), _product(emulator)
    emulator.v1.prices.create({"product": priced, "currency": "usd", "unit_amount": 900})
    with pytest.raises(stripe.InvalidRequestError, match="user-created prices"):
        emulator.v1.products.delete(priced)
    assert emulator.v1.products.delete(bare).deleted
    assert emulator.event_types()[-1] == "product.deleted"
    assert [one.id for one in emulator.v1.products.list().data] == [priced]


def test_a_price_needs_one_product_and_a_whole_amount(emulator: Emulator) -> None:
    product = _product(emulator)
    for params in (
        {"currency": "usd", "unit_amount": 900},
        {"currency": "usd", "unit_amount": 900, "product": product, "product_data": {"name": "x"}},
        {"currency": "usd", "product": product},
        {"currency": "usd", "unit_amount": -1, "product": product},
        {"currency": "usd", "unit_amount": 900, "product": "prod_none"},
        {"currency": "usd", "unit_amount": 900, "product": product, "recurring": {"interval": "month"}},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            emulator.v1.prices.create(params)
    assert emulator.v1.prices.list().data == []


def test_checkout_takes_a_price_by_id_and_a_product_by_id(emulator: Emulator) -> None:
    product = _product(emulator)
    price = emulator.v1.prices.create({"product": product, "currency": "usd", "unit_amount": 900})
    inline = {"currency": "usd", "unit_amount": 100, "product": product}
    session = emulator.session(
        line_items=[{"price": price.id, "quantity": 3}, {"price_data": inline, "quantity": 1}]
    )
    assert session.amount_total == 2800
    items = emulator.v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.description, item.price.product) for item in items] == [("Dinner for ten", product)] * 2
    assert items[0].price.id == price.id
    assert emulator.pay_session(session.id)["status"] == "complete"
    emulator.v1.prices.update(price.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        emulator.session(line_items=[{"price": price.id, "quantity": 1}])
