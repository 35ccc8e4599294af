"""What must hold in the sandbox after every step of `test_state_machine`, read back through Stripe's own client.

An object is known by the events that told of it, so one whose answer was lost is known as well.
"""

from __future__ import annotations

import json
import urllib.error
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import stripe

from sandbox.tests.allowed_changes import ALLOWED
from sandbox.tests.support import Emulator

Call = Callable[[dict[str, Any], dict[str, Any]], Any]  # (more parameters, options) -> Stripe's object
DAY = 24 * 3600
LATER_SECONDS = 600
LISTED = ("payment_intent", "charge", "refund", "dispute", "payout", "radar.early_fraud_warning", "customer")
MONEY_IS_OUT: dict[str, tuple[str, ...]] = {
    "dispute": ("needs_response", "under_review", "lost"),
    "payout": ("pending", "in_transit", "paid"),
    "refund": ("pending", "succeeded"),
}
DISPUTE_FEE = 1500


@dataclass(frozen=True)
class Answer:
    """Status 0: none came."""

    status: int
    body: str
    replayed: bool


@dataclass(frozen=True)
class Asked:
    call: Call
    key: str
    answer: Answer
    at: float


class Audit:
    def __init__(self, emulator: Emulator, *, changes: Counter[str]) -> None:
        self.changes = changes
        self.emulator = emulator
        self.v1 = emulator.v1
        self.seen: dict[str, Any] = {}
        self.sessions: list[str] = []
        self.answered: list[Asked] = []
        self.next_fault = ""
        self.money = 0
        self._clock = 0.0
        self._asked = 0
        self._last: dict[str, str] = {}
        self._quiet = False
        self._transactions: dict[str, list[Any]] = defaultdict(list)
        emulator.control("webhooks", {"paused": True})
        delays = ("pending_refund", "refund_failure", "refund_reference", "dispute", "dispute_decision")
        emulator.control("tuning", {f"{name}_delay": LATER_SECONDS for name in delays})

    def ids(self, kind: str) -> list[str]:
        return [id for id, body in self.seen.items() if body["object"] == kind]

    # Steps ------------------------------------------------------------------------------------------

    def ask(self, call: Call) -> None:
        """One POST under a key of its own; a fault that was ordered meets it, and the product then asks again."""
        self._asked += 1
        key, fault = f"key-{self._asked}", self.next_fault
        self.next_fault = ""
        if fault:
            self.emulator.fault(fault, method="POST", path="/v1/*", seconds=0.02)
        answer = _outcome(call, key=key)
        if fault:
            self._check_fault(fault, answer)
        if answer.status in (0, 429):
            answer = _outcome(call, key=key)
            assert answer.replayed == fault.endswith("_after")
        assert answer.status in (200, 400, 402, 404) or fault.startswith("error_500"), answer
        self._quiet = answer.status in (400, 404)
        self.answered.append(Asked(call, key, answer, self._clock))
        self._note_session(answer)

    def _check_fault(self, fault: str, answer: Answer) -> None:
        refused = (400, 404) if fault == "error_500_after" else ()  # nothing was done, so nothing comes after
        expected = {"rate_limit": 429, "error_500_before": 500, "error_500_after": 500}.get(fault, 0)
        assert answer.status in (expected, *refused), (fault, answer)
        assert self.emulator.control("faults")["faults"] == []

    def _note_session(self, answer: Answer) -> None:
        body = json.loads(answer.body)
        if answer.status == 200 and body["object"] == "checkout.session" and body["id"] not in self.sessions:
            self.sessions.append(body["id"])

    def send_again(self, *, which: int, otherwise: bool) -> None:
        """The same key once more: the same answer; with other parameters: refused. Neither has an effect."""
        asked = self.answered[which % len(self.answered)]
        if self._clock - asked.at >= DAY:
            return
        self._quiet = True
        answer = _outcome(asked.call, key=asked.key, more={"expand": ["customer"]} if otherwise else {})
        if otherwise:
            assert answer.status == 400, answer
            assert json.loads(answer.body)["error"]["type"] == "idempotency_error"
        else:
            assert (answer.status, answer.body) == (asked.answer.status, asked.answer.body)
            assert answer.replayed

    def act(self, path: str, sent: dict[str, Any]) -> None:
        """What bank, customer or dashboard do; a refusal leaves nothing behind."""
        try:
            self.emulator.control(path, sent)
        except urllib.error.HTTPError as refusal:
            if refusal.code not in (400, 402, 404):
                raise AssertionError(f"{path}: {refusal.code} {refusal.read()!r}") from refusal
            self._quiet = refusal.code != 402

    def pay_session(self, *, which: int, number: str) -> None:
        id = self.sessions[which % len(self.sessions)]
        status = self.emulator.pay_session(id, number=number)["status"]
        shown = self.v1.checkout.sessions.retrieve(id)
        wanted = {"complete": "complete", "expired": "expired"}.get(status, "open")
        assert shown.status == wanted, (status, shown.status)

    def wait(self, seconds: int) -> None:
        self.emulator.control("clock", {"advance": seconds})
        self._clock += seconds

    # After each step --------------------------------------------------------------------------------

    def after_a_step(self) -> None:
        events = self._new(self.v1.events, kind="event")
        assert not (self._quiet and events), [event["type"] for event in events]
        for event in events:
            self._follow(event)
        self._compare_with_what_is_shown(events)
        self._check_money(may_change=not self._quiet)
        self._quiet = False

    def _new(self, service: Any, *, kind: str) -> list[Any]:
        """What was made since the last look, oldest first."""
        found: list[Any] = []
        while True:
            after = {"ending_before": self._last[kind]} if kind in self._last else {}
            page = json.loads(service.list({"limit": 100, **after}).last_response.body)
            if page["data"]:
                self._last[kind] = page["data"][0]["id"]
            found += reversed(page["data"])
            if not (page["has_more"] and after):
                assert not page["has_more"]
                return found

    def _follow(self, event: Any) -> None:
        body = event["data"]["object"]
        kind, id = body["object"], body["id"]
        before = self.seen.get(id, {}).get("status", "")
        if kind in ALLOWED and body["status"] != before:
            change = f"{kind}: {before} -> {body['status']}"
            assert body["status"] in ALLOWED[kind][before], f"{id}, {change}, by {event['type']}"
            self.changes[change] += 1
        for name, old in event["data"].get("previous_attributes", {}).items():
            assert body.get(name) != old, f"{event['type']} tells of a change of {name} that is none"
        if kind == "charge":
            assert 0 <= body["amount_refunded"] <= body["amount"]
            assert body["refunded"] == (body["amount_refunded"] == body["amount"])
            assert body["amount_captured"] <= body["amount"]
        self.seen[id] = body

    def _compare_with_what_is_shown(self, events: list[Any]) -> None:
        """What the newest events say is what Stripe shows. An intent's creation is told before its card is chosen."""
        for event in events[-2:]:
            body = event["data"]["object"]
            if event["type"] == "payment_intent.created" or self.seen[body["id"]] is not body:
                continue
            service = _services(self.v1).get(body["object"])
            if service:
                shown = json.loads(service.retrieve(body["id"]).last_response.body)
                assert shown == body, event["type"]

    def _check_money(self, *, may_change: bool) -> None:
        for transaction in self._new(self.v1.balance_transactions, kind="balance_transaction"):
            assert may_change
            assert transaction["net"] == transaction["amount"] - transaction["fee"]
            assert transaction["fee"] == sum(fee["amount"] for fee in transaction["fee_details"])
            self.money += transaction["net"]
            self._transactions[transaction["source"]].append(transaction)
        shown = self.v1.balance.retrieve()
        assert sum(part.amount for part in (*shown.available, *shown.pending)) == self.money

    # At the end of an example -----------------------------------------------------------------------

    def at_the_end(self) -> None:
        self.after_a_step()
        for kind in LISTED:
            listed = [one.id for one in _services(self.v1)[kind].list({"limit": 100}).auto_paging_iter()]
            assert sorted(listed) == sorted(self.ids(kind)), f"{kind}: the list and the events differ"
        listed = [one.id for one in self.v1.checkout.sessions.list({"limit": 100}).auto_paging_iter()]
        assert set(self.sessions) <= set(listed)
        for id in self.ids("charge"):
            self._check_charge(json.loads(self.v1.charges.retrieve(id).last_response.body))
        for kind, statuses in MONEY_IS_OUT.items():
            for id in self.ids(kind):
                self._check_moved(self.seen[id], out=self.seen[id]["status"] in statuses)
        for id in self.ids("payment_intent"):
            self._check_intent(id)

    def _check_charge(self, charge: Any) -> None:
        refunds = [one for id in self.ids("refund") if (one := self.seen[id])["charge"] == charge["id"]]
        back = sum(one["amount"] for one in refunds if one["status"] in MONEY_IS_OUT["refund"])
        assert back <= charge["amount_captured"]
        if charge["captured"]:
            assert charge["amount_refunded"] == charge["amount"] - charge["amount_captured"] + back
        moved = self._transactions.get(charge["id"], [])
        assert [one["amount"] for one in moved] == ([charge["amount_captured"]] if charge["captured"] else [])

    def _check_moved(self, body: Any, *, out: bool) -> None:
        fee = DISPUTE_FEE if body["object"] == "dispute" else 0
        net = sum(one["net"] for one in self._transactions.get(body["id"], []))
        assert net == (-body["amount"] - fee if out else 0), (body["object"], body["status"], net)

    def _check_intent(self, id: str) -> None:
        intent = self.v1.payment_intents.retrieve(id, {"expand": ["latest_charge"]})
        paid = intent.status == "succeeded"
        held = intent.status == "requires_capture"
        assert intent.amount_received == (intent.latest_charge.amount_captured if paid else 0)
        assert intent.amount_capturable == (intent.amount if held else 0)
        good = [one for one in self.v1.charges.list({"payment_intent": id}).data if one.status == "succeeded"]
        assert len(good) <= 1, "an intent is paid once"


def _services(v1: Any) -> dict[str, Any]:
    return {
        "payment_intent": v1.payment_intents,
        "charge": v1.charges,
        "refund": v1.refunds,
        "dispute": v1.disputes,
        "payout": v1.payouts,
        "customer": v1.customers,
        "payment_method": v1.payment_methods,
        "checkout.session": v1.checkout.sessions,
        "radar.early_fraud_warning": v1.radar.early_fraud_warnings,
    }


def _outcome(call: Call, *, key: str, more: dict[str, Any] | None = None) -> Answer:
    try:
        answer = call(more or {}, {"idempotency_key": key})
    except stripe.APIConnectionError:
        return Answer(0, "", replayed=False)
    except stripe.StripeError as refusal:
        return Answer(refusal.http_status or 0, str(refusal.http_body), replayed=_replayed(refusal.headers))
    response = answer.last_response
    return Answer(response.code, response.body, replayed=_replayed(response.headers))


def _replayed(headers: Any) -> bool:
    return "idempotent-replayed" in {name.lower() for name in (headers or {})}
