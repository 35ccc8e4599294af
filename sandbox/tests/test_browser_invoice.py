"""The hosted invoice page: a decline, a challenge, the money, and what stands there afterwards."""

import pytest
from playwright.sync_api import Page, expect

from sandbox.tests.browser_support import challenge, fill_card, violations
from sandbox.tests.support import Emulator

pytestmark = pytest.mark.browser


def test_a_customer_pays_an_invoice_after_a_decline_and_a_challenge(page: Page, emulator: Emulator) -> None:
    v1 = emulator.v1
    customer = v1.customers.create({"email": "guest@example.com", "name": "A Guest"}).id
    rate = v1.tax_rates.create({"display_name": "Sales tax", "percentage": 8.75, "inclusive": False})
    sent = {"customer": customer, "collection_method": "send_invoice", "days_until_due": 7}
    draft = v1.invoices.create({**sent, "default_tax_rates": [rate.id]})
    price = {"currency": "usd", "unit_amount": 5000, "product_data": {"name": "Paella, per guest"}}
    v1.invoices.add_lines(draft.id, {"lines": [{"quantity": 20, "price_data": price}]})
    invoice = v1.invoices.finalize_invoice(draft.id)

    page.goto(f"{emulator.url}/#invoice")
    page.get_by_role("button", name=invoice.number).click()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Pay as customer").click()
    shown = popup.value
    expect(shown.get_by_role("heading", name=f"Invoice {invoice.number}")).to_be_visible()
    expect(shown.get_by_label("Invoice")).to_contain_text("Qty 20, $50.00 each")
    expect(shown.get_by_label("Invoice")).to_contain_text("Sales tax (8.75 %)$87.50")
    pay = shown.get_by_role("button", name="Pay $1,087.50")
    expect(pay).to_be_enabled()
    assert violations(shown) == []

    fill_card(shown, number="4000000000000002")
    shown.get_by_label("Cardholder name").fill("A Guest")
    pay.click()
    expect(shown.get_by_text("Your card was declined.")).to_be_visible()
    assert v1.invoices.retrieve(invoice.id).status == "open"
    fill_card(shown, number="4000002760003184")
    pay.click()
    challenge(shown).get_by_role("button", name="Complete authentication").click()
    expect(shown.get_by_role("heading", name="Invoice paid")).to_be_visible()
    expect(shown.get_by_label("Invoice")).to_contain_text("Amount due$0.00")
    assert violations(shown) == []
    assert v1.invoices.retrieve(invoice.id).amount_paid == 108750
    with shown.expect_download() as download:
        shown.get_by_role("link", name="Download PDF").click()
    assert download.value.suggested_filename == f"Invoice-{invoice.number}.pdf"
    shown.get_by_role("link", name="View receipt").click()
    expect(shown.get_by_role("heading", name="Receipt from Sandbox Kitchen")).to_be_visible()
    expect(shown.locator("main")).to_contain_text("$1,087.50")
    assert violations(shown) == []


def test_a_voided_invoice_takes_no_money(page: Page, emulator: Emulator) -> None:
    v1, customer = emulator.v1, emulator.v1.customers.create({}).id
    page.goto(f"{emulator.url}/#customer")
    page.get_by_role("button", name=customer).click()
    page.get_by_role("button", name="Invoice 50.00").click()
    expect(page.get_by_role("status")).to_have_text("Invoice 50.00: done.")
    draft = v1.invoices.list({"customer": customer}).data[0]
    assert (draft.status, draft.total, draft.collection_method) == ("draft", 5000, "send_invoice")
    invoice = v1.invoices.finalize_invoice(draft.id)
    page.goto(invoice.hosted_invoice_url)
    expect(page.get_by_role("button", name="Pay $50.00")).to_be_enabled()
    v1.invoices.void_invoice(invoice.id)
    fill_card(page, number="4242424242424242")
    page.get_by_label("Cardholder name").fill("A Guest")
    page.get_by_role("button", name="Pay $50.00").click()
    expect(page.get_by_role("heading", name="This invoice was voided")).to_be_visible()
    assert v1.charges.list().data == []
