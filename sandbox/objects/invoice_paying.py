"""Paying an invoice by the API: a saved card, a card named in the call, or money that came in another way."""

from __future__ import annotations

from sandbox import errors
from sandbox.call import Call
from sandbox.objects import confirmation, customers, invoice_settlement, payment_intents, payment_methods
from sandbox.store import Object, private

NO_CARD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method. For more information, visit "
    "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority."
)
NEEDS_CUSTOMER = (
    "This payment requires additional user action before it can be completed successfully. Payment can be completed "
    "using the PaymentIntent associated with the invoice. For more details see: "
    "https://stripe.com/docs/billing/subscriptions/overview#requires-action"
)


def pay(call: Call, *, invoice: Object) -> Object:
    """The invoice of the call, open or uncollectible, by the call's parameters."""
    if invoice["status"] == "paid":
        raise errors.StripeError("Invoice is already paid")
    if invoice["status"] not in invoice_settlement.PAYABLE:
        raise errors.StripeError("This invoice can no longer be paid", code="invoice_not_editable")
    if call.params.get("paid_out_of_band"):
        give_up(call, invoice=invoice, reason=None)
        invoice |= {"amount_paid": invoice["amount_due"], "amount_paid_off_stripe": invoice["amount_due"]}
        invoice_settlement.become_paid(call, invoice=invoice)
        return invoice
    return charge(call, invoice=invoice)


def charge(call: Call, *, invoice: Object) -> Object:
    """Charges the card; raises the refusal, which stays recorded, or that the customer is needed."""
    intent = call.find(kind="payment_intent", id=private(invoice)["intent"])
    method = _card(call, invoice=invoice)
    payment_intents.refuse_foreign(method, intent)
    intent["payment_method"] = method["id"]
    call.params = {"off_session": call.params.get("off_session", True), "use_stripe_sdk": True}
    confirmation.confirm(call, intent=intent)
    if intent["status"] == "requires_action":
        call.emit("invoice.payment_failed", invoice)
        raise errors.CardError(NEEDS_CUSTOMER, code="invoice_payment_intent_requires_action")
    return invoice


def _card(call: Call, *, invoice: Object) -> Object:
    """The call's, the invoice's, or the customer's, in this order."""
    customer = customers.find(call, id=invoice["customer"])
    preferred = customer["invoice_settings"]["default_payment_method"]
    id = call.params.get("payment_method") or invoice["default_payment_method"] or preferred
    if not id:
        raise errors.StripeError(NO_CARD, code="resource_missing")
    return payment_methods.usable(call, id=id)


def give_up(call: Call, *, invoice: Object, reason: str | None) -> None:
    """No money will come by card: the intent ends."""
    intent = call.world.store.get(private(invoice).get("intent", ""))
    if intent and intent["status"] in payment_intents.CANCELABLE:
        payment_intents.cancel_now(call, intent=intent, reason=reason)
    invoice_settlement.cancel_payments(call, invoice=invoice)
