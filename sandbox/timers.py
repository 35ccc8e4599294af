"""What happens later by itself, on the sandbox clock: expiries, slow refunds, late balance transactions."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.call import Call
from sandbox.objects import charges, checkout, payment_intents, refunds
from sandbox.world import World


def _session_expires(call: Call, id: str) -> None:
    session = call.find(kind="checkout.session", id=id)
    if session["status"] == "open":
        checkout.expire_now(call, session=session)


def _authorisation_expires(call: Call, id: str) -> None:
    intent = call.find(kind="payment_intent", id=id)
    if intent["status"] == "requires_capture":
        payment_intents.cancel_now(call, intent=intent, reason="automatic")


KINDS: dict[str, Callable[[Call, str], None]] = {
    "authorisation_expires": _authorisation_expires,
    "balance_transaction": lambda call, id: charges.settle(call, id=id),
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
