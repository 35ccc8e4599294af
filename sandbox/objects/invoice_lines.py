"""An invoice's lines and sums, made from its invoice items.

Every line is backed by an invoice item, so `refresh` can make lines and sums anew whenever a draft changes. Tax is
counted per line and rate, half up, or taken as told (`tax_amounts`).
"""

from __future__ import annotations

from typing import Any

from sandbox.call import Call
from sandbox.objects import tax_rates
from sandbox.selection import Selection
from sandbox.store import Object, private

MOST_SHOWN = 10


def items(call: Call, *, invoice_id: str) -> list[Object]:
    """The invoice's items in the order they were added."""
    found = call.world.store.select(Selection(type="invoiceitem", matching={"invoice": [invoice_id]}))
    return found[::-1]


def of(call: Call, *, invoice: Object) -> list[Object]:
    return [_line(item, invoice=invoice) for item in items(call, invoice_id=invoice["id"])]


def _line(item: Object, *, invoice: Object) -> Object:
    details = {
        "invoice_item": item["id"],
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": None,
    }
    return {
        "id": private(item)["line"],
        "object": "line_item",
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": item["discountable"],
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": dict(item["metadata"]),
        "parent": {
            "type": "invoice_item_details",
            "invoice_item_details": details,
            "subscription_item_details": None,
        },
        "period": item["period"],
        "pretax_credit_amounts": [],
        "pricing": item["pricing"],
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subtotal": item["amount"],
        "taxes": private(item).get("tax_amounts") or _counted(item, invoice=invoice),
    }


def _counted(item: Object, *, invoice: Object) -> list[Object]:
    rates = item["tax_rates"] or invoice["default_tax_rates"]
    return [tax(tax_rates.of(item["amount"], rate), rate=rate, taxable=item["amount"]) for rate in rates]


def tax(amount: int, *, rate: Object, taxable: int, reason: str = "not_available") -> Object:
    """One entry of a line's `taxes`; amounts in minor units. What is in the price is not taxable once more."""
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason,
        "taxable_amount": taxable - amount if rate["inclusive"] else taxable,
        "type": "tax_rate_details",
    }


def refresh(call: Call, *, invoice: Object) -> None:
    """Lines and sums of a draft, from its items as they are now. Does not save."""
    lines = of(call, invoice=invoice)
    totals = _total_taxes(lines)
    subtotal = sum(line["amount"] for line in lines)
    inclusive = sum(entry["amount"] for entry in totals if entry["tax_behavior"] == "inclusive")
    exclusive = sum(entry["amount"] for entry in totals if entry["tax_behavior"] == "exclusive")
    total = subtotal + exclusive
    due = max(total, 0)
    invoice |= {
        "amount_due": due,
        "amount_remaining": due,
        "lines": shown(lines, invoice_id=invoice["id"]),
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - inclusive,
        "total": total,
        "total_excluding_tax": subtotal - inclusive,
        "total_taxes": totals,
    }


def shown(lines: list[Object], *, invoice_id: str) -> Object:
    """The first lines, as the invoice itself carries them."""
    return {
        "object": "list",
        "data": lines[:MOST_SHOWN],
        "has_more": len(lines) > MOST_SHOWN,
        "url": f"/v1/invoices/{invoice_id}/lines",
    }


def _total_taxes(lines: list[Object]) -> list[Object]:
    """Per rate over all lines."""
    totals: dict[str, dict[str, Any]] = {}
    for line in lines:
        for entry in line["taxes"]:
            known = totals.setdefault(
                entry["tax_rate_details"]["tax_rate"], entry | {"amount": 0, "taxable_amount": 0}
            )
            known["amount"] += entry["amount"]
            known["taxable_amount"] += entry["taxable_amount"]
    return list(totals.values())
