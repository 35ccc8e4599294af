"""Customers."""

from __future__ import annotations

from sandbox import ids, listing, metadata
from sandbox.call import Call
from sandbox.selection import Selection
from sandbox.store import Object, private, public

SETTABLE = ("address", "description", "email", "name", "phone", "shipping", "preferred_locales", "tax_exempt")


def create(call: Call) -> Object:
    customer: Object = {
        "id": ids.new("customer"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ids.token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    _apply(call, customer)
    call.save(customer)
    call.emit("customer.created", customer)
    return customer


def _apply(call: Call, customer: Object) -> None:
    for field in SETTABLE:
        if field in call.params:
            customer[field] = call.params[field] or None
    customer["preferred_locales"] = customer["preferred_locales"] or []
    customer["tax_exempt"] = customer["tax_exempt"] or "none"
    chosen = call.params.get("invoice_settings") or {}
    if "default_payment_method" in chosen:
        customer["invoice_settings"]["default_payment_method"] = chosen["default_payment_method"] or None
    customer["metadata"] = metadata.merged(current=customer["metadata"], sent=call.params.get("metadata"))


def find(call: Call, *, id: str, param: str = "customer") -> Object:
    """The customer, not a deleted one."""
    customer = call.find(kind="customer", id=id, param=param)
    if private(customer).get("deleted"):
        call.find(kind="deleted customer", id=id, param=param)
    return customer


def retrieve(call: Call) -> Object:
    customer = call.find(kind="customer", id=call.ids["id"])
    return _tombstone(customer) if private(customer).get("deleted") else customer


def update(call: Call) -> Object:
    customer = find(call, id=call.ids["id"], param="id")
    _apply(call, customer)
    call.save(customer)
    call.emit("customer.updated", customer)
    return customer


def delete(call: Call) -> Object:
    customer = find(call, id=call.ids["id"], param="id")
    call.emit("customer.deleted", public(customer))
    owned = Selection(type="payment_method", matching={"customer": [customer["id"]]})
    for method in call.world.store.select(owned):
        method["customer"] = None
        private(method)["consumed"] = True
        call.save(method)
    private(customer)["deleted"] = True
    customer["email"] = None
    call.save(customer)
    call.world.store.retire(customer["id"])
    return _tombstone(customer)


def _tombstone(customer: Object) -> Object:
    return {"id": customer["id"], "object": "customer", "deleted": True}


def page(call: Call) -> Object:
    return listing.page(call, type="customer", url="/v1/customers", matching=listing.matching(call, "email"))
