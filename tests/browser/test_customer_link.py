"""The way in at a browser: a link that is prefetched, used, used again, too old; without scripts, and for everybody."""

import re
import secrets
import time
import urllib.request
from email.message import EmailMessage

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.customer import PATIENCE_MS, Customer
from tests.fixtures import Product
from tests.test_browser_pages import PHONE, assert_accessible, assert_fits

pytestmark = pytest.mark.browser

SUBJECT = "Your link to your bookings"
LINK = re.compile(r"https?://\S+/account/link/\S+")


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com")


def ask(page: Page, customer: Customer) -> None:
    page.get_by_label("E-mail").fill(customer.email)
    page.get_by_role("button", name=re.compile("Send me")).click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()


def link_in(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    found = LINK.search(body.get_content())
    assert found is not None
    return found[0]


def newer_link(customer: Customer, *, old: EmailMessage) -> str:
    """The link of the next message, waited for."""
    until = time.monotonic() + PATIENCE_MS / 1_000
    while time.monotonic() < until:
        links = {link_in(message) for message in customer.mails(subject=SUBJECT)} - {link_in(old)}
        if links:
            return links.pop()
        time.sleep(0.3)
    raise AssertionError("no second message came")


def scanner_opens(link: str) -> None:
    """As mail scanners do: HEAD and GET, without cookies, before the person sees the message."""
    for method in ("HEAD", "GET", "GET"):
        with urllib.request.urlopen(urllib.request.Request(link, method=method), timeout=20) as answer:
            assert answer.status == 200


def test_a_link_that_a_scanner_opened_signs_in_once_without_scripts(
    customer: Customer, browser: Browser
) -> None:
    code = customer.book()
    without_scripts = browser.new_context(java_script_enabled=False)
    page = without_scripts.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{customer.product.url}/b/{code}")
    expect(page.get_by_role("heading", name="Please open your booking by its link")).to_be_visible()
    ask(page, customer)
    [message] = customer.mails(subject=SUBJECT)
    link = link_in(message)
    scanner_opens(link)

    page.goto(link)
    page.get_by_role("button", name="Open my bookings").click()
    expect(page).to_have_url(f"{customer.product.url}/b/{code}")
    page.get_by_role("link", name="Your bookings").first.click()
    expect(page.get_by_text(code)).to_be_visible()

    thief = browser.new_context().new_page()
    thief.goto(link)
    expect(thief.get_by_role("heading", name="This link was used already")).to_be_visible()
    thief.goto(f"{customer.product.url}/account/")
    expect(thief.get_by_role("button", name="Send me a link")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{customer.product.url}/b/{code}")
    expect(page.get_by_role("heading", name="Please open your booking by its link")).to_be_visible()
    thief.context.close()
    without_scripts.close()


def test_an_expired_link_leads_to_a_new_one_and_every_page_is_for_everybody(customer: Customer) -> None:
    page = customer.page
    customer.book()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]

    def look() -> None:
        assert_accessible(page)
        assert_fits(page)

    page.goto(f"{customer.product.url}/account/")
    look()
    ask(page, customer)
    look()
    [message] = customer.mails(subject=SUBJECT)
    with psycopg.connect(customer.product.database_url) as database:
        database.execute(
            "UPDATE customers_accountlink SET expires_at = now() - interval '1 second' WHERE email = %s",
            [customer.email],
        )
    page.goto(link_in(message))
    expect(page.get_by_role("heading", name="This link is too old")).to_be_visible()
    look()
    ask(page, customer)
    page.goto(newer_link(customer, old=message))
    look()
    page.get_by_role("button", name="Open my bookings").click()
    expect(page.get_by_role("heading", name="Your bookings", exact=True)).to_be_visible()
    look()
    for name in ("Receipts", "Your details"):
        page.get_by_role("navigation", name="Account").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        look()
    page.goto(f"{customer.product.url}/terms/1")
    look()
