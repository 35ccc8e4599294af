"""An invoice's way: draft, open, then paid, void or uncollectible. Paying is `invoice_paying`'s."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sandbox import errors
from sandbox.call import Call
from sandbox.money import check_amount
from sandbox.objects import (
    customers,
    invoice_lines,
    invoice_paying,
    invoice_settlement,
    invoices,
    payment_intents,
)
from sandbox.store import Object, private


def finalize(call: Call) -> Object:
    invoice = invoices.find(call)
    if invoice["status"] != "draft":
        raise errors.StripeError(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    if "auto_advance" in call.params:
        invoice["auto_advance"] = call.params["auto_advance"]
    return finalize_now(call, invoice=invoice)


def finalize_now(call: Call, *, invoice: Object) -> Object:
    """Makes a draft binding: number, links, due date, and the intent it will be paid by."""
    customer = customers.find(call, id=invoice["customer"])
    invoices.copy_customer(invoice, customer=customer)
    invoice_lines.refresh(call, invoice=invoice)
    _refuse_amount(invoice)
    if invoice["number"] is None:
        sequence = customer["next_invoice_sequence"]
        invoice["number"] = f"{customer['invoice_prefix']}-{sequence:04}"
        customer["next_invoice_sequence"] = sequence + 1
    if customer["currency"] is None:
        customer["currency"] = invoice["currency"]
    call.save(customer)
    if private(invoice).get("days") is not None:
        invoice["due_date"] = call.now + private(invoice)["days"] * invoices.DAY_SECONDS
    page = f"{call.base_url}/i/{call.world.account_id}/{private(invoice)['token']}"
    invoice |= {
        "automatically_finalizes_at": None,
        "last_finalization_error": None,
        "effective_at": invoice["effective_at"] or call.now,
        "ending_balance": 0,
        "hosted_invoice_url": page,
        "invoice_pdf": f"{page}/pdf",
        "status": "open",
    }
    invoice["status_transitions"]["finalized_at"] = call.now
    if invoice["due_date"]:
        call.at(due=invoice["due_date"], kind="invoice_overdue", object_id=invoice["id"])
    call.save(invoice)
    if invoice["amount_due"]:
        _expect_payment(call, invoice=invoice)
    call.save(invoice)
    call.emit("invoice.updated", invoice)
    call.emit("invoice.finalized", invoice)
    if not invoice["amount_due"]:
        invoice_settlement.become_paid(call, invoice=invoice)
    elif invoice["auto_advance"]:
        call.at(due=call.now, kind="invoice_collected", object_id=invoice["id"])
    return invoice


def _refuse_amount(invoice: Object) -> None:
    """Below zero, or below what a card can be charged, Stripe uses the customer's credit balance."""
    if invoice["total"] < 0:
        raise errors.not_modelled("invoices with a negative total (credit balances)")
    if invoice["total"]:
        check_amount(invoice["total"], currency=invoice["currency"])


def _expect_payment(call: Call, *, invoice: Object) -> None:
    wanted: dict[str, Any] = {
        "amount": invoice["amount_due"],
        "capture_method": "automatic",
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "description": "Payment for Invoice",
        "statement_descriptor_suffix": invoice["statement_descriptor"],
        "payment_method_types": invoice["payment_settings"]["payment_method_types"] or ["card"],
    }
    intent = payment_intents.build(call, wanted=wanted)
    invoice_settlement.expect(call, invoice=invoice, intent=intent)
    call.emit("payment_intent.created", intent)


def pay(call: Call) -> Object:
    """A draft becomes binding first, as at Stripe."""
    invoice = invoices.find(call)
    if invoice["status"] == "draft":
        finalize_now(call, invoice=invoice)
    return invoice_paying.pay(call, invoice=invoice)


def send(call: Call) -> Object:
    """Stripe sends no mail in test mode either: the event is what happens."""
    invoice = invoices.find(call)
    if invoice["collection_method"] != "send_invoice":
        raise errors.StripeError(
            "You can only send an invoice whose `collection_method` is `send_invoice`.", param="invoice"
        )
    if invoice["status"] == "draft":
        finalize_now(call, invoice=invoice)
    _refuse(invoice, doing="send", allowed=("open", "paid", "uncollectible"))
    call.emit("invoice.sent", invoice)
    return invoice


def void(call: Call) -> Object:
    invoice = invoices.find(call)
    _refuse(invoice, doing="void", allowed=("open", "uncollectible"))
    invoice_paying.give_up(call, invoice=invoice, reason="void_invoice")
    invoice |= {"status": "void", "auto_advance": False}
    invoice["status_transitions"]["voided_at"] = call.now
    call.save(invoice)
    call.emit("invoice.updated", invoice)
    call.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(call: Call) -> Object:
    """A bad debt; it may still be paid."""
    invoice = invoices.find(call)
    _refuse(invoice, doing="mark as uncollectible", allowed=("open",))
    invoice |= {"status": "uncollectible", "auto_advance": False}
    invoice["status_transitions"]["marked_uncollectible_at"] = call.now
    call.save(invoice)
    call.emit("invoice.updated", invoice)
    call.emit("invoice.marked_uncollectible", invoice)
    return invoice


def _refuse(invoice: Object, *, doing: str, allowed: tuple[str, ...]) -> None:
    if invoice["status"] not in allowed:
        raise errors.StripeError(
            f"You can't {doing} this invoice: its status is {invoice['status']}, not one of {', '.join(allowed)}."
        )


def advance(call: Call, *, id: str) -> None:
    """Timer: a draft that advances by itself becomes binding."""
    invoice = call.world.store.get(id)
    if invoice and invoice["status"] == "draft" and invoice["auto_advance"]:
        due = invoice["automatically_finalizes_at"]
        if due and due <= call.now:
            _finalize_or_tell(call, invoice=invoice)


def _finalize_or_tell(call: Call, *, invoice: Object) -> None:
    """Nobody is there to be answered: what keeps the draft from becoming binding stands on it."""
    try:
        finalize_now(call, invoice=invoice)
    except errors.StripeError as problem:
        invoice |= {
            "automatically_finalizes_at": None,
            "last_finalization_error": {"message": problem.message, "type": problem.type},
        }
        call.save(invoice)
        call.emit("invoice.updated", invoice)
        call.emit("invoice.finalization_failed", invoice)


def collect(call: Call, *, id: str) -> None:
    """Timer: an invoice that advances by itself is sent, or its customer's card is charged, once."""
    invoice = call.world.store.get(id)
    if invoice is None or invoice["status"] != "open" or not invoice["auto_advance"]:
        return
    if invoice["collection_method"] == "send_invoice":
        call.emit("invoice.sent", invoice)
        return
    with suppress(errors.StripeError):
        invoice_paying.charge(call, invoice=invoice)


def fall_due(call: Call, *, id: str) -> None:
    """Timer: an open invoice has reached its due date."""
    invoice = call.world.store.get(id)
    if invoice and invoice["status"] == "open":
        call.emit("invoice.overdue", invoice)
