"""Billing portal sessions, and the page on which a customer keeps the saved cards."""

from typing import Any

import pytest
import stripe
from playwright.sync_api import Page, expect

from sandbox.tests.browser_support import challenge, fill_card, violations
from sandbox.tests.support import NO_REDIRECTS, Emulator


def _customer_with_card(emulator: Emulator) -> str:
    customer = str(emulator.v1.customers.create({"email": "guest@example.com", "name": "A Guest"}).id)
    wanted = {"customer": customer, "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECTS}
    emulator.v1.setup_intents.create(wanted)
    return customer


def _session(emulator: Emulator, customer: str) -> Any:
    wanted = {"customer": customer, "return_url": "https://shop.test/account"}
    return emulator.v1.billing_portal.sessions.create(wanted)


def test_a_session_is_for_one_customer_and_leads_back_to_the_shop(emulator: Emulator) -> None:
    customer = _customer_with_card(emulator)
    session = _session(emulator, customer)
    assert (session.customer, session.return_url) == (customer, "https://shop.test/account")
    assert session.url == f"{emulator.url}/p/session/{session.id}"
    for refused in (
        {},
        {"customer": "cus_none"},
        {"customer": customer, "return_url": "javascript:alert(1)"},
        {"customer": customer, "configuration": "bpc_1"},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            emulator.v1.billing_portal.sessions.create(refused)


def test_a_session_ends_after_an_hour_and_reaches_no_other_customers_card(emulator: Emulator) -> None:
    other = emulator.v1.customers.payment_methods.list(_customer_with_card(emulator)).data[0]
    session = _session(emulator, _customer_with_card(emulator))
    with pytest.raises(OSError, match="404"):
        emulator.control(f"portal/{session.id}/remove", {"payment_method": other.id})
    assert emulator.v1.payment_methods.retrieve(other.id).customer == other.customer
    emulator.control("clock", {"advance": 3601})
    with pytest.raises(OSError, match="400"):
        emulator.control(f"portal/{session.id}")


@pytest.mark.browser
def test_the_customer_adds_a_card_after_a_challenge_and_finds_an_invoice(
    page: Page, emulator: Emulator
) -> None:
    customer = _customer_with_card(emulator)
    draft = emulator.v1.invoices.create({"customer": customer})
    emulator.v1.invoices.add_lines(draft.id, {"lines": [{"amount": 5000, "description": "Dinner"}]})
    invoice = emulator.v1.invoices.finalize_invoice(draft.id)
    page.goto(_session(emulator, customer).url)
    expect(page.get_by_role("link", name=invoice.number)).to_have_attribute(
        "href", invoice.hosted_invoice_url
    )
    page.get_by_role("button", name="Add a card").click()
    assert violations(page) == []
    page.get_by_label("Cardholder name").fill("A Guest")
    fill_card(page, number="4000000000000002")
    page.get_by_role("button", name="Save card").click()
    expect(page.get_by_text("Your card was declined.")).to_be_visible()
    fill_card(page, number="4000002500003155")
    page.get_by_role("button", name="Save card").click()
    challenge(page).get_by_role("button", name="Complete authentication").click()
    expect(page.get_by_text("visa ending in 3155")).to_be_visible()
    saved = emulator.v1.customers.payment_methods.list(customer).data
    assert [method.card.last4 for method in saved] == ["3155", "4242"]


@pytest.mark.browser
def test_the_customer_chooses_a_default_card_and_removes_it(page: Page, emulator: Emulator) -> None:
    customer = _customer_with_card(emulator)
    method = emulator.v1.customers.payment_methods.list(customer).data[0]
    emulator.pay(customer=customer, payment_method=method.id, description="Deposit")
    page.goto(_session(emulator, customer).url)
    expect(page.get_by_role("link", name="Return to Sandbox Kitchen")).to_have_attribute(
        "href", "https://shop.test/account"
    )
    expect(page.locator("#payments")).to_contain_text("$108.00")
    page.get_by_role("button", name="Make default: visa ending in 4242").click()
    expect(page.get_by_text("Default", exact=True)).to_be_visible()
    assert violations(page) == []
    settings = emulator.v1.customers.retrieve(customer).invoice_settings
    assert settings.default_payment_method == method.id
    page.get_by_role("button", name="Remove: visa ending in 4242").click()
    expect(page.get_by_text("No card is saved.")).to_be_visible()
    assert emulator.v1.customers.payment_methods.list(customer).data == []
    assert emulator.event_types()[-2:] == ["customer.updated", "payment_method.detached"]
