"""The sandbox driven at random through Stripe's own client, and what must hold after every single step.

Deterministic unless asked otherwise: SANDBOX_EXAMPLES=200 SANDBOX_STEPS=60 SANDBOX_SEED=7 (0: another each time).
The rules are what product, customer, bank and clock may do; `state_machine_audit` is what must then hold.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sandbox.tests.allowed_changes import ALLOWED
from sandbox.tests.state_machine_audit import DAY, LATER_SECONDS, Audit
from sandbox.tests.support import DEPOSIT, NO_REDIRECTS, Emulator

EXAMPLES = int(os.environ.get("SANDBOX_EXAMPLES", "12"))
STEPS = int(os.environ.get("SANDBOX_STEPS", "40"))
SEED = os.environ.get("SANDBOX_SEED")
HOUR = 3600
CARDS = (
    "pm_card_visa",
    "pm_card_bypassPending",
    "pm_card_bypassPending",
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_radarBlock",
    "pm_card_authenticationRequired",
    "pm_card_threeDSecureRequiredChargeDeclined",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "pm_card_createDispute",
    "pm_card_createDisputeInquiry",
    "pm_card_createDisputeProductNotReceived",
    "pm_card_createIssuerFraudRecord",
)
PAYING = tuple(
    card for card in CARDS if "Declined" not in card and "Block" not in card and "authent" not in card
)
DONE = {
    "payment_intent": ("succeeded", "canceled"),
    "charge": ("failed",),
    "refund": ("failed",),
    "dispute": ("won", "lost", "warning_closed"),
    "payout": ("failed", "canceled"),
}
NUMBERS = ("4242424242424242", "4000000000000002", "4000002760003184", "4000000000000077", "4000000000000259")
AMOUNTS = some.sampled_from((50, 999, 10800, 250_000))
SHARES = some.sampled_from((0.0, 0.3, 0.5, 1.0, 1.1))
WHICH = some.integers(min_value=0, max_value=30)
FAULTS = (
    "hangup_before",
    "hangup_after",
    "timeout_after",
    "error_500_before",
    "error_500_after",
    "rate_limit",
)
EVIDENCE = ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "a letter")


class Trade(RuleBasedStateMachine):
    """`emulator` is set by the test: one process for all examples, reset before each."""

    emulator: Emulator
    changes: Counter[str] = Counter()

    @initialize(some_cards=some.lists(some.sampled_from(PAYING), min_size=3, max_size=3))
    def start(self, some_cards: list[str]) -> None:
        self.emulator.control("reset", {})
        self.audit = Audit(self.emulator, changes=self.changes)
        self.v1 = self.emulator.v1
        for card in some_cards:
            self.pay(amount=10800, card=card, capture="automatic")
            self.audit.after_a_step()

    @invariant()
    def everything_holds(self) -> None:
        self.audit.after_a_step()

    def teardown(self) -> None:
        self.audit.at_the_end()

    def known(self, kind: str) -> bool:
        return bool(self.audit.ids(kind))

    def pick(self, kind: str, which: int) -> Any:
        """One that events have told of, also when its answer was lost: mostly one with which there is still something
        to do."""
        found = [self.audit.seen[id] for id in self.audit.ids(kind)]
        promising = [body for body in found if body.get("status") not in DONE.get(kind, ())]
        chosen = promising if promising and which % 4 else found
        return chosen[which % len(chosen)]

    def pick_in(self, kind: str, status: str, which: int) -> Any:
        """Mostly one of this status."""
        found = [body for id in self.audit.ids(kind) if (body := self.audit.seen[id])["status"] == status]
        return found[which % len(found)] if found and which % 4 else self.pick(kind, which)

    # Payment intents --------------------------------------------------------------------------------

    @rule(
        amount=AMOUNTS,
        card=some.sampled_from(CARDS),
        capture=some.sampled_from(("automatic", "automatic_async", "manual")),
    )
    def pay(self, amount: int, card: str, capture: str) -> None:
        sent = {"amount": amount, "payment_method": card, "confirm": True, "capture_method": capture}
        wanted = {**DEPOSIT, **NO_REDIRECTS, **sent}
        self.audit.ask(lambda more, options: self.v1.payment_intents.create({**wanted, **more}, options))

    @rule(amount=AMOUNTS, card=some.none() | some.sampled_from(CARDS), known=some.booleans())
    def begin(self, amount: int, card: str | None, known: bool) -> None:
        wanted: dict[str, Any] = {**DEPOSIT, **NO_REDIRECTS, "amount": amount}
        if card:
            wanted["payment_method"] = card
        if known:
            wanted |= {"customer": self.v1.customers.create().id, "setup_future_usage": "off_session"}
        self.audit.ask(lambda more, options: self.v1.payment_intents.create({**wanted, **more}, options))

    @precondition(lambda self: self.known("payment_intent"))
    @rule(which=WHICH, card=some.none() | some.sampled_from(CARDS))
    def confirm(self, which: int, card: str | None) -> None:
        id = self.pick("payment_intent", which)["id"]
        wanted = {"payment_method": card} if card else {}
        self.audit.ask(lambda more, options: self.v1.payment_intents.confirm(id, {**wanted, **more}, options))

    @precondition(lambda self: self.known("payment_intent"))
    @rule(which=WHICH, outcome=some.sampled_from(("pass", "fail")))
    def authenticate(self, which: int, outcome: str) -> None:
        intent = self.pick_in("payment_intent", "requires_action", which)
        sent = {"client_secret": intent["client_secret"], "outcome": outcome}
        self.audit.act(f"3ds/{intent['id']}", sent)

    @precondition(lambda self: self.known("payment_intent"))
    @rule(which=WHICH, share=SHARES | some.none())
    def capture(self, which: int, share: float | None) -> None:
        intent = self.pick_in("payment_intent", "requires_capture", which)
        wanted = {} if share is None else {"amount_to_capture": int(intent["amount"] * share)}
        id = intent["id"]
        self.audit.ask(lambda more, options: self.v1.payment_intents.capture(id, {**wanted, **more}, options))

    @precondition(lambda self: self.known("payment_intent"))
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        id = self.pick("payment_intent", which)["id"]
        self.audit.ask(lambda more, options: self.v1.payment_intents.cancel(id, more, options))

    @precondition(lambda self: self.known("payment_intent"))
    @rule(which=WHICH, amount=AMOUNTS)
    def change(self, which: int, amount: int) -> None:
        id = self.pick("payment_intent", which)["id"]
        self.audit.ask(
            lambda more, options: self.v1.payment_intents.update(id, {"amount": amount, **more}, options)
        )

    # Refunds, disputes, warnings --------------------------------------------------------------------

    @precondition(lambda self: self.known("charge"))
    @rule(which=WHICH, share=SHARES | some.none(), by_intent=some.booleans())
    def refund(self, which: int, share: float | None, by_intent: bool) -> None:
        charge = self.pick("charge", which)
        wanted: dict[str, Any] = {} if share is None else {"amount": int(charge["amount"] * share)}
        wanted["payment_intent" if by_intent else "charge"] = charge["payment_intent" if by_intent else "id"]
        self.audit.ask(lambda more, options: self.v1.refunds.create({**wanted, **more}, options))

    @precondition(lambda self: self.known("refund"))
    @rule(which=WHICH)
    def cancel_refund(self, which: int) -> None:
        id = self.pick("refund", which)["id"]
        self.audit.ask(lambda more, options: self.v1.refunds.cancel(id, more, options))

    @precondition(lambda self: self.known("charge"))
    @rule(which=WHICH, inquiry=some.booleans())
    def dispute(self, which: int, inquiry: bool) -> None:
        self.audit.act(f"charges/{self.pick('charge', which)['id']}/dispute", {"inquiry": inquiry})

    @precondition(lambda self: self.known("charge"))
    @rule(which=WHICH)
    def warn_of_fraud(self, which: int) -> None:
        self.audit.act(f"charges/{self.pick('charge', which)['id']}/early_fraud_warning", {})

    @precondition(lambda self: self.known("dispute"))
    @rule(which=WHICH, text=some.sampled_from(EVIDENCE), submit=some.booleans())
    def answer_dispute(self, which: int, text: str, submit: bool) -> None:
        id = self.pick("dispute", which)["id"]
        wanted = {"evidence": {"uncategorized_text": text}, "submit": submit}
        self.audit.ask(lambda more, options: self.v1.disputes.update(id, {**wanted, **more}, options))

    @precondition(lambda self: self.known("dispute"))
    @rule(which=WHICH)
    def give_in(self, which: int) -> None:
        id = self.pick("dispute", which)["id"]
        self.audit.ask(lambda more, options: self.v1.disputes.close(id, more, options))

    @precondition(lambda self: self.known("dispute"))
    @rule(which=WHICH, outcome=some.sampled_from(("won", "lost", "escalated")))
    def decide_dispute(self, which: int, outcome: str) -> None:
        self.audit.act(f"disputes/{self.pick('dispute', which)['id']}/decide", {"outcome": outcome})

    # Payouts ----------------------------------------------------------------------------------------

    @rule(amount=some.sampled_from((50, 5_000, 10_000_000)))
    def pay_out(self, amount: int) -> None:
        wanted = {"amount": amount, "currency": "usd"}
        self.audit.ask(lambda more, options: self.v1.payouts.create({**wanted, **more}, options))

    @rule()
    def pay_out_all(self) -> None:
        self.audit.act("payouts", {"currency": "usd"})

    @precondition(lambda self: self.known("payout"))
    @rule(which=WHICH, what=some.sampled_from(("arrive", "fail", "cancel")))
    def move_payout(self, which: int, what: str) -> None:
        self.audit.act(f"payouts/{self.pick('payout', which)['id']}/{what}", {})

    # Checkout ---------------------------------------------------------------------------------------

    @rule(manual=some.booleans())
    def open_session(self, manual: bool) -> None:
        data = {"payment_intent_data": {"capture_method": "manual"}} if manual else {}
        self.audit.ask(lambda more, options: self.emulator.session(options, **data, **more))

    @precondition(lambda self: bool(self.audit.sessions))
    @rule(which=WHICH, number=some.sampled_from(NUMBERS))
    def pay_session(self, which: int, number: str) -> None:
        self.audit.pay_session(which=which, number=number)

    @precondition(lambda self: bool(self.audit.sessions))
    @rule(which=WHICH)
    def expire_session(self, which: int) -> None:
        id = self.audit.sessions[which % len(self.audit.sessions)]
        self.audit.ask(lambda more, options: self.v1.checkout.sessions.expire(id, more, options))

    # Clock, network, repetition ---------------------------------------------------------------------

    @rule(seconds=some.sampled_from((LATER_SECONDS + 1, 2 * HOUR, 3 * DAY, 10 * DAY, 121 * DAY)))
    def wait(self, seconds: int) -> None:
        self.audit.wait(seconds)

    @rule(kind=some.sampled_from(FAULTS))
    def order_fault(self, kind: str) -> None:
        """The next request that Stripe's client posts meets it, and is then sent again as the product would."""
        self.audit.next_fault = kind

    @precondition(lambda self: bool(self.audit.answered))
    @rule(which=WHICH, otherwise=some.booleans())
    def send_again(self, which: int, otherwise: bool) -> None:
        self.audit.send_again(which=which, otherwise=otherwise)


def test_whatever_happens_the_books_agree_and_states_change_as_stripe_lets_them(emulator: Emulator) -> None:
    machine = type("Trade", (Trade,), {"emulator": emulator})
    wanted = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=SEED is None,
        database=None,
        deadline=None,
        phases=(Phase.generate,) if SEED is None else (Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run = seed(int(SEED))(machine) if SEED and SEED != "0" else machine
    run_state_machine_as_test(run, settings=wanted)
    assert len(Trade.changes) >= 15, f"the walk has become too short: {sorted(Trade.changes)}"


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("payment_intent", stripe.PaymentIntent),
        ("dispute", stripe.Dispute),
        ("checkout.session", stripe.checkout.Session),
    ],
)
def test_the_table_of_changes_knows_every_status_of_the_class(kind: str, shown: type) -> None:
    told = set(ALLOWED[kind]) | {status for after in ALLOWED[kind].values() for status in after}
    assert told - {""} == _literals(shown)


def _literals(shown: type) -> set[str]:
    """The statuses of a class of stripe-python, whose annotations are text."""
    return set(re.findall(r"['\"](\w+)['\"]", str(shown.__annotations__["status"])))
