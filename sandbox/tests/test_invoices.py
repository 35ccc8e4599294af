"""Invoices through Stripe's client: lines and sums, the way to paid, void or uncollectible, and what is told on it."""

import json
import urllib.request
from typing import Any

import pytest
import stripe

from sandbox.tests.support import Emulator

SENT: dict[str, Any] = {"collection_method": "send_invoice", "days_until_due": 7}
DAY = 24 * 3600
PAID = ["invoice.updated", "invoice.paid", "invoice.payment_succeeded"]


def guest(emulator: Emulator, *, card: str | None = "pm_card_visa") -> str:
    """A customer, with a card that invoices are paid with unless there is none."""
    customer = emulator.v1.customers.create({"email": "guest@example.com", "name": "A Guest"}).id
    if card:
        method = emulator.v1.payment_methods.attach(card, {"customer": customer}).id
        emulator.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
    return str(customer)


def drafted(emulator: Emulator, *, customer: str = "", amount: int = 10800, **params: Any) -> Any:
    invoice = emulator.v1.invoices.create({"customer": customer or guest(emulator), **params})
    line = {"description": "Dinner", "amount": amount}
    return emulator.v1.invoices.add_lines(invoice.id, {"lines": [line]})


def finalized(emulator: Emulator, **params: Any) -> Any:
    return emulator.v1.invoices.finalize_invoice(drafted(emulator, **params).id)


def intent_of(emulator: Emulator, invoice: Any) -> Any:
    payment = emulator.v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    return emulator.v1.payment_intents.retrieve(payment.payment.payment_intent)


def news(emulator: Emulator, since: int) -> list[str]:
    return emulator.event_types()[since:]


def count(emulator: Emulator) -> int:
    return len(emulator.event_types())


def test_lines_and_sums_follow_what_is_added_changed_and_removed(emulator: Emulator) -> None:
    v1, customer = emulator.v1, guest(emulator, card=None)
    waiting = v1.invoice_items.create({"customer": customer, "amount": -500, "currency": "usd"})
    v1.invoice_items.create({"customer": customer, "amount": 900, "currency": "eur"})
    rate = v1.tax_rates.create({"display_name": "Sales tax", "percentage": 8.75, "inclusive": False})
    included = v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": True})
    price = v1.prices.create({"currency": "usd", "unit_amount": 6500, "product_data": {"name": "Paella"}})
    invoice = v1.invoices.create(
        {
            "customer": customer,
            "pending_invoice_items_behavior": "include",
            "default_tax_rates": [rate.id],
            "metadata": {"booking": "T4B"},
            **SENT,
        }
    )
    told = {"display_name": "County", "percentage": 1, "inclusive": False}
    lines = [
        {"pricing": {"price": price.id}, "quantity": 20},
        {"amount": 1200, "description": "Wine", "tax_rates": [included.id]},
        {
            "price_data": {"currency": "usd", "unit_amount": 1000, "product_data": {"name": "Travel"}},
            "tax_amounts": [{"amount": 77, "taxable_amount": 1000, "tax_rate_data": told}],
        },
    ]
    invoice = v1.invoices.add_lines(invoice.id, {"lines": lines, "invoice_metadata": {"table": "7"}})
    assert [line.description for line in invoice.lines.data] == [None, "Paella", "Wine", "Travel"]
    assert [[tax.amount for tax in line.taxes] for line in invoice.lines.data] == [
        [-44],
        [11375],
        [200],
        [77],
    ]
    assert (invoice.subtotal, invoice.total) == (131700, 131700 + 11375 - 44 + 77)
    assert (invoice.subtotal_excluding_tax, invoice.amount_due) == (131500, invoice.total)
    assert [tax.amount for tax in invoice.total_taxes] == [11331, 200, 77]
    assert [tax.taxable_amount for tax in invoice.total_taxes] == [129500, 1000, 1000]
    assert (invoice.number, invoice.hosted_invoice_url, dict(invoice.metadata.to_dict())) == (
        None,
        None,
        {"booking": "T4B", "table": "7"},
    )
    second = v1.invoices.line_items.list(invoice.id, {"limit": 2}).data
    rest = v1.invoices.line_items.list(invoice.id, {"starting_after": second[1].id})
    assert [line.description for line in rest.data] == ["Wine", "Travel"]
    assert rest.has_more is False

    paella = second[1].parent.invoice_item_details.invoice_item
    v1.invoice_items.update(paella, {"quantity": 10})
    v1.invoice_items.delete(waiting.id)
    invoice = v1.invoices.retrieve(invoice.id)
    assert (invoice.subtotal, invoice.total) == (67200, 67200 + 5688 + 77)
    assert len(v1.invoice_items.list({"pending": True}).data) == 1


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "customer": ({}, "Missing required param: customer"),
    "due": ({"collection_method": "send_invoice"}, "days_until_due"),
    "due of a charge": ({"days_until_due": 3}, "collection_method"),
    "tax": ({"automatic_tax": {"enabled": True}}, "automatic tax"),
    "unknown": ({"customer_name": "Somebody"}, "Received unknown parameter"),
    "discount": ({"discounts": [{"coupon": "ten"}]}, "does not model"),
    "somebody's card": ({"default_payment_method": "pm_card_visa"}, "must be attached"),
}


