"""Staff at a browser bring a statement: exact, damaged, ambiguous, repeated, zero and foreign rows."""

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bookings import codes
from tests.customer import PATIENCE_MS, Customer
from tests.fixtures import Product

pytestmark = pytest.mark.browser


@pytest.fixture
def staff(product: Product, browser: Browser) -> Iterator[Page]:
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


def booked(product: Product, browser: Browser) -> str:
    """A booking with 100.00 to pay, of a customer of its own."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    code = Customer(product, page, f"robin-{secrets.token_hex(4)}@example.com").book()
    context.close()
    return code


def with_zeros(product: Product, code: str) -> str:
    """The same booking under a code that begins with two zeros: one in a thousand does."""
    body = "00" + "".join(secrets.choice(codes.ALPHABET[1:]) for _ in range(5))
    fresh = next(body + last for last in codes.ALPHABET if codes.is_valid(body + last))
    change = f"Booking.objects.filter(code='{code}').update(code='{fresh}')"
    product.manage("shell", "-c", f"from bookings.models import Booking; {change}")
    return fresh


def swapped(code: str) -> str:
    """Its first two characters that differ, exchanged."""
    place = next(place for place in range(7) if code[place] != code[place + 1])
    return code[:place] + code[place + 1] + code[place] + code[place + 2 :]


def test_staff_import_a_statement_match_by_one_click_and_a_second_import_is_harmless(
    product: Product, browser: Browser, staff: Page, tmp_path: Path
) -> None:
    exact, lower, damaged, strange, plain = (booked(product, browser) for _ in range(5))
    zeros = with_zeros(product, plain)
    mark = secrets.token_hex(4)  # other tests' statements are others
    day = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
    rows = [
        (f"Zelle {exact}", "100.00"),
        (f"Zelle {lower[:4].lower()} - {lower[4:].lower()}", "100.00"),
        (f"Zelle {swapped(damaged)}", "100.00"),
        (f"Zelle {zeros.lstrip('0')}", "100.00"),
        (f"{exact} and {strange}", "40.00"),
        (f"deposit {mark}", "7.77"),
        (f"deposit {mark}", "7.77"),
        ("fee waived", "0.00"),
        ("flour", "-30.00"),
    ]
    file = tmp_path / "march.csv"
    lines = [
        f"Statement {mark},,",
        "Date,Description,Amount",
        *(f'{day},"{text}",{sum_}' for text, sum_ in rows),
    ]
    file.write_text("\n".join(lines))

    def bring() -> None:
        staff.goto(f"{product.url}/admin/payments/statementimport/upload/")
        staff.locator("input[type=file]").set_input_files(file)
        staff.get_by_role("button", name="Look at it").click()

    bring()
    new = staff.get_by_role("region", name="New lines").get_by_role("listitem")
    expect(new).to_have_count(8)
    for place, words in enumerate(
        ["No doubt", "No doubt", "Likely", "Likely", "Several fit", "Nobody's yet"]
    ):
        expect(new.nth(place)).to_contain_text(words)
    expect(new.nth(2)).to_contain_text("two characters exchanged")
    expect(new.nth(3)).to_contain_text(f"is the code {zeros} without its leading zeros")
    expect(new.nth(6)).to_contain_text("equal line no. 2")
    expect(staff.get_by_role("region", name="Not imported")).to_contain_text("nothing moved")
    staff.get_by_role("button", name="Import 8 lines").click()
    expect(staff.get_by_text("8 lines imported. 2 matched.")).to_be_visible()

    # By keyboard: the next likely one's button is the page's first, and Enter matches it.
    for code in (damaged, zeros):
        staff.get_by_role("button", name="Match $100.00").first.press("Enter")
        expect(staff.get_by_text(f"Matched with {code}.")).to_be_visible()

    staff.get_by_role("listitem").filter(has_text=f"{exact} and {strange}").get_by_role(
        "link", name="Decide"
    ).click()
    staff.get_by_label("Another booking, by code or name").fill(strange[:6].lower())
    staff.get_by_role("button", name="Search").click()
    staff.get_by_role("radio", name=strange).check()
    staff.get_by_role("button", name="Match $40.00").click()
    expect(staff.get_by_text(f"Matched with {strange}.")).to_be_visible()

    staff.get_by_role("listitem").filter(has_text="flour").get_by_role("link", name="Decide").click()
    staff.get_by_label("Why").fill("A purchase")
    staff.get_by_role("button", name="Ignore it").click()
    expect(staff.get_by_text("Ignored, with your reason.")).to_be_visible()

    staff.get_by_role("navigation", name="Lines by state").get_by_role(
        "link", name=re.compile("^Matched")
    ).click()
    staff.get_by_role("listitem").filter(has_text=swapped(damaged)).get_by_role("link", name="Open").click()
    staff.get_by_label("The payment too").check()
    staff.get_by_label("Why").fill("Another Robin's")
    staff.get_by_role("button", name="Undo").click()
    expect(staff.get_by_text("Undone.", exact=True)).to_be_visible()

    bring()
    expect(staff.get_by_text("every line of this file was imported before")).to_be_visible()
