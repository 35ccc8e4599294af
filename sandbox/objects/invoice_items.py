"""Invoice items: what a draft's lines are made of, or what waits for the customer's next invoice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import GREATEST_MINOR, check_currency
from sandbox.objects import customers, invoice_lines, prices, products, tax_rates
from sandbox.selection import Selection
from sandbox.store import Object, private

KIND = "invoiceitem"
Wanted = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Priced:
    """What an item costs, and the name of the product it is of."""

    currency: str
    unit_minor: int
    quantity: int = 1
    price: str
    product: str
    name: str | None = None


def create(call: Call) -> Object:
    sent = call.params
    invoice = draft(call, id=sent["invoice"]) if sent.get("invoice") else None
    if not sent.get("customer") and invoice is None:
        raise errors.StripeError(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    customer = customers.find(call, id=sent.get("customer") or str((invoice or {})["customer"]))
    if invoice and invoice["customer"] != customer["id"]:
        raise errors.StripeError("The invoice belongs to another customer.", param="invoice")
    item = add(call, customer_id=customer["id"], invoice=invoice, wanted=sent)
    if invoice:
        refreshed(call, invoice=invoice)
    return item


def draft(call: Call, *, id: str, param: str = "invoice") -> Object:
    """The invoice, which may still be changed."""
    invoice = call.find(kind="invoice", id=id, param=param)
    if invoice["status"] != "draft":
        raise errors.StripeError(
            "This invoice is no longer editable: only draft invoices take, change or lose lines.",
            code="invoice_not_editable",
        )
    return invoice


def refreshed(call: Call, *, invoice: Object) -> None:
    """Stores the draft with its new lines and tells."""
    invoice_lines.refresh(call, invoice=invoice)
    call.save(invoice)
    call.emit("invoice.updated", invoice)


def add(call: Call, *, customer_id: str, invoice: Object | None, wanted: Wanted, place: str = "") -> Object:
    """A stored item with its event; `wanted` are the parameters of an item or of one of `add_lines`."""
    priced = _priced(call, wanted=wanted, invoice=invoice, place=place)
    amount = priced.unit_minor * priced.quantity
    if invoice and priced.currency != invoice["currency"]:
        raise errors.StripeError(
            f"The currency of the item ({priced.currency}) differs from the invoice's ({invoice['currency']}).",
            param=_at(place, "currency"),
        )
    item: Object = {
        "id": ids.new(KIND),
        "object": KIND,
        "amount": amount,
        "currency": priced.currency,
        "customer": customer_id,
        "customer_account": None,
        "date": call.now,
        "description": wanted.get("description") or priced.name,
        "discountable": wanted.get("discountable", amount >= 0),
        "discounts": [],
        "invoice": invoice["id"] if invoice else None,
        "livemode": False,
        "metadata": metadata.merged(current={}, sent=wanted.get("metadata")),
        "net_amount": amount,
        "parent": None,
        "period": wanted.get("period") or {"end": call.now, "start": call.now},
        "pricing": {
            "type": "price_details",
            "price_details": {"price": priced.price, "product": priced.product},
            "unit_amount_decimal": str(priced.unit_minor),
        },
        "proration": False,
        "proration_details": None,
        "quantity": priced.quantity,
        "quantity_decimal": str(priced.quantity),
        "tax_rates": tax_rates.named(call, wanted.get("tax_rates"), param=_at(place, "tax_rates")),
        "test_clock": None,
    }
    private(item).update(line=ids.new("line_item"), pending="false" if invoice else "true")
    private(item)["tax_amounts"] = [_told(call, one) for one in wanted.get("tax_amounts") or []]
    call.save(item)
    call.emit("invoiceitem.created", item)
    return item


def _told(call: Call, wanted: Wanted) -> Object:
    """A tax amount that the caller counted: it stands as it is, under a rate made for it."""
    rate = tax_rates.add(call, wanted={**wanted["tax_rate_data"], "active": False})
    entry = invoice_lines.tax(
        wanted["amount"],
        rate=rate,
        taxable=0,
        reason=wanted.get("taxability_reason") or "not_available",
    )
    return entry | {"taxable_amount": wanted["taxable_amount"]}


def _at(place: str, name: str) -> str:
    """A parameter's name where it stands: `amount`, or `lines[0][amount]`."""
    return f"{place}[{name}]" if place else name


