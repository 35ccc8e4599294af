"""A customer at a browser: books and pays as a person does, by labels and buttons. For browser tests alone."""

import base64
import email
import email.policy
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

from tests.fixtures import Product

GOOD = "4242424242424242"
NO_FUNDS = "4000000000009995"
ASKS_THE_BANK = "4000002760003184"
PATIENCE_MS = 30_000


@dataclass
class Customer:
    """One person with one browser context and one e-mail address."""

    product: Product
    page: Page
    email: str

    # Booking --------------------------------------------------------------------------------------

    def open_form(self) -> None:
        self.page.goto(f"{self.product.url}/book/")

    def fill_form(self, *, month: int = 2) -> None:
        """10 adults, 2 children, the first free time of a later month, an address, a name."""
        page = self.page
        months = page.locator(".month")
        if months.nth(month).get_attribute("open") is None:
            months.nth(month).locator("summary").click()
        months.nth(month).locator("label.time").first.click()
        page.get_by_label("Adults", exact=True).fill("10")
        page.get_by_label("Children", exact=True).fill("2")
        page.get_by_label("Street and number").fill("12 Garden Lane")
        page.get_by_label("City").fill("San Francisco")
        page.get_by_label("State").fill("CA")
        page.get_by_label("ZIP code").fill("94110")
        page.get_by_label("Your name").fill("Robin Sample")
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("I have read the").check()

    def book(self) -> str:
        """A held booking; its code. The browser is on the pay page then."""
        self.open_form()
        self.fill_form()
        self.page.get_by_role("button", name="Hold this date").click()
        self.page.wait_for_url("**/b/*/pay")
        return self.page.url.split("/")[-2]

    # Paying ---------------------------------------------------------------------------------------

    def element(self, page: Page | None = None) -> FrameLocator:
        return (page or self.page).frame_locator("#card-fields iframe").first

    def pay_button(self, page: Page | None = None) -> Locator:
        return (page or self.page).locator("#pay-button")

    def type_card(self, number: str, page: Page | None = None) -> None:
        """Into the Payment Element of the page."""
        fields = self.element(page)
        expect(self.pay_button(page)).to_be_enabled(timeout=PATIENCE_MS)
        fields.get_by_label("Card number").fill(number)
        fields.get_by_label("Expiration date").fill("1234")
        fields.get_by_label("Security code").fill("123")
        fields.get_by_label("ZIP code").fill("94110")

    def pay_in_element(self, number: str) -> None:
        self.type_card(number)
        self.pay_button().click()

    def go_to_checkout(self) -> None:
        self.page.get_by_role("button", name="Pay on Stripe").click()
        self.page.wait_for_url("**/c/pay/**")

    def pay_on_checkout(self, number: str) -> None:
        """On Stripe's hosted page."""
        page = self.page
        page.get_by_label("Card number").fill(number)
        page.get_by_label("Expiration date").fill("1234")
        page.get_by_label("Security code").fill("123")
        page.get_by_label("Cardholder name").fill("Robin Sample")
        page.get_by_label("ZIP code").fill("94110")
        page.locator("#pay").click()

    def answer_bank(self, answer: str) -> None:
        """In the 3-D Secure dialog: "Complete authentication" or "Fail authentication"."""
        dialog = self.page.frame_locator('iframe[title="3D Secure authentication"]')
        dialog.get_by_role("button", name=answer).click(timeout=PATIENCE_MS)

    def expect_confirmed(self, page: Page | None = None) -> None:
        expect((page or self.page).get_by_role("heading", name="You are booked")).to_be_visible(
            timeout=PATIENCE_MS
        )

    def keep_cards(self, *tokens: str) -> None:
        """Cards that Stripe keeps for this signed-in customer, learned by a visit to their page."""
        page = self.page
        page.goto(f"{self.product.url}/account/cards")
        begun = page.evaluate(
            """async () => {
              const form = document.getElementById("card-form");
              const headers = {"X-CSRFToken": form.elements.csrfmiddlewaretoken.value};
              return (await fetch(form.action, {method: "POST", headers})).json();
            }"""
        )
        setup = self._stripe(f"setup_intents/{begun['client_secret'].split('_secret_')[0]}")
        for token in tokens:
            self._stripe(f"payment_methods/{token}/attach", method="POST", customer=setup["customer"])
        page.goto(f"{self.product.url}/account/cards?from=portal")

    # What really happened -------------------------------------------------------------------------

    def charges(self, code: str) -> list[dict[str, Any]]:
        """The succeeded charges of a booking, as Stripe's API lists them."""
        found, after = [], ""
        while True:
            listed = self._stripe("charges", limit="100", **({"starting_after": after} if after else {}))
            found += [one for one in listed["data"] if one["metadata"].get("booking") == code]
            if not listed["has_more"]:
                return [charge for charge in found if charge["status"] == "succeeded"]
            after = listed["data"][-1]["id"]

    def _stripe(self, path: str, *, method: str = "GET", **fields: str) -> dict[str, Any]:
        variables, sent = self.product.variables, urllib.parse.urlencode(fields)
        address = f"{variables['STRIPE_API_BASE']}/v1/{path}"
        key = base64.b64encode(f"{variables['STRIPE_SECRET_KEY']}:".encode()).decode()
        request = urllib.request.Request(
            address if method == "POST" else f"{address}?{sent}",
            data=sent.encode() if method == "POST" else None,
            headers={"Authorization": f"Basic {key}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            listed: dict[str, Any] = json.load(answer)
            return listed

    def mails(self, *, subject: str, within_seconds: float = 30) -> list[EmailMessage]:
        """Messages to this customer whose subject contains the words, waited for."""
        until = time.monotonic() + within_seconds
        while time.monotonic() < until:
            found = [
                mail for mail in self._outbox() if self.email in mail["to"] and subject in mail["subject"]
            ]
            if found:
                return found
            time.sleep(0.3)
        raise AssertionError(f"no mail {subject!r} to {self.email} within {within_seconds} s")

    def _outbox(self) -> list[EmailMessage]:
        found = []
        for path in self.product.outbox.glob("*"):
            for part in path.read_bytes().split(b"-" * 79 + b"\n"):
                if part.strip():
                    found.append(email.message_from_bytes(part, policy=email.policy.default))
        return [mail for mail in found if isinstance(mail, EmailMessage) and mail["to"]]


@contextmanager
def another_tab(context: BrowserContext, address: str) -> Iterator[Page]:
    page = context.new_page()
    page.goto(address)
    yield page
    page.close()
