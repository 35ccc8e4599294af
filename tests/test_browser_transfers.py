"""A customer pays by Zelle and by Venmo in Chromium, from the pay page over "I have sent it" to the receipt."""

import io
import re
import secrets

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.customer import PATIENCE_MS, Customer
from tests.fixtures import Product
from tests.test_browser_pages import assert_accessible, assert_fits

pytestmark = pytest.mark.browser

# What the verification inbox does with one click, by the same use case.
CONFIRM = """
from django.contrib.auth.models import User
from core import clock
from payments import manual
from payments.models import Claim
said = Claim.objects.get(payment__booking__code="{code}", state="open")
manual.confirm(said, amount_minor={amount}, received_on=clock.today("America/Los_Angeles"),
               by=User.objects.order_by("pk").first(), reference="{code}")
"""


@pytest.fixture
def customer(product: Product, page: Page) -> Customer:
    page.set_default_timeout(PATIENCE_MS)
    return Customer(product, page, f"sam-{secrets.token_hex(4)}@example.com")


def confirm(customer: Customer, code: str, *, amount: int) -> None:
    customer.product.manage("shell", "-c", CONFIRM.format(code=code, amount=amount))


def screenshot() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 500), "white").save(out, "PNG")
    return out.getvalue()


def test_zelle_goes_from_the_page_over_a_claim_with_proof_to_the_receipt(customer: Customer) -> None:
    code, page = customer.book(), customer.page
    page.get_by_role("link", name=re.compile("^Zelle")).click()
    expect(page.get_by_role("heading", name="Pay the deposit with Zelle")).to_be_visible()
    expect(page.get_by_text("pay@emberandsalt.example")).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the reference").click()
    expect(page.get_by_text(f"{code} is copied.")).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == code
    assert_accessible(page)
    page.get_by_label("Screenshot or PDF").set_input_files(
        {"name": "transfer.png", "mimeType": "image/png", "buffer": screenshot()}
    )
    page.get_by_role("button", name="I have sent it").dblclick()
    expect(page.get_by_role("heading", name="We are checking your Zelle payment")).to_be_visible()
    expect(page.get_by_text("transfer.png")).to_be_visible()
    assert_accessible(page)
    [told] = customer.mails(subject="We are looking for your Zelle payment")
    assert code in told.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    confirm(customer, code, amount=10_000)
    page.goto(f"{customer.product.url}/b/{code}")
    customer.expect_confirmed()
    expect(page.get_by_role("link", name=re.compile("Receipt R-"))).to_be_visible()
    [receipt] = customer.mails(subject="receipt")
    assert "$100.00" in receipt.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert customer.charges(code) == []


def test_venmo_on_a_phone_names_its_fee_and_brings_a_receipt_with_it(customer: Customer) -> None:
    customer.page.set_viewport_size({"width": 390, "height": 844})
    code, page = customer.book(), customer.page
    page.get_by_role("link", name=re.compile("^Venmo")).click()
    expect(page.get_by_role("heading", name="Send $103.00")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("QR code that opens Venmo"))).to_be_visible()
    link = page.get_by_role("link", name=re.compile("Open Venmo")).get_attribute("href")
    assert link == f"https://venmo.com/ember-and-salt?txn=pay&amount=103.00&note={code}"
    assert_fits(page)
    assert_accessible(page)
    page.get_by_label("Name on the transfer").fill("N" * 90)
    page.get_by_role("button", name="I have sent it").click()
    expect(page.get_by_role("heading", name="We are checking your Venmo payment")).to_be_visible()
    assert_fits(page)
    confirm(customer, code, amount=10_300)
    page.goto(f"{customer.product.url}/b/{code}")
    customer.expect_confirmed()
    [receipt] = customer.mails(subject="receipt")
    assert "$103.00" in receipt.get_body(("plain",)).get_content()  # type: ignore[union-attr]
