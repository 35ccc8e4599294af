"""The customer pages for everybody: without a mouse, without scripts, on a phone, in the dark, with a screen reader."""

import re
import secrets

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.customer import GOOD, PATIENCE_MS, Customer
from tests.fixtures import Product

pytestmark = pytest.mark.browser

PUBLIC = ("/", "/book/", "/terms", "/privacy", "/refunds-policy", "/b/NOSUCH11", "/nothing-here")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")


def assert_accessible(page: Page) -> None:
    results = Axe().run(page)
    found = [(one["id"], [node["html"] for node in one["nodes"]]) for one in results.response["violations"]]
    assert found == [], f"{page.url}: {found}"


def assert_fits(page: Page) -> None:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{page.url} is {over} px wider than the screen"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_public_pages_have_no_axe_violation_and_fit_a_phone(customer: Customer, scheme: str) -> None:
    page = customer.page
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in PUBLIC:
        page.goto(customer.product.url + path)
        assert_accessible(page)
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert_fits(page)
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_bookings_own_pages_have_no_axe_violation_and_fit_a_phone(customer: Customer) -> None:
    page = customer.page
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    code = customer.book()
    expect(customer.pay_button()).to_be_enabled()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert_accessible(page)
    assert_fits(page)
    customer.pay_in_element(GOOD)
    customer.expect_confirmed()
    assert_accessible(page)
    assert_fits(page)
    page.get_by_role("link", name=re.compile("Receipt R-")).click()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    assert_accessible(page)
    assert_fits(page)
    page.goto(f"{customer.product.url}/b/{code}/receipts/R-999999")
    assert page.url.endswith(f"/b/{code}")
    assert errors == []


def test_a_wrong_form_says_what_is_missing_and_keeps_what_was_typed(customer: Customer) -> None:
    page = customer.page
    customer.open_form()
    customer.fill_form()
    page.get_by_label("Your name").fill("")
    page.get_by_label("E-mail").fill("robin at example")
    page.get_by_role("button", name="Hold this date").click()
    problems = page.get_by_role("alert")
    expect(problems).to_contain_text("Type your name.")
    expect(page.get_by_label("E-mail")).to_have_value("robin at example")
    expect(page.get_by_label("Street and number")).to_have_value("12 Garden Lane")
    assert_accessible(page)
    page.get_by_label("Your name").fill("Robin Sample")
    page.get_by_role("button", name="Hold this date").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not an e-mail address.")
    expect(page.locator('input[name="slot"]:checked')).to_have_count(1)


def test_the_price_follows_the_choices(customer: Customer) -> None:
    customer.open_form()
    customer.fill_form()
    panel = customer.page.get_by_role("complementary", name="Price")
    expect(panel).to_contain_text("2 × $30.00")
    expect(panel).to_contain_text("$108.00")
    customer.page.get_by_role("button", name="One more: Adults").click()
    expect(panel).to_contain_text("11 × $60.00")


def test_a_booking_is_made_with_the_keyboard_alone(customer: Customer) -> None:
    page = customer.page
    customer.open_form()
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    keys.press("Enter")
    tab_to(page, ".month:nth-of-type(3) > summary")
    keys.press("Enter")
    tab_to(page, "input[name=slot]")
    keys.press("Space")
    for label, value in (
        ("Street and number", "12 Garden Lane"),
        ("City", "San Francisco"),
        ("State", "CA"),
        ("ZIP code", "94110"),
        ("Your name", "Robin Sample"),
        ("E-mail", customer.email),
    ):
        tab_to(page, f"#{page.get_by_label(label).get_attribute('id')}")
        keys.type(value)
    tab_to(page, "#id_terms_accepted")
    keys.press("Space")
    tab_to(page, "#send")
    keys.press("Enter")
    page.wait_for_url("**/b/*/pay")
    expect(page.get_by_role("heading", name="Pay the")).to_be_visible()


def tab_to(page: Page, selector: str, *, steps: int = 200) -> None:
    """Press Tab until the element that matches has the focus."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab never reached {selector}")


def test_without_scripts_a_booking_is_made_and_paid_on_stripes_page(
    product: Product, browser: Browser
) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        customer = Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")
        customer.open_form()
        expect(page.get_by_role("button", name="One more: Adults")).to_be_hidden()
        customer.fill_form()
        page.get_by_role("button", name="Update the price").click()
        expect(page.get_by_role("complementary", name="Price")).to_contain_text("$108.00")
        expect(page.get_by_label("E-mail")).to_have_value(customer.email)
        page.get_by_role("button", name="Hold this date").click()
        page.wait_for_url("**/b/*/pay")
        expect(page.locator("#pay-form")).to_be_hidden()
        page.get_by_role("button", name="Pay on Stripe").click()
        page.wait_for_url("**/c/pay/**")


def test_when_stripes_script_does_not_come_the_hosted_page_is_offered(customer: Customer) -> None:
    customer.page.route("**/js/stripe.js", lambda route: route.abort())
    customer.book()
    expect(customer.page.locator("#pay-form")).to_be_hidden()
    customer.go_to_checkout()


def test_a_payment_service_that_does_not_answer_is_no_declined_card(customer: Customer) -> None:
    code = customer.book()
    customer.type_card(GOOD)
    customer.page.route("**/pay/start", lambda route: route.abort())
    customer.pay_button().click()
    problem = customer.page.get_by_role("alert").filter(has_text="does not answer")
    expect(problem).to_contain_text("not be charged twice")
    customer.page.unroute("**/pay/start")
    customer.pay_button().click()
    customer.expect_confirmed()
    assert len(customer.charges(code)) == 1


def test_pages_ask_nobody_but_stripe(customer: Customer) -> None:
    """Fonts, scripts and pictures come from the product; the pay page adds Stripe."""
    page = customer.page
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(customer.product.url)
    customer.book()
    expect(customer.pay_button()).to_be_enabled()
    own = (customer.product.url, customer.product.sandbox.url, "data:", "blob:")
    assert [address for address in asked if not address.startswith(own)] == []


def test_nothing_moves_while_a_page_loads(customer: Customer) -> None:
    page = customer.page
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())"
        " if (!entry.hadRecentInput) window.moved += entry.value })"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    for path in ("/", "/book/", "/terms"):
        page.goto(customer.product.url + path)
        page.wait_for_timeout(500)
        assert page.evaluate("window.moved") < 0.02, path
    customer.book()
    expect(customer.pay_button()).to_be_enabled()
    assert page.evaluate("window.moved") < 0.05
