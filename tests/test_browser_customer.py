"""A customer books and pays in Chromium, against the whole product: every way to pay, and every way to click twice."""

import re
import secrets

import pytest
from playwright.sync_api import Page, expect

from tests.customer import ASKS_THE_BANK, GOOD, NO_FUNDS, PATIENCE_MS, Customer, another_tab
from tests.fixtures import Product

pytestmark = pytest.mark.browser

DEPOSIT_BY_CARD = 10_800


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")


def assert_one_charge(customer: Customer, code: str) -> None:
    assert [charge["amount"] for charge in customer.charges(code)] == [DEPOSIT_BY_CARD]


def test_the_deposit_is_paid_in_the_payment_element_and_a_receipt_arrives(customer: Customer) -> None:
    code = customer.book()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    assert_one_charge(customer, code)
    expect(customer.page.get_by_text("Visa ending 4242")).to_be_visible()
    [receipt] = customer.mails(subject="receipt")
    [pdf] = list(receipt.iter_attachments())
    assert pdf.get_content_type() == "application/pdf"
    assert pdf.get_content().startswith(b"%PDF")
    assert "$108.00" in receipt.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    customer.page.get_by_role("link", name=re.compile("Receipt R-")).click()
    expect(customer.page.get_by_role("heading", name="Receipt")).to_be_visible()
    with customer.page.expect_download() as download:
        customer.page.get_by_role("link", name="Download the PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")


def test_the_deposit_is_paid_on_stripes_checkout_page(customer: Customer) -> None:
    code = customer.book()
    customer.go_to_checkout()
    customer.pay_on_checkout(GOOD)
    customer.expect_confirmed()
    assert_one_charge(customer, code)


def test_a_declined_card_says_what_to_do_and_another_one_pays(customer: Customer) -> None:
    code = customer.book()
    customer.pay_in_element(NO_FUNDS)
    problem = customer.page.get_by_role("alert").filter(has_text="does not have enough funds")
    expect(problem).to_be_visible()
    expect(problem).to_contain_text("your date is still held")
    expect(customer.pay_button()).to_be_enabled()
    assert customer.charges(code) == []
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    assert_one_charge(customer, code)


def test_a_failed_authentication_keeps_the_booking_and_a_passed_one_confirms_it(customer: Customer) -> None:
    code = customer.book()
    customer.pay_in_element(ASKS_THE_BANK)
    customer.answer_bank("Fail authentication")
    expect(customer.page.get_by_role("alert").filter(has_text="could not confirm")).to_be_visible()
    assert customer.charges(code) == []
    customer.pay_in_element(ASKS_THE_BANK)
    customer.answer_bank("Complete authentication")
    customer.expect_confirmed()
    assert_one_charge(customer, code)


def test_a_double_click_charges_once(customer: Customer) -> None:
    code = customer.book()
    customer.type_card(GOOD)
    customer.pay_button().dblclick()
    customer.expect_confirmed()
    assert_one_charge(customer, code)


def test_booking_by_double_click_makes_one_booking(customer: Customer) -> None:
    customer.open_form()
    customer.fill_form()
    customer.page.get_by_role("button", name="Hold this date").dblclick()
    customer.page.wait_for_url("**/b/*/pay")
    assert len(customer.mails(subject="We hold your date")) == 1


def test_the_back_button_after_paying_offers_no_second_payment(customer: Customer) -> None:
    code = customer.book()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    customer.page.go_back()
    customer.page.wait_for_load_state()
    expect(customer.page.get_by_role("heading", name="Pay the deposit")).to_have_count(0)
    assert_one_charge(customer, code)


def test_two_tabs_that_both_pay_charge_once(customer: Customer) -> None:
    code = customer.book()
    with another_tab(customer.page.context, customer.page.url) as other:
        customer.type_card(GOOD)
        customer.type_card(GOOD, other)
        customer.pay_button().click()
        customer.pay_button(other).click()
        customer.expect_confirmed()
        customer.expect_confirmed(other)
    assert_one_charge(customer, code)


def test_a_reload_before_paying_changes_nothing(customer: Customer) -> None:
    code = customer.book()
    customer.page.reload()
    customer.type_card(NO_FUNDS)
    customer.pay_button().click()
    expect(customer.page.get_by_role("alert").filter(has_text="enough funds")).to_be_visible()
    customer.page.reload()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    assert_one_charge(customer, code)


def test_switching_from_checkout_to_the_element_charges_once(customer: Customer) -> None:
    code = customer.book()
    pay_page = customer.page.url
    customer.go_to_checkout()
    checkout_page = customer.page.url
    customer.page.goto(pay_page)
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    customer.page.goto(checkout_page)
    expect(customer.page.locator("#pay")).not_to_be_enabled()
    assert_one_charge(customer, code)


def test_the_link_in_the_mail_opens_the_booking_and_the_code_alone_does_not(customer: Customer) -> None:
    code = customer.book()
    [held] = customer.mails(subject="We hold your date")
    body = held.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    link = re.search(r"http\S+", body)
    assert link is not None
    customer.page.context.clear_cookies()
    customer.page.goto(f"{customer.product.url}/b/{code}")
    expect(customer.page.get_by_role("heading", name="Please open your booking by its link")).to_be_visible()
    customer.page.goto(link.group())
    expect(customer.page.get_by_role("heading", name="Your date is held")).to_be_visible()
    assert "?t=" not in customer.page.url
