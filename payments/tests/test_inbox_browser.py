"""Zelle and Venmo in two browsers: the customer says it was sent, staff confirm by one click, the receipt comes."""

import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from payments.tests.test_console_browser import staff
from tests.customer import PATIENCE_MS, Customer
from tests.fixtures import Product

__all__ = ["staff"]
pytestmark = pytest.mark.browser


def say_sent(product: Product, page: Page, *, method: str) -> Customer:
    """A booking held, and "I have sent it" said."""
    page.set_default_timeout(PATIENCE_MS)
    customer = Customer(product, page, f"{method}-{secrets.token_hex(4)}@example.com")
    code = customer.book()
    page.goto(f"{product.url}/b/{code}/pay/{method}")
    page.get_by_label("Name on the transfer").fill(f"Payer {code}")
    page.get_by_role("button", name="I have sent it").click()
    expect(page.get_by_text("We are checking").first).to_be_visible()
    return customer


def test_a_claim_goes_from_the_page_to_the_inbox_to_one_click_to_the_receipt(
    product: Product, browser: Browser, page: Page, staff: Page
) -> None:
    zelle = say_sent(product, page, method="zelle")
    staff.goto(f"{product.url}/admin/payments/claim/inbox/")
    claims = staff.locator(".ts-claim")
    expect(claims.filter(has_text="Zelle").filter(has_text="$100.00").last).to_be_visible()

    # The second one appears by itself while the inbox is open.
    other = browser.new_context()
    venmo = say_sent(product, other.new_page(), method="venmo")
    code = venmo.page.url.split("/b/")[1].split("/")[0]
    row = claims.filter(has_text=code)
    expect(row.get_by_text("$100.00 + $3.00 fee")).to_be_visible(timeout=PATIENCE_MS)

    # The dialog shows a surplus before it is one, and Escape leaves everything as it is.
    row.get_by_role("link", name="Other amount").click()
    dialog = staff.locator("#modal-content")
    dialog.get_by_label("Amount received").fill("153.00")
    dialog.get_by_label("Reference").click()
    expect(dialog.get_by_text("Kept as the customer's credit")).to_be_visible()
    staff.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()

    # By keyboard alone: to the row, and c.
    for _ in range(claims.count()):
        staff.keyboard.press("j")
    expect(claims.last).to_have_attribute("data-current", "")
    expect(claims.last).to_contain_text(code)
    staff.keyboard.press("c")
    expect(staff.get_by_text(f"$100.00 and $3.00 fee for {code}")).to_be_visible()
    first = page.url.split("/b/")[1].split("/")[0]
    claims.filter(has_text=first).get_by_role("button", name="Confirm $100.00").click()
    expect(staff.get_by_text(f"$100.00 for {first}")).to_be_visible()

    for customer, booking in ((zelle, first), (venmo, code)):
        customer.page.goto(f"{product.url}/b/{booking}")
        customer.expect_confirmed()
        assert customer.mails(subject="receipt")
    other.close()
