"""What the control API does in place of a bank or of a person at Stripe's dashboard: one handler for each path."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import errors, listing
from sandbox.call import Call
from sandbox.objects import (
    disputes,
    fraud_warnings,
    invoice_states,
    invoices,
    payment_intents,
    payouts,
    portal,
    refunds,
)
from sandbox.store import Object, public

Action = Callable[[Call], Object]


def dispute(call: Call) -> Object:
    """{"reason": "fraudulent" by default, "inquiry": false}"""
    charge = call.find(kind="charge", id=call.ids["id"])
    reason, inquiry = call.params.get("reason", "fraudulent"), bool(call.params.get("inquiry"))
    return public(disputes.open_for(call, charge=charge, reason=str(reason), inquiry=inquiry))


def decide(call: Call) -> Object:
    """{"outcome": "won" | "lost" | "escalated"}"""
    found = call.find(kind="dispute", id=call.ids["id"])
    return public(disputes.decide(call, dispute=found, outcome=str(call.params.get("outcome"))))


def warn_of_fraud(call: Call) -> Object:
    return fraud_warnings.open_for(call, charge=call.find(kind="charge", id=call.ids["id"]))


def pay_out(call: Call) -> Object:
    """{"currency": "usd"}: all that is available, as Stripe's own daily payout does it."""
    return public(payouts.pay_out(call, currency=str(call.params.get("currency", "usd"))))


def payout_arrives(call: Call) -> Object:
    return public(payouts.arrive(call, id=call.ids["id"]))


def payout_fails(call: Call) -> Object:
    """{"failure_code": "account_closed"}"""
    code = str(call.params.get("failure_code", "account_closed"))
    return public(payouts.fail(call, id=call.ids["id"], code=code))


def payout_canceled(call: Call) -> Object:
    return public(payouts.cancel(call))


def charge(call: Call) -> Object:
    """{"amount": 5000, "currency": "usd"}: a payment typed into the dashboard, of which the product knows nothing."""
    amount, currency = call.params.get("amount"), call.params.get("currency", "usd")
    if not isinstance(amount, int):
        raise errors.StripeError("amount must be an integer in minor units.", param="amount")
    call.params = {
        "amount": amount,
        "currency": str(currency),
        "description": "Taken in the dashboard",
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "confirm": True,
    }
    return public(payment_intents.create(call))


def refund(call: Call) -> Object:
    """{"amount": 500}, or all that is left: made in the dashboard, without the product's metadata."""
    amount = {"amount": int(call.params["amount"])} if "amount" in call.params else {}
    call.params = {"charge": call.ids["id"], **amount}
    return public(refunds.create(call))


def invoice(call: Call) -> Object:
    """{"amount": 5000, "currency": "usd"}: a draft for the customer, made in the dashboard, due in a week."""
    amount, currency = call.params.get("amount", 5000), str(call.params.get("currency", "usd"))
    if not isinstance(amount, int):
        raise errors.StripeError("amount must be an integer in minor units.", param="amount")
    call.params = {
        "customer": call.ids["id"],
        "collection_method": "send_invoice",
        "currency": currency,
        "days_until_due": 7,
    }
    call.ids["id"] = invoices.create(call)["id"]
    call.params = {"lines": [{"amount": amount, "description": "Invoiced in the dashboard"}]}
    return public(invoices.add_lines(call))


def pay_invoice(call: Call) -> Object:
    """{"out_of_band": true}, or else with the card that is saved, as Stripe would charge it."""
    call.params = {"paid_out_of_band": True} if call.params.get("out_of_band") else {}
    return public(invoice_states.pay(call))


def receipt(call: Call) -> Object:
    """What the page behind a charge's `receipt_url` shows."""
    paid = public(call.find(kind="charge", id=call.ids["id"]))
    return {"charge": paid, "merchant": call.world.settings.account_name}


def objects(call: Call) -> Object:
    """`?type=charge&limit=50`: the newest of one type."""
    wanted, limit = call.params.get("type", ""), call.params.get("limit", "")
    call.params = {"limit": int(limit) if limit.isdigit() else listing.DEFAULT_LIMIT}
    return listing.page(call, type=wanted, url="/_sandbox/objects")


ACTIONS: tuple[tuple[str, Action], ...] = (
    ("/_sandbox/charges", charge),
    ("/_sandbox/charges/{id}/dispute", dispute),
    ("/_sandbox/charges/{id}/early_fraud_warning", warn_of_fraud),
    ("/_sandbox/charges/{id}/refund", refund),
    ("/_sandbox/customers/{id}/invoice", invoice),
    ("/_sandbox/disputes/{id}/decide", decide),
    ("/_sandbox/invoices/{id}/finalize", lambda call: public(invoice_states.finalize(call))),
    (
        "/_sandbox/invoices/{id}/mark_uncollectible",
        lambda call: public(invoice_states.mark_uncollectible(call)),
    ),
    ("/_sandbox/invoices/{id}/pay", pay_invoice),
    ("/_sandbox/invoices/{id}/send", lambda call: public(invoice_states.send(call))),
    ("/_sandbox/invoices/{id}/void", lambda call: public(invoice_states.void(call))),
    ("/_sandbox/portal/{id}/begin_card", portal.begin_card),
    ("/_sandbox/portal/{id}/prefer", portal.prefer_card),
    ("/_sandbox/portal/{id}/remove", portal.remove_card),
    ("/_sandbox/payouts", pay_out),
    ("/_sandbox/payouts/{id}/arrive", payout_arrives),
    ("/_sandbox/payouts/{id}/fail", payout_fails),
    ("/_sandbox/payouts/{id}/cancel", payout_canceled),
)
