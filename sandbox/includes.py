"""Properties that are absent unless asked for by `expand[]`, and how each is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.call import Call
from sandbox.listing import listed
from sandbox.objects import invoice_payments
from sandbox.selection import Selection
from sandbox.store import Object, private, public


def _refunds(call: Call, charge: Object) -> Object:
    found = call.world.store.select(Selection(type="refund", matching={"charge": [charge["id"]]}, limit=11))
    return listed(
        [public(refund) for refund in found[:10]],
        url=f"/v1/charges/{charge['id']}/refunds",
        has_more=len(found) > 10,
    )


def _line_items(call: Call, session: Object) -> Object:
    stored = call.world.store.get(session["id"])
    items = private(stored)["line_items"] if stored else []
    return listed(items, url=f"/v1/checkout/sessions/{session['id']}/line_items")


def _nothing(path: str) -> Callable[[Call, Object], Object]:
    """A list that stays empty here: the sandbox has no such objects."""

    def include(call: Call, owner: Object) -> Object:
        return listed([], url=f"/v1/customers/{owner['id']}/{path}")

    return include


def _own_currency(price: Object) -> Object:
    names = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    return {name: price[name] for name in names}


INCLUDES: dict[tuple[str, str], Callable[[Call, Object], Any]] = {
    ("charge", "refunds"): _refunds,
    ("customer", "sources"): _nothing("sources"),
    ("customer", "subscriptions"): _nothing("subscriptions"),
    ("customer", "tax_ids"): _nothing("tax_ids"),
    ("checkout.session", "line_items"): _line_items,
    ("checkout.session>total_details", "breakdown"): lambda call, details: {"discounts": [], "taxes": []},
    ("price", "currency_options"): lambda call, price: {price["currency"]: _own_currency(price)},
    ("price", "tiers"): lambda call, price: None,
    ("invoice", "confirmation_secret"): invoice_payments.confirmation_secret,
    ("invoice", "payments"): invoice_payments.of_invoice,
    ("invoice", "discounts"): lambda call, invoice: [],
    ("invoiceitem", "discounts"): lambda call, item: [],
    ("line_item", "discounts"): lambda call, line: [],
    ("item", "discounts"): lambda call, item: [],
    ("item", "taxes"): lambda call, item: [],
}
