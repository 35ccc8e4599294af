"""Invoices: created, changed, listed and deleted as drafts here; `invoice_states` moves them, `invoice_paying` pays."""

from __future__ import annotations

from typing import Any

from sandbox import descriptors, errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import check_currency
from sandbox.objects import customers, invoice_items, invoice_lines, payment_methods, tax_rates
from sandbox.store import Object, private

KIND = "invoice"
DAY_SECONDS = 24 * 3600
HOUR_SECONDS = 3600
TEXTS = ("description", "footer", "statement_descriptor", "number", "effective_at")
AFTER_FINALIZATION = {"auto_advance", "default_payment_method", "expand", "metadata"}
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def create(call: Call) -> Object:
    sent = call.params
    if "customer" not in sent:
        raise errors.StripeError(
            "Missing required param: customer.", code="parameter_missing", param="customer"
        )
    customer = customers.find(call, id=sent["customer"])
    invoice = _empty(call, customer=customer)
    _apply(call, invoice)
    _set_due_date(call, invoice)
    _schedule(call, invoice)
    call.save(invoice)
    if sent.get("pending_invoice_items_behavior") == "include":
        invoice_items.take_pending(call, invoice=invoice)
    invoice_lines.refresh(call, invoice=invoice)
    call.save(invoice)
    call.emit("invoice.created", invoice)
    return invoice


def _empty(call: Call, *, customer: Object) -> Object:
    id = ids.new(KIND)
    invoice: Object = {"id": id, "object": KIND} | _unused()
    invoice |= {
        "account_country": "US",
        "account_name": call.world.settings.account_name,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": call.params.get("auto_advance", False),
        "automatically_finalizes_at": None,
        "billing_reason": "manual",
        "collection_method": call.params.get("collection_method", "charge_automatically"),
        "created": call.now,
        "currency": check_currency(call.params.get("currency") or customer["currency"] or "usd"),
        "customer": customer["id"],
        "default_payment_method": None,
        "default_tax_rates": [],
        "due_date": None,
        "metadata": {},
        "number": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": call.now,
        "period_start": call.now,
        "status": "draft",
    }
    private(invoice)["token"] = f"test_{ids.token(40)}"
    copy_customer(invoice, customer=customer)
    return invoice


def _unused() -> Object:
    """What an invoice shows of the features it does not use, and its first sums and states."""
    nothing: tuple[str, ...] = (
        "account_tax_ids", "application", "custom_fields", "customer_account", "default_source", "description",
        "effective_at", "ending_balance", "footer", "from_invoice", "hosted_invoice_url", "invoice_pdf",
        "last_finalization_error", "latest_revision", "next_payment_attempt", "on_behalf_of", "parent",
        "receipt_number", "rendering", "shipping_cost", "shipping_details", "statement_descriptor", "test_clock",
        "threshold_reason", "webhooks_delivered_at",
    )  # fmt: skip
    zero = (
        "amount_due", "amount_overpaid", "amount_paid", "amount_paid_off_stripe", "amount_remaining", "amount_shipping",
        "post_payment_credit_notes_amount", "pre_payment_credit_notes_amount", "starting_balance",
    )  # fmt: skip
    return (
        dict.fromkeys(nothing)
        | dict.fromkeys(zero, 0)
        | {
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "customer_tax_ids": [],
            "discounts": [],
            "issuer": {"type": "self"},
            "livemode": False,
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "total_discount_amounts": [],
            "total_pretax_credit_amounts": [],
        }
    )


def copy_customer(invoice: Object, *, customer: Object) -> None:
    """A draft shows the customer as it is; finalizing takes the last copy."""
    address = customer["address"]
    invoice |= {
        "customer_address": {name: address.get(name) or None for name in ADDRESS} if address else None,
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
    }


def _apply(call: Call, invoice: Object) -> None:
    """What creation and update have in common."""
    sent = call.params
    descriptors.check({"statement_descriptor": sent.get("statement_descriptor")})
    for name in TEXTS:
        if name in sent:
            invoice[name] = sent[name] or None
    for name in ("custom_fields", "collection_method", "auto_advance"):
        if name in sent:
            invoice[name] = sent[name] if name == "auto_advance" else sent[name] or None
    if sent.get("rendering"):
        empty: dict[str, Any] = dict.fromkeys(("amount_tax_display", "pdf", "template", "template_version"))
        invoice["rendering"] = empty | sent["rendering"]
    if (sent.get("automatic_tax") or {}).get("enabled"):
        raise errors.not_modelled("automatic tax on invoices")
    for name in sent.get("payment_settings") or {}:
        if name != "payment_method_types":
            raise errors.not_modelled(f"`payment_settings[{name}]` of invoices")
        invoice["payment_settings"][name] = sent["payment_settings"][name] or None
    if "default_payment_method" in sent:
        invoice["default_payment_method"] = _own_method(call, invoice=invoice)
    if "default_tax_rates" in sent:
        found = tax_rates.named(call, sent["default_tax_rates"], param="default_tax_rates")
        invoice["default_tax_rates"] = found
    invoice["metadata"] = metadata.merged(current=invoice["metadata"], sent=sent.get("metadata"))


