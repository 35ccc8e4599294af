"""Invoices moved at random, and what must hold after every step whatever was asked and refused."""

import random
from collections.abc import Callable
from typing import Any

import stripe

from sandbox.tests.support import Emulator

STEPS = 60
CARDS = ("pm_card_visa", "pm_card_chargeCustomerFail", "pm_card_authenticationRequired")
NEXT = {
    "draft": {"draft", "open", "paid", "deleted"},
    "open": {"open", "paid", "void", "uncollectible"},
    "uncollectible": {"uncollectible", "paid", "void"},
    "paid": {"paid"},
    "void": {"void"},
}


class Walk:
    def __init__(self, emulator: Emulator, *, seed: int) -> None:
        self.emulator, self.v1, self.random = emulator, emulator.v1, random.Random(seed)
        self.customer = self.v1.customers.create({}).id
        attached = [self.v1.payment_methods.attach(card, {"customer": self.customer}).id for card in CARDS]
        self.v1.customers.update(self.customer, {"invoice_settings": {"default_payment_method": attached[0]}})
        self.cards = attached
        self.known: dict[str, str] = {}

    def create(self) -> None:
        ways: list[dict[str, Any]] = [
            {},
            {"auto_advance": True},
            {"collection_method": "send_invoice", "days_until_due": 1},
        ]
        invoice = self.v1.invoices.create({"customer": self.customer, **self.random.choice(ways)})
        self.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 5000}]})

    def step(self) -> None:
        ids = list(self.known)
        if not ids or self.random.random() < 0.2:
            self.create()
            return
        invoice = self.random.choice(ids[:4])  # the newest: most can still be moved
        invoices = self.v1.invoices
        actions: list[Callable[[], Any]] = [
            lambda: invoices.add_lines(
                invoice, {"lines": [{"amount": self.random.choice((5000, -3000, 20))}]}
            ),
            lambda: invoices.finalize_invoice(invoice),
            lambda: invoices.pay(invoice, {"payment_method": self.random.choice(self.cards)}),
            lambda: invoices.pay(invoice, {"paid_out_of_band": True}),
            lambda: invoices.send_invoice(invoice),
            lambda: invoices.void_invoice(invoice),
            lambda: invoices.mark_uncollectible(invoice),
            lambda: invoices.delete(invoice),
            lambda: self.challenge(invoice),
            lambda: self.emulator.control("clock", {"advance": 3600}),
        ]
        self.random.choice(actions)()

    def challenge(self, invoice: str) -> None:
        intent = self.intent(invoice)
        if intent and intent.status == "requires_action":
            self.emulator.challenge(intent, outcome=self.random.choice(("pass", "fail")))

    def intent(self, invoice: str) -> Any:
        payments = self.v1.invoice_payments.list({"invoice": invoice}).data
        return self.v1.payment_intents.retrieve(payments[0].payment.payment_intent) if payments else None

    def check(self) -> None:
        found = {
            one.id: one for one in self.v1.invoices.list({"limit": 100, "expand": ["data.payments"]}).data
        }
        for id, before in self.known.items():
            now = found[id].status if id in found else "deleted"
            assert now in NEXT[before], (id, before, now)
        self.known = {id: one.status for id, one in found.items()}
        for one in found.values():
            self.check_sums(one)
        paid_by_card = sum(one.amount_paid - one.amount_paid_off_stripe for one in found.values())
        charges = self.v1.charges.list({"limit": 100}).data
        assert paid_by_card == sum(charge.amount for charge in charges if charge.paid)
        self.emulator.balance()

    def check_sums(self, invoice: Any) -> None:
        assert invoice.subtotal == sum(line.amount for line in invoice.lines.data)
        payments = invoice.payments.data
        if invoice.status == "draft":
            assert (payments, invoice.number) == ([], None)
            return
        assert invoice.amount_paid + invoice.amount_remaining == invoice.amount_due
        assert len(payments) == (1 if invoice.amount_due else 0)
        expected = {"open": "open", "uncollectible": "open", "void": "canceled"}.get(invoice.status)
        expected = expected or ("canceled" if invoice.amount_paid_off_stripe else "paid")
        assert [payment.status for payment in payments] == [expected] * len(payments)


def test_whatever_is_asked_sums_states_and_money_agree(emulator: Emulator) -> None:
    walk = Walk(emulator, seed=2)
    refused = 0
    for _ in range(STEPS):
        try:
            walk.step()
        except (stripe.CardError, stripe.InvalidRequestError):
            refused += 1
        walk.check()
    assert "paid" in walk.known.values()
    assert 0 < refused < STEPS
