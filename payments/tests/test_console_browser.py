"""Staff at a browser: sign in, find a payment by its booking's code, refund it; the customer sees it."""

import secrets
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.customer import GOOD, PATIENCE_MS, Customer
from tests.fixtures import Product

pytestmark = pytest.mark.browser


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")


@pytest.fixture
def staff(product: Product, browser: Browser) -> Iterator[Page]:
    """A browser of its own, signed in as the demonstration merchant's owner."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    username, password = product.staff_login
    page.goto(f"{product.url}/admin/")
    page.get_by_label("E-mail address or user name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("region", name="What needs a person today")).to_be_visible()
    yield page
    context.close()


def open_payment(page: Page, *, url: str, code: str) -> None:
    """By the code as people type it, in lower case and with a space."""
    page.goto(f"{url}/admin/payments/payment/")
    page.get_by_placeholder("Booking code, customer, Stripe id").fill(
        f"{code[:4].lower()} {code[4:].lower()}"
    )
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr.data-row")).to_have_count(1)
    page.locator("#result_list tbody a").first.click()
    expect(page.get_by_role("region", name="Refunds")).to_be_visible()


def open_dialog(page: Page) -> None:
    page.locator("a[hx-get$='/refund/']").click()
    expect(page.locator("#modal-content").get_by_role("heading", name="Refund")).to_be_visible()


def test_staff_refund_a_part_and_then_the_rest_and_the_customer_sees_it(
    customer: Customer, staff: Page
) -> None:
    code = customer.book()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    booking_page = customer.page.url
    open_payment(staff, url=customer.product.url, code=code)

    open_dialog(staff)
    dialog = staff.locator("#modal-content")
    expect(dialog.get_by_role("button", name="Refund $108.00")).to_be_visible()
    dialog.get_by_label("Amount").fill("40.00")
    dialog.get_by_label("Reason").fill("Fewer guests came")  # leaving the amount works the figures out anew
    expect(dialog.get_by_text("Back to Visa 4242", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Refund $43.20").click()
    expect(staff.get_by_text("$43.20 went back to the customer.")).to_be_visible()

    open_dialog(staff)
    expect(dialog.get_by_label("Amount")).to_have_value("60.00")
    dialog.get_by_label("Reason").fill("The rest, as agreed")
    dialog.get_by_role("button", name="Refund $64.80").dblclick()
    expect(staff.get_by_text("$64.80 went back to the customer.").first).to_be_visible()

    refunds = staff.get_by_role("region", name="Refunds")
    expect(refunds.locator("tbody tr")).to_have_count(2)
    expect(staff.locator("a[hx-get$='/refund/']")).to_have_count(0)
    [charge] = customer.charges(code)
    assert charge["amount_refunded"] == 10_800
    customer.page.goto(booking_page)
    for shown in ("-$43.20", "-$64.80"):
        expect(customer.page.locator(".ledger-refund").filter(has_text=shown)).to_be_visible()


def test_escape_closes_the_dialog_and_nothing_was_refunded(customer: Customer, staff: Page) -> None:
    code = customer.book()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    open_payment(staff, url=customer.product.url, code=code)

    open_dialog(staff)
    staff.keyboard.press("Escape")

    expect(staff.locator("#modal-content")).not_to_be_visible()
    expect(staff.get_by_role("region", name="Refunds").get_by_text("Nothing went back.")).to_be_visible()
    [charge] = customer.charges(code)
    assert charge["amount_refunded"] == 0
