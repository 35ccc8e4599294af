"""A customer's saved cards on the pay page, in Chromium: one click, the bank's question, a decline, another card."""

import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_customer_link import SUBJECT, ask, link_in
from tests.customer import GOOD, PATIENCE_MS, Customer
from tests.fixtures import Product
from tests.test_browser_pages import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

DEPOSIT_BY_CARD = 10_800


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")


def book_with_kept_cards(customer: Customer, *tokens: str) -> str:
    """A booking on whose pay page the signed-in customer is; Stripe keeps these cards, one of them is chosen."""
    page, code = customer.page, customer.book()
    page.goto(f"{customer.product.url}/account/sign-in")
    ask(page, customer)
    [message] = customer.mails(subject=SUBJECT)
    page.goto(link_in(message))
    page.get_by_role("button", name="Open my bookings").click()
    customer.keep_cards(*tokens)
    page.goto(f"{customer.product.url}/b/{code}/pay")
    return code


def test_the_deposit_takes_one_click_and_the_balance_the_banks_question(customer: Customer) -> None:
    code = book_with_kept_cards(customer, "pm_card_threeDSecureRequired", "pm_card_visa")
    page = customer.page
    expect(page.locator("#card-fields")).to_be_hidden()
    expect(customer.pay_button()).to_be_enabled()
    page.get_by_label("Visa ending in 4242").check()
    assert_accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert_fits(page)
    customer.pay_button().dblclick()
    customer.expect_confirmed()
    assert [charge["amount"] for charge in customer.charges(code)] == [DEPOSIT_BY_CARD]

    page.goto(f"{customer.product.url}/b/{code}/pay")
    page.get_by_label("Visa ending in 3184").check()
    customer.pay_button().click()
    customer.answer_bank("Fail authentication")
    expect(page.get_by_role("alert").filter(has_text="could not confirm")).to_be_visible()
    customer.pay_button().click()
    customer.answer_bank("Complete authentication")
    page.wait_for_url(f"**/b/{code}")
    expect(page.get_by_role("link", name="Pay the balance")).to_have_count(0)
    assert len(customer.charges(code)) == 2


def test_a_saved_card_that_is_declined_says_so_and_another_card_is_typed(customer: Customer) -> None:
    code = book_with_kept_cards(customer, "pm_card_chargeCustomerFail")
    page = customer.page
    customer.pay_button().click()
    expect(page.get_by_role("alert").filter(has_text="declined")).to_be_visible()
    assert customer.charges(code) == []
    page.get_by_label("Another card").check()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    assert [charge["amount"] for charge in customer.charges(code)] == [DEPOSIT_BY_CARD]