def _priced(call: Call, *, wanted: Wanted, invoice: Object | None, place: str) -> Priced:
    """By a plain amount, a price, or `price_data`."""
    given = [name for name in ("amount", "price_data", "pricing") if name in wanted]
    if len(given) != 1:
        raise errors.StripeError(
            "You must specify one of `amount`, `price_data` or `pricing`.", param=_at(place, "amount")
        )
    quantity = wanted.get("quantity", 1)
    if quantity < 0:
        raise errors.StripeError("Invalid non-negative integer", param=_at(place, "quantity"))
    if given == ["pricing"]:
        return _by_price(call, id=wanted["pricing"].get("price", ""), quantity=quantity, place=place)
    if given == ["price_data"]:
        return _inline(call, data=wanted["price_data"], quantity=quantity, place=_at(place, "price_data"))
    if "quantity" in wanted:
        raise errors.StripeError(
            "You may not specify `quantity` with `amount`.", param=_at(place, "quantity")
        )
    return Priced(
        currency=check_currency(wanted.get("currency") or (invoice["currency"] if invoice else "usd")),
        unit_minor=_bounded(wanted["amount"], place=_at(place, "amount")),
        price=ids.new("price"),
        product=ids.new("product"),
    )


def _by_price(call: Call, *, id: str, quantity: int, place: str) -> Priced:
    price = call.find(kind="price", id=id, param=_at(place, "pricing") + "[price]")
    return Priced(
        currency=price["currency"],
        unit_minor=price["unit_amount"],
        quantity=quantity,
        price=price["id"],
        product=price["product"],
        name=products.find(call, id=price["product"])["name"],
    )


def _inline(call: Call, *, data: Wanted, quantity: int, place: str) -> Priced:
    if "unit_amount" not in data:
        raise errors.StripeError(
            f"Missing required param: {place}[unit_amount].",
            code="parameter_missing",
            param=f"{place}[unit_amount]",
        )
    if "product" in data:
        product = products.find(call, id=data["product"], param=f"{place}[product]")
    elif "product_data" in data:
        product = products.add(call, id=ids.new(products.KIND), wanted=data["product_data"])
    else:
        raise errors.StripeError(
            "You must specify either `product` or `product_data` in price_data.", param=f"{place}[product]"
        )
    return Priced(
        currency=check_currency(data["currency"]),
        unit_minor=_bounded(data["unit_amount"], place=f"{place}[unit_amount]"),
        quantity=quantity,
        price=ids.new(prices.KIND),
        product=product["id"],
        name=product["name"],
    )


def _bounded(amount: int, *, place: str) -> int:
    if abs(amount) > GREATEST_MINOR:
        raise errors.StripeError(
            "Amount must have at most eight digits.", code="amount_too_large", param=place
        )
    return amount


def take_pending(call: Call, *, invoice: Object) -> None:
    """The customer's waiting items of the invoice's currency go on it."""
    waiting = {"customer": [invoice["customer"]], "pending": ["true"]}
    for item in call.world.store.select(Selection(type=KIND, matching=waiting)):
        if item["currency"] == invoice["currency"]:
            item["invoice"] = invoice["id"]
            private(item)["pending"] = "false"
            call.save(item)


def _editable(call: Call) -> tuple[Object, Object | None]:
    """The item of the path and the draft it is on, if it is on any."""
    item = call.find(kind=KIND, id=call.ids["id"])
    return item, draft(call, id=item["invoice"]) if item["invoice"] else None


def update(call: Call) -> Object:
    item, invoice = _editable(call)
    sent = call.params
    if "amount" in sent or "quantity" in sent:
        unit = sent.get("amount", int(item["pricing"]["unit_amount_decimal"]))
        quantity = sent.get("quantity", item["quantity"])
        amount = _bounded(unit * quantity, place="amount")
        item |= {"amount": amount, "net_amount": amount, "quantity": quantity}
        item["quantity_decimal"] = str(quantity)
        item["pricing"]["unit_amount_decimal"] = str(unit)
    if "description" in sent:
        item["description"] = sent["description"] or None
    if "tax_rates" in sent:
        item["tax_rates"] = tax_rates.named(call, sent["tax_rates"], param="tax_rates")
        private(item)["tax_amounts"] = []
    if "period" in sent:
        item["period"] = sent["period"]
    item["metadata"] = metadata.merged(current=item["metadata"], sent=sent.get("metadata"))
    call.save(item)
    if invoice:
        refreshed(call, invoice=invoice)
    return item


def delete(call: Call) -> Object:
    item, invoice = _editable(call)
    remove(call, item=item)
    if invoice:
        refreshed(call, invoice=invoice)
    return {"id": item["id"], "object": KIND, "deleted": True}


def remove(call: Call, *, item: Object) -> None:
    call.emit("invoiceitem.deleted", item)
    call.world.store.delete(item["id"])


def retrieve(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def page(call: Call) -> Object:
    matching = listing.matching(call, "customer", "invoice")
    if "pending" in call.params:
        matching["pending"] = [str(call.params["pending"]).lower()]
    return listing.page(call, type=KIND, url="/v1/invoiceitems", matching=matching)
