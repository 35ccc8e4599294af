"""What the payment of an invoice does to the invoice: paid, failed, waiting for its customer.

An invoice's intent may be confirmed by the API's `pay`, on the hosted page, or by a shop's own page. All of them end in
`confirmation`, which tells this module; it therefore knows intents only as objects.
"""

from __future__ import annotations

from sandbox import ids
from sandbox.call import Call
from sandbox.selection import Selection
from sandbox.store import Object, private

KIND = "invoice_payment"
PAYABLE = ("open", "uncollectible")


def expect(call: Call, *, invoice: Object, intent: Object) -> Object:
    """The invoice's payment, open until its intent ends."""
    payment: Object = {
        "id": ids.new(KIND),
        "object": KIND,
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": call.now,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    private(payment)["payment_intent"] = intent["id"]
    private(intent)["invoice"] = invoice["id"]
    private(invoice)["intent"] = intent["id"]
    call.save(intent)
    return call.save(payment)


def payments(call: Call, *, invoice_id: str) -> list[Object]:
    return call.world.store.select(Selection(type=KIND, matching={"invoice": [invoice_id]}))


def _invoice(call: Call, intent: Object) -> Object | None:
    return call.world.store.get(private(intent).get("invoice", ""))


def intent_succeeded(call: Call, *, intent: Object) -> None:
    invoice = _invoice(call, intent)
    if invoice is None or invoice["status"] not in PAYABLE:
        return
    paid = [one for one in payments(call, invoice_id=invoice["id"]) if one["status"] == "open"]
    for payment in paid:
        payment |= {"status": "paid", "amount_paid": intent["amount_received"]}
        payment["status_transitions"]["paid_at"] = call.now
        call.save(payment)
    _attempted(invoice)
    invoice["amount_paid"] += intent["amount_received"]
    become_paid(call, invoice=invoice)
    for payment in paid:
        call.emit("invoice_payment.paid", payment)


def become_paid(call: Call, *, invoice: Object) -> None:
    """The end of an invoice whose money is there, in whatever way it came."""
    invoice |= {
        "status": "paid",
        "amount_remaining": 0,
        "auto_advance": False,
        "next_payment_attempt": None,
    }
    invoice["status_transitions"]["paid_at"] = call.now
    call.save(invoice)
    for type in ("invoice.updated", "invoice.paid", "invoice.payment_succeeded"):
        call.emit(type, invoice)


def intent_failed(call: Call, *, intent: Object) -> None:
    invoice = _invoice(call, intent)
    if invoice:
        _attempted(invoice)
        call.save(invoice)
        call.emit("invoice.updated", invoice)
        call.emit("invoice.payment_failed", invoice)


def intent_waits(call: Call, *, intent: Object) -> None:
    invoice = _invoice(call, intent)
    if invoice:
        _attempted(invoice)
        call.save(invoice)
        call.emit("invoice.updated", invoice)
        call.emit("invoice.payment_action_required", invoice)


def _attempted(invoice: Object) -> None:
    """Only Stripe's own retries, which are not modelled, count above one."""
    invoice |= {"attempted": True, "attempt_count": max(1, invoice["attempt_count"])}


def cancel_payments(call: Call, *, invoice: Object) -> None:
    for payment in payments(call, invoice_id=invoice["id"]):
        if payment["status"] == "open":
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = call.now
            call.save(payment)