def test_what_makes_no_invoice_is_refused_and_nothing_is_left(emulator: Emulator) -> None:
    customer = guest(emulator)
    before = count(emulator)
    for name, (params, message) in REFUSED.items():
        sent = params if name == "customer" else {"customer": customer, **params}
        with pytest.raises(stripe.InvalidRequestError, match=message):
            emulator.v1.invoices.create(sent)
    assert emulator.v1.invoices.list().data == []
    assert count(emulator) == before


def test_a_sent_invoice_is_paid_with_a_card_and_every_step_is_told(emulator: Emulator) -> None:
    v1, customer = emulator.v1, guest(emulator)
    start = count(emulator)
    invoice = drafted(emulator, customer=customer, statement_descriptor="DINNER T4B", **SENT)
    assert news(emulator, start) == ["invoice.created", "invoiceitem.created", "invoice.updated"]
    start = count(emulator)
    opened = v1.invoices.finalize_invoice(invoice.id, {"expand": ["payments", "confirmation_secret"]})
    assert news(emulator, start) == ["payment_intent.created", "invoice.updated", "invoice.finalized"]
    prefix = v1.customers.retrieve(customer).invoice_prefix
    assert (opened.status, opened.number) == ("open", f"{prefix}-0001")
    assert opened.due_date == opened.status_transitions.finalized_at + 7 * DAY
    assert opened.hosted_invoice_url.startswith(f"{emulator.url}/i/acct_")
    waiting = opened.payments.data[0]
    assert (waiting.status, waiting.amount_requested, waiting.is_default) == ("open", 10800, True)
    intent = intent_of(emulator, opened)
    assert opened.confirmation_secret.client_secret == intent.client_secret
    assert (intent.amount, intent.customer, intent.status) == (10800, customer, "requires_payment_method")

    start = count(emulator)
    v1.invoices.send_invoice(invoice.id)
    paid = v1.invoices.pay(
        invoice.id, {"payment_method": v1.customers.payment_methods.list(customer).data[0].id}
    )
    assert news(emulator, start) == [
        "invoice.sent", "charge.succeeded", "payment_intent.succeeded", *PAID, "invoice_payment.paid",
    ]  # fmt: skip
    assert (paid.status, paid.amount_paid, paid.amount_remaining, paid.attempted) == ("paid", 10800, 0, True)
    assert "payments" not in paid
    expanded = {"expand": ["payments.data.payment.payment_intent", "customer", "lines.data.discounts"]}
    whole = v1.invoices.retrieve(invoice.id, expanded)
    assert whole.payments.data[0].payment.payment_intent.amount_received == 10800
    assert whole.customer.email == "guest@example.com"
    assert v1.charges.list({"limit": 1}).data[0].calculated_statement_descriptor == "SANDBOX* DINNER T4B"
    payment = v1.invoice_payments.retrieve(waiting.id)
    assert (payment.status, payment.amount_paid) == ("paid", 10800)
    found = v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent.id}})
    assert [one.invoice for one in found.data] == [invoice.id]
    assert emulator.balance()["pending"] == 10800 - 343
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        v1.invoices.pay(invoice.id)
    assert v1.invoices.list({"customer": customer, "status": "paid"}).data[0].id == invoice.id


def test_a_declined_card_leaves_the_invoice_open_for_another(emulator: Emulator) -> None:
    customer = guest(emulator, card="pm_card_chargeCustomerFail")
    invoice = drafted(emulator, customer=customer)
    start = count(emulator)
    with pytest.raises(stripe.CardError) as declined:
        emulator.v1.invoices.pay(invoice.id)  # a draft is finalized by it
    assert declined.value.code == "card_declined"
    assert news(emulator, start)[3:] == [
        "charge.failed", "payment_intent.payment_failed", "invoice.updated", "invoice.payment_failed",
    ]  # fmt: skip
    invoice = emulator.v1.invoices.retrieve(invoice.id)
    assert (invoice.status, invoice.attempt_count, invoice.amount_remaining) == ("open", 1, 10800)
    other = emulator.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    assert emulator.v1.invoices.pay(invoice.id, {"payment_method": other.id}).status == "paid"
    alone = drafted(emulator, customer=guest(emulator, card=None))
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        emulator.v1.invoices.pay(alone.id)
    assert emulator.v1.invoices.retrieve(alone.id).status == "draft"


def test_a_card_that_asks_for_its_holder_waits_until_he_came(emulator: Emulator) -> None:
    invoice = finalized(emulator, customer=guest(emulator, card="pm_card_authenticationRequired"))
    start = count(emulator)
    with pytest.raises(stripe.CardError) as needed:
        emulator.v1.invoices.pay(invoice.id)
    assert needed.value.code == "invoice_payment_intent_requires_action"
    assert news(emulator, start) == [
        "payment_intent.requires_action", "invoice.updated",
        "invoice.payment_action_required", "invoice.payment_failed",
    ]  # fmt: skip
    intent = intent_of(emulator, invoice)
    assert intent.status == "requires_action"
    start = count(emulator)
    emulator.challenge(intent, outcome="pass")
    assert news(emulator, start) == [
        "charge.succeeded", "payment_intent.succeeded", *PAID, "invoice_payment.paid",
    ]  # fmt: skip
    assert emulator.v1.invoices.retrieve(invoice.id).status == "paid"


