"""docs/api.md's JavaScript as it stands, run in a browser against the product: from a price to a paid deposit."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.customer import GOOD, PATIENCE_MS
from tests.fixtures import Product

pytestmark = pytest.mark.browser
DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"

CHOOSE = """async () => {
  const catalogue = await api("catalogue");
  const slots = await api("slots");
  return { menu: catalogue.menus[0].id, slot: slots.results.at(-1).id };
}"""
BOOK = """async ({ party, contact }) => {
  const div = document.body.appendChild(document.createElement("div"));
  div.id = "example-card";
  window.started = await bookAndPay({ party, contact, stripeJs: (key) => Stripe(key), mountAt: "#example-card" });
  return { total: started.booking.total, priced: started.price.total };
}"""

CHANGE = """() => changeGuests(started.booking, 12, started.token, async (problem) => {
  window.told = problem;
  return true;
})"""


def blocks() -> list[str]:
    return re.findall(r"^```js\n(.*?)^```", DOCS.read_text(), flags=re.MULTILINE | re.DOTALL)


def test_every_example_can_be_read_and_the_client_books_pays_and_changes_its_mind(
    product: Product, page: Page
) -> None:
    page.set_default_timeout(PATIENCE_MS)
    for example in blocks():
        page.evaluate("source => { new Function(`return async () => { ${source} }`) }", example)
    page.goto(product.url)
    page.add_script_tag(url=product.variables["STRIPE_JS_URL"])
    client = "\n".join(example for example in blocks() if "tokens" not in example)
    # Names of a script's top level, as in a page's own file; evaluated by the debugger, so the page's policy holds.
    page.evaluate(client.replace("const ", "var "))
    party = page.evaluate(CHOOSE) | {"adults": 10, "children": 2, "postal_code": "94110"}
    contact = {
        "street": "1 Sample Street",
        "city": "San Francisco",
        "region": "CA",
        "name": "Ada Example",
        "email": "ada.script@example.com",
        "terms_accepted": True,
    }
    booked = page.evaluate(BOOK, {"party": party, "contact": contact})
    assert booked["total"] == booked["priced"]

    card = page.frame_locator("#example-card iframe").first
    card.get_by_label("Card number").fill(GOOD)
    card.get_by_label("Expiration date").fill("1234")
    card.get_by_label("Security code").fill("123")
    card.get_by_label("ZIP code").fill("94110")
    page.evaluate("() => started.pay().then(({ error }) => { if (error) throw new Error(error.message) })")
    paid = page.evaluate("() => settled(started.payment.id, started.token)")
    assert (paid["state"], paid["card_last4"]) == ("succeeded", "4242")

    told = page.evaluate(CHANGE)
    assert told["adults"] == 12
    assert told["total"] == page.evaluate("() => told.total")
    assert told["total"]["amount"] > booked["total"]["amount"]
