"""A customer changes guests, moves the date and cancels at a browser, each after seeing it; without scripts too."""

import re
import secrets

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.customer import GOOD, PATIENCE_MS, Customer
from tests.fixtures import Product
from tests.test_browser_pages import PHONE, assert_accessible, assert_fits

pytestmark = pytest.mark.browser


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")


def assert_good_everywhere(page: Page) -> None:
    assert_accessible(page)
    size = page.viewport_size
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert_fits(page)
    page.set_viewport_size(size)  # type: ignore[arg-type]


def choose_later_time(page: Page) -> None:
    month = page.locator(".month").last
    if month.get_attribute("open") is None:
        month.locator("summary").click()
    month.locator("label.time").first.click()


def test_guests_change_both_ways_the_date_moves_and_a_cancellation_comes_back_to_the_card(
    customer: Customer,
) -> None:
    page = customer.page
    customer.book()
    expect(page.get_by_label("Deposit")).to_be_checked()
    page.get_by_label("Everything at once").check()
    expect(page.get_by_role("heading", name="Pay the whole price")).to_be_visible()
    assert_good_everywhere(page)
    page.get_by_label("Deposit").check()
    expect(page.get_by_role("heading", name="Pay the deposit")).to_be_visible()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()

    panel = page.get_by_role("complementary", name="What changes")
    page.get_by_role("link", name="Change guests or menu").click()
    assert_good_everywhere(page)
    for adults, difference in (("12", "more"), ("6", "less")):
        page.get_by_label("Adults", exact=True).fill(adults)
        expect(panel).to_contain_text(f"{adults} × $60.00")
        expect(panel).to_contain_text(f"{difference} than before")
        expect(panel).to_contain_text("Paid, and it stays paid")
        page.get_by_role("button", name="Change my booking").click()
        expect(page.get_by_role("status").filter(has_text="Your booking is changed")).to_be_visible()
        expect(page.get_by_text(f"{adults} adults and 2 children")).to_be_visible()
        page.get_by_role("link", name="Change guests or menu").click()
    page.go_back()

    page.get_by_role("link", name="Move the date").click()
    assert_good_everywhere(page)
    choose_later_time(page)
    expect(panel).to_contain_text("The price stays the same")
    page.get_by_role("button", name="Move my date").click()
    expect(page.get_by_role("status").filter(has_text="Your date is moved")).to_be_visible()
    expect(page.get_by_role("heading", name="You are booked")).to_be_visible()
    assert_good_everywhere(page)

    page.get_by_role("link", name="Cancel the booking").click()
    expect(page.get_by_text("All that you paid comes back: $108.00.")).to_be_visible()
    expect(page.get_by_label("Back the way it was paid")).to_be_checked()
    assert_good_everywhere(page)
    page.get_by_role("button", name="Cancel this booking").dblclick()
    expect(page.get_by_role("heading", name="This booking is cancelled")).to_be_visible()
    [mail] = customer.mails(subject="is cancelled")
    assert "$108.00" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    expect(looked_at_again(page).get_by_text(re.compile("Sent back to you"))).to_be_visible()
    assert_good_everywhere(page)


def looked_at_again(page: Page) -> Page:
    """The refund runs apart: look again until the page tells that it went out."""
    page.wait_for_function(
        "fetch(location.href).then((answer) => answer.text()).then((text) => text.includes('Sent back to you'))",
        polling=1_000,
    )
    page.reload()
    return page


def test_without_scripts_all_of_it_works_by_its_buttons(customer: Customer, browser: Browser) -> None:
    code = customer.book()
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    plain = browser.new_context(
        java_script_enabled=False, storage_state=customer.page.context.storage_state()
    )
    page = plain.new_page()
    page.set_default_timeout(PATIENCE_MS)
    address = f"{customer.product.url}/b/{code}"
    page.goto(f"{address}/change")
    page.get_by_label("Adults", exact=True).fill("11")
    page.get_by_role("button", name="Change my booking").click()  # The price beside it is the old one.
    expect(page.get_by_role("alert")).to_contain_text("The price is another one now")
    page.get_by_role("button", name="Change my booking").click()
    expect(page.get_by_text("11 adults and 2 children")).to_be_visible()
    page.goto(f"{address}/move")
    page.locator(".month[open] label.time").last.click()
    page.get_by_role("button", name="Show the new price").click()
    page.get_by_role("button", name="Move my date").click()
    expect(page.get_by_text("Your date is moved")).to_be_visible()
    page.goto(f"{address}/cancel")
    page.get_by_label("As credit for another booking").check()
    page.get_by_role("button", name="Cancel this booking").click()
    expect(page.get_by_role("heading", name="This booking is cancelled")).to_be_visible()
    plain.close()