def test_money_that_came_in_another_way_ends_the_intent(emulator: Emulator) -> None:
    invoice = finalized(emulator, **SENT)
    start = count(emulator)
    paid = emulator.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 10800, 10800)
    assert news(emulator, start) == ["payment_intent.canceled", *PAID]
    assert intent_of(emulator, invoice).status == "canceled"
    assert emulator.v1.invoice_payments.list({"invoice": invoice.id}).data[0].status == "canceled"
    assert emulator.balance()["total"] == 0
    assert finalized(emulator, amount=0).status == "paid"


def test_an_open_invoice_is_voided_or_given_up_and_neither_is_changed(emulator: Emulator) -> None:
    v1, voided, bad = emulator.v1, finalized(emulator, **SENT), finalized(emulator)
    start = count(emulator)
    assert v1.invoices.void_invoice(voided.id).status == "void"
    assert v1.invoices.mark_uncollectible(bad.id).status == "uncollectible"
    assert news(emulator, start) == [
        "payment_intent.canceled", "invoice.updated", "invoice.voided",
        "invoice.updated", "invoice.marked_uncollectible",
    ]  # fmt: skip
    assert intent_of(emulator, voided).cancellation_reason == "void_invoice"
    start = count(emulator)
    refusals = [
        lambda: v1.invoices.pay(voided.id),
        lambda: v1.invoices.finalize_invoice(voided.id),
        lambda: v1.invoices.void_invoice(voided.id),
        lambda: v1.invoices.send_invoice(bad.id),
        lambda: v1.invoices.delete(bad.id),
        lambda: v1.invoices.update(bad.id, {"description": "Other words"}),
        lambda: v1.invoices.add_lines(bad.id, {"lines": [{"amount": 1}]}),
        lambda: v1.payment_intents.cancel(intent_of(emulator, bad).id),
        lambda: v1.payment_intents.update(intent_of(emulator, bad).id, {"amount": 1000}),
    ]
    for refusal in refusals:
        with pytest.raises(stripe.InvalidRequestError):
            refusal()
    assert count(emulator) == start
    assert v1.invoices.update(bad.id, {"metadata": {"told": "yes"}}).metadata["told"] == "yes"
    assert v1.invoices.pay(bad.id).status == "paid"


def test_a_draft_is_deleted_with_its_items(emulator: Emulator) -> None:
    invoice = drafted(emulator)
    start = count(emulator)
    assert emulator.v1.invoices.delete(invoice.id).deleted is True
    assert news(emulator, start) == ["invoiceitem.deleted", "invoice.deleted"]
    assert emulator.v1.invoice_items.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        emulator.v1.invoices.retrieve(invoice.id)


def test_the_clock_finalizes_sends_charges_and_calls_overdue(emulator: Emulator) -> None:
    charged, sent = drafted(emulator, auto_advance=True), drafted(emulator, auto_advance=True, **SENT)
    left, below = drafted(emulator), drafted(emulator, amount=-500, auto_advance=True)
    start = count(emulator)
    emulator.control("clock", {"advance": 3600})
    assert emulator.v1.invoices.retrieve(charged.id).status == "paid"
    assert emulator.v1.invoices.retrieve(sent.id).status == "open"
    assert emulator.v1.invoices.retrieve(left.id).status == "draft"
    assert news(emulator, start).count("invoice.sent") == 1
    assert news(emulator, start).count("invoice.finalization_failed") == 1
    failed = emulator.v1.invoices.retrieve(below.id)
    assert failed.status == "draft"
    assert "negative total" in failed.last_finalization_error.message
    emulator.control("clock", {"advance": 7 * DAY})
    overdue = emulator.v1.events.list({"type": "invoice.overdue"}).data
    assert [event.data.object.id for event in overdue] == [sent.id]


def test_the_dashboard_and_the_document_show_the_invoice(emulator: Emulator) -> None:
    invoice = drafted(emulator, amount=123456, footer="Thank you — see you soon", **SENT)
    opened = emulator.control(f"invoices/{invoice.id}/finalize", {})
    with urllib.request.urlopen(opened["invoice_pdf"]) as answer:
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.read().startswith(b"%PDF-")
    token = opened["hosted_invoice_url"].rpartition("/")[2]
    shown = emulator.control(f"invoice_page/{token}")
    assert (shown["invoice"]["number"], shown["lines"][0]["amount"]) == (opened["number"], 123456)
    assert shown["client_secret"] == intent_of(emulator, invoice).client_secret
    assert emulator.control(f"invoices/{invoice.id}/pay", {"out_of_band": True})["status"] == "paid"
    assert emulator.control(f"invoice_page/{token}")["client_secret"] is None
    assert token not in json.dumps(emulator.control("requests"))
