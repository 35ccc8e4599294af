"""What happens later by itself, on the sandbox clock: expiries, slow refunds, late balance transactions."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.call import Call
from sandbox.objects import (
    charges,
    checkout,
    disputes,
    fraud_warnings,
    invoice_states,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
)
from sandbox.world import World


def _session_expires(call: Call, id: str) -> None:
    session = call.find(kind="checkout.session", id=id)
    if session["status"] == "open":
        checkout.expire_now(call, session=session)


def _authorisation_expires(call: Call, id: str) -> None:
    intent = call.find(kind="payment_intent", id=id)
    if intent["status"] == "requires_capture":
        payment_intents.cancel_now(call, intent=intent, reason="automatic")


def _aftermath(call: Call, id: str) -> None:
    """What a test card brings about a moment after its payment; nothing when the money is back already."""
    charge = call.find(kind="charge", id=id)
    method = call.find(kind="payment_method", id=charge["payment_method"])
    kind = payment_methods.behaviour(method).aftermath
    if charge["refunded"] or charge["disputed"]:
        return
    if kind == "early_fraud_warning":
        fraud_warnings.open_for(call, charge=charge)
    elif kind == "inquiry":
        disputes.open_for(call, charge=charge, reason="fraudulent", inquiry=True)
    else:
        disputes.open_for(call, charge=charge, reason=kind)


def _payout_arrives(call: Call, id: str) -> None:
    payouts.arrive(call, id=id)


KINDS: dict[str, Callable[[Call, str], None]] = {
    "aftermath": _aftermath,
    "authorisation_expires": _authorisation_expires,
    "balance_transaction": lambda call, id: charges.settle(call, id=id),
    "dispute_decided": lambda call, id: disputes.decided(call, id=id),
    "dispute_due": lambda call, id: disputes.fall_due(call, id=id),
    "inquiry_ends": lambda call, id: disputes.end_inquiry(call, id=id),
    "invoice_advances": lambda call, id: invoice_states.advance(call, id=id),
    "invoice_collected": lambda call, id: invoice_states.collect(call, id=id),
    "invoice_overdue": lambda call, id: invoice_states.fall_due(call, id=id),
    "payout_arrives": _payout_arrives,
    "payout_leaves": lambda call, id: payouts.leave(call, id=id),
    "refund_fails": lambda call, id: refunds.fail(call, id=id),
    "refund_reference": lambda call, id: refunds.reference(call, id=id),
    "refund_succeeds": lambda call, id: refunds.succeed(call, id=id),
    "session_expires": _session_expires,
}


def next_due(world: World) -> float | None:
    row = world.store.db.execute("SELECT MIN(due) FROM timers").fetchone()
    return float(row[0]) if row[0] is not None else None


def run_due(world: World, *, base_url: str) -> int:
    """Runs every timer that is due, each in its own transaction, oldest first; the number run."""
    count = 0
    while True:
        row = world.store.db.execute(
            "SELECT id, kind, object FROM timers WHERE due <= ? ORDER BY due, id LIMIT 1",
            (world.clock.now(),),
        ).fetchone()
        if row is None:
            return count
        with world.store.unit():
            world.store.db.execute("DELETE FROM timers WHERE id = ?", (row[0],))
            call = Call(world=world, base_url=base_url)
            KINDS[row[1]](call, row[2])
            for follower in call.followers:
                follower(call)
        count += 1
