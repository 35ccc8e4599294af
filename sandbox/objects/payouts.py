"""Payouts to the merchant's bank: made by the API, or as Stripe's own of all that is available.

The money leaves the balance when a payout is made; one that fails or is canceled brings it back. Each of Stripe's own
takes the available balance transactions with it, which are then listed by `payout`; their net is its amount.
"""

from __future__ import annotations

from sandbox import errors, ids, listing, metadata
from sandbox.call import Call
from sandbox.money import check_amount, check_currency
from sandbox.objects import balance
from sandbox.store import Object

KIND = "payout"
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "could_not_process": "The bank could not process this payout.",
    "declined": "The bank has declined this transfer.",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid.",
    "no_account": "The bank account details on file are probably incorrect.",
}
ON_THE_WAY = ("pending", "in_transit")


def create(call: Call) -> Object:
    currency = check_currency(call.params["currency"])
    check_amount(call.params["amount"], currency=currency)
    if call.params["amount"] > balance.available(call, currency=currency):
        raise errors.StripeError(
            "You have insufficient available funds in your Stripe account for this payout.",
            code="balance_insufficient",
        )
    return _make(call, amount=call.params["amount"], currency=currency, automatic=False)


def pay_out(call: Call, *, currency: str) -> Object:
    """Stripe's own payout: everything that is available, with its transactions."""
    amount = balance.available(call, currency=check_currency(currency))
    if amount <= 0:
        raise errors.StripeError("There is nothing available to pay out.", code="balance_insufficient")
    payout = _make(call, amount=amount, currency=currency, automatic=True)
    call.later(lambda after: _reconciled(after, id=payout["id"]))
    return payout


def _make(call: Call, *, amount: int, currency: str, automatic: bool) -> Object:
    sent = {} if automatic else call.params
    arrival = balance.settle_date(call)
    payout: Object = {
        "id": ids.new(KIND),
        "object": KIND,
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "created": call.now,
        "currency": currency,
        "description": "STRIPE PAYOUT" if automatic else sent.get("description") or None,
        "destination": None,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": metadata.merged(current={}, sent=sent.get("metadata")),
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": sent.get("statement_descriptor") or None,
        "status": "pending",
        "trace_id": None,
        "type": "bank_account",
    }
    payout["balance_transaction"] = _move(call, payout, type="payout", sign=-1)
    if automatic:
        balance.assign(call, payout_id=payout["id"], currency=currency)
    call.save(payout)
    call.emit("payout.created", payout)
    leaves = call.world.clock.now() + call.world.tuning.payout_pending_delay
    call.at(due=leaves, kind="payout_leaves", object_id=payout["id"])
    call.at(due=max(arrival, leaves), kind="payout_arrives", object_id=payout["id"])
    return payout


def _move(call: Call, payout: Object, *, type: str, sign: int) -> str:
    transaction = balance.post(
        call,
        type=type,
        source=payout["id"],
        amount=sign * payout["amount"],
        currency=payout["currency"],
        category="payout" if type == "payout" else "payout_reversal",
        description=payout["description"],
    )
    return str(transaction["id"])


def _reconciled(call: Call, *, id: str) -> None:
    payout = call.find(kind=KIND, id=id)
    payout["reconciliation_status"] = "completed"
    call.save(payout)
    call.emit("payout.reconciliation_completed", payout)


def leave(call: Call, *, id: str) -> None:
    """Sent to the bank: it can no longer be canceled."""
    payout = call.find(kind=KIND, id=id)
    if payout["status"] == "pending":
        payout["status"] = "in_transit"
        call.save(payout)
        call.emit("payout.updated", payout)


def arrive(call: Call, *, id: str) -> Object:
    """Paid; one that was still pending is sent to the bank first."""
    leave(call, id=id)
    payout = call.find(kind=KIND, id=id)
    if payout["status"] in ON_THE_WAY:
        payout |= {"status": "paid", "trace_id": {"status": "supported", "value": ids.token(15).upper()}}
        call.save(payout)
        call.emit("payout.paid", payout)
    return payout


def fail(call: Call, *, id: str, code: str) -> Object:
    """The bank sends the money back, perhaps days after the payout was paid."""
    payout = call.find(kind=KIND, id=id)
    if code not in FAILURES:
        raise errors.StripeError(
            f"Invalid failure_code: must be one of {', '.join(FAILURES)}", param="failure_code"
        )
    if payout["status"] not in (*ON_THE_WAY, "paid"):
        raise errors.StripeError(f"Payout {id} cannot fail: it has a status of {payout['status']}.")
    payout |= {"status": "failed", "failure_code": code, "failure_message": FAILURES[code]}
    payout["failure_balance_transaction"] = _move(call, payout, type="payout_failure", sign=1)
    call.save(payout)
    call.emit("payout.failed", payout)
    return payout


def cancel(call: Call) -> Object:
    payout = call.find(kind=KIND, id=call.ids["id"])
    if payout["status"] != "pending":
        raise errors.StripeError(
            f"Payouts can only be canceled while they are pending. This payout has a status of {payout['status']}.",
        )
    payout["status"] = "canceled"
    payout["failure_balance_transaction"] = _move(call, payout, type="payout_cancel", sign=1)
    call.save(payout)
    call.emit("payout.canceled", payout)
    return payout


def retrieve(call: Call) -> Object:
    return call.find(kind=KIND, id=call.ids["id"])


def update(call: Call) -> Object:
    payout = call.find(kind=KIND, id=call.ids["id"])
    payout["metadata"] = metadata.merged(current=payout["metadata"], sent=call.params.get("metadata"))
    call.save(payout)
    call.emit("payout.updated", payout)
    return payout


def page(call: Call) -> Object:
    return listing.page(call, type=KIND, url="/v1/payouts", matching=listing.matching(call, "status"))