def _own_method(call: Call, *, invoice: Object) -> str | None:
    if not call.params["default_payment_method"]:
        return None
    method = payment_methods.usable(call, id=call.params["default_payment_method"])
    if method["customer"] != invoice["customer"]:
        raise errors.StripeError(
            f"The payment method `{method['id']}` must be attached to the customer of the invoice.",
            param="default_payment_method",
        )
    return str(method["id"])


def _set_due_date(call: Call, invoice: Object) -> None:
    """`send_invoice` needs a day it is due; an invoice that is charged has none."""
    sent = call.params
    is_sent = invoice["collection_method"] == "send_invoice"
    given = [name for name in ("days_until_due", "due_date") if sent.get(name) is not None]
    if given and not is_sent:
        raise errors.StripeError(
            f"You can only set `{given[0]}` on invoices with `collection_method` set to `send_invoice`.",
            param=given[0],
        )
    if len(given) == 2:
        raise errors.StripeError(
            "You may only specify one of `days_until_due` and `due_date`.", param="due_date"
        )
    if sent.get("due_date") is not None:
        if sent["due_date"] <= call.now:
            raise errors.StripeError("The due date must be in the future.", param="due_date")
        invoice["due_date"], private(invoice)["days"] = sent["due_date"], None
    elif sent.get("days_until_due") is not None:
        private(invoice)["days"] = sent["days_until_due"]
        invoice["due_date"] = call.now + sent["days_until_due"] * DAY_SECONDS
    elif is_sent and invoice["due_date"] is None:
        raise errors.StripeError(
            "If `collection_method` is `send_invoice`, you must specify either `days_until_due` or `due_date`.",
            param="days_until_due",
        )


def _schedule(call: Call, invoice: Object) -> None:
    """A draft that advances by itself is finalized an hour after its creation, or when it was told to be."""
    wanted = call.params.get("automatically_finalizes_at")
    if wanted is not None and not invoice["auto_advance"]:
        raise errors.StripeError(
            "You can only set `automatically_finalizes_at` when `auto_advance` is true.",
            param="automatically_finalizes_at",
        )
    if not invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = None
    elif wanted is not None or invoice["automatically_finalizes_at"] is None:
        due = wanted or call.now + HOUR_SECONDS
        invoice["automatically_finalizes_at"] = due
        call.at(due=due, kind="invoice_advances", object_id=invoice["id"])


def find(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def retrieve(call: Call) -> Object:
    return find(call)


def update(call: Call) -> Object:
    invoice = find(call)
    if invoice["status"] != "draft" and set(call.params) - AFTER_FINALIZATION:
        raise errors.StripeError(
            "Finalized invoices can't be updated in this way. You may wish to void this invoice and create a new one.",
            code="invoice_not_editable",
        )
    _apply(call, invoice)
    if invoice["status"] == "draft":
        _set_due_date(call, invoice)
        _schedule(call, invoice)
        invoice_lines.refresh(call, invoice=invoice)
    call.save(invoice)
    call.emit("invoice.updated", invoice)
    return invoice


def add_lines(call: Call) -> Object:
    invoice = invoice_items.draft(call, id=call.ids["id"], param="id")
    for index, wanted in enumerate(call.params["lines"]):
        place = f"lines[{index}]"
        if "invoice_item" in wanted:
            raise errors.not_modelled(
                f"`{place}[invoice_item]`: an item that waits is taken when the invoice is created"
            )
        invoice_items.add(call, customer_id=invoice["customer"], invoice=invoice, wanted=wanted, place=place)
    invoice["metadata"] = metadata.merged(
        current=invoice["metadata"], sent=call.params.get("invoice_metadata")
    )
    invoice_items.refreshed(call, invoice=invoice)
    return invoice


def delete(call: Call) -> Object:
    """Drafts only; what was on it is gone with it."""
    invoice = find(call)
    if invoice["status"] != "draft":
        raise errors.StripeError(
            "You can only delete draft invoices. To cancel a finalized invoice, void it instead.",
            code="invoice_not_editable",
        )
    for item in invoice_lines.items(call, invoice_id=invoice["id"]):
        invoice_items.remove(call, item=item)
    call.emit("invoice.deleted", invoice)
    call.world.store.delete(invoice["id"])
    return {"id": invoice["id"], "object": KIND, "deleted": True}


def lines(call: Call) -> Object:
    """All lines; paged as Stripe pages them."""
    invoice = find(call)
    return listing.sliced(
        call, invoice_lines.of(call, invoice=invoice), url=f"/v1/invoices/{invoice['id']}/lines"
    )


def page(call: Call) -> Object:
    matching = listing.matching(call, "customer", "status", "collection_method")
    return listing.page(call, type=KIND, url="/v1/invoices", matching=matching)
