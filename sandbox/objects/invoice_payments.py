"""Invoice payments as the API lists them, the client secret an invoice is paid with, and its hosted page."""

from __future__ import annotations

from typing import Any

from sandbox import errors, listing
from sandbox.call import Call
from sandbox.objects import invoice_lines, invoice_settlement
from sandbox.selection import Selection
from sandbox.store import Object, private, public


def retrieve(call: Call) -> Object:
    return call.find(kind=invoice_settlement.KIND, id=call.ids["id"])


def page(call: Call) -> Object:
    matching = listing.matching(call, "invoice", "status")
    payment = call.params.get("payment") or {}
    if "payment_intent" in payment:
        matching["payment_intent"] = [payment["payment_intent"]]
    return listing.page(call, type=invoice_settlement.KIND, url="/v1/invoice_payments", matching=matching)


def of_invoice(call: Call, invoice: Object) -> Object:
    """`expand[]=payments`"""
    found = invoice_settlement.payments(call, invoice_id=invoice["id"])
    return listing.listed([public(one) for one in found], url="/v1/invoice_payments")


def confirmation_secret(call: Call, invoice: Object) -> dict[str, Any] | None:
    """`expand[]=confirmation_secret`: what a page confirms the invoice's intent with."""
    stored = call.world.store.get(invoice["id"])
    intent = call.world.store.get(private(stored).get("intent", "")) if stored else None
    if intent is None:
        return None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def by_token(call: Call) -> Object:
    """The finalized invoice behind a link."""
    wanted = {"token": [call.ids["token"]]}
    found = call.world.store.select(Selection(type="invoice", matching=wanted, limit=1))
    if not found or found[0]["hosted_invoice_url"] is None:
        raise errors.missing(kind="invoice", id=call.ids["token"])
    return found[0]


def shown(call: Call) -> dict[str, Any]:
    """For the hosted page: the invoice with all its lines, and what to pay it with while it can be paid."""
    invoice = by_token(call)
    can_be_paid = invoice["status"] in invoice_settlement.PAYABLE
    rates = {
        one["tax_rate_details"]["tax_rate"]: public(
            call.find(kind="tax_rate", id=one["tax_rate_details"]["tax_rate"])
        )
        for one in invoice["total_taxes"]
    }
    return {
        "invoice": public(invoice),
        "lines": invoice_lines.of(call, invoice=invoice),
        "tax_rates": rates,
        "client_secret": (confirmation_secret(call, invoice) or {}).get("client_secret")
        if can_be_paid
        else None,
        "now": call.now,
        "receipt_url": _receipt_url(call, invoice=invoice),
    }


def _receipt_url(call: Call, *, invoice: Object) -> str | None:
    intent = call.world.store.get(private(invoice).get("intent", ""))
    charge = call.world.store.get((intent or {}).get("latest_charge") or "")
    return charge["receipt_url"] if charge and invoice["status"] == "paid" else None
