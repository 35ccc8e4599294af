"""The API's page in a browser, under the content security policy."""

import pytest
from playwright.sync_api import Page, expect

from tests.customer import PATIENCE_MS
from tests.fixtures import Product

pytestmark = pytest.mark.browser


def test_the_api_page_shows_its_routes_and_tries_one_out(product: Product, page: Page) -> None:
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on(
        "request", lambda request: complaints.append(request.url) if product.url not in request.url else None
    )
    page.goto(f"{product.url}/api/docs/")
    route = page.locator("#operations-bookings-catalogue")
    route.get_by_role("button").first.click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table tbody .response-col_status")).to_contain_text(
        "200", timeout=PATIENCE_MS
    )
    assert [one for one in complaints if not one.startswith(("data:", "blob:"))] == []
