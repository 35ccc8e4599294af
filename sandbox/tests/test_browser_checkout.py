"""Hosted Checkout, as a customer meets it."""

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from sandbox.tests.browser_support import (
    Shop,
    challenge,
    fill_card,
    posts_of,
    violations,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def session(page: Page, shop: Shop) -> Any:
    """An open session of 108.00, its page in front of the customer."""
    made = shop.session()
    page.goto(made.url)
    expect(page.get_by_role("button", name="Pay $108.00")).to_be_enabled()
    return made


def pay(page: Page, *, number: str) -> None:
    fill_card(page, number=number)
    page.get_by_label("Cardholder name").fill("Jane Doe")
    page.get_by_role("button", name="Pay").click()


def now(shop: Shop, session: Any) -> Any:
    return shop.emulator.v1.checkout.sessions.retrieve(session.id)


def charged(shop: Shop, session: Any) -> list[Any]:
    return shop.charged(now(shop, session).payment_intent)


def test_the_page_shows_the_order_and_leads_to_the_success_url(page: Page, shop: Shop) -> None:
    lines = [
        {
            "price_data": {"currency": "usd", "unit_amount": 4500, "product_data": {"name": "Adult menu"}},
            "quantity": 10,
        },
        {
            "price_data": {"currency": "usd", "unit_amount": 2000, "product_data": {"name": "Child menu"}},
            "quantity": 2,
        },
    ]
    made = shop.session(line_items=lines)
    page.goto(made.url)
    order = page.get_by_label("Order summary")
    expect(order.get_by_role("listitem")).to_have_text(
        ["Adult menu$450.00Qty 10, $45.00 each", "Child menu$40.00Qty 2, $20.00 each"]
    )
    expect(page.locator("#total")).to_have_text("$490.00")
    expect(page.locator("#email-value")).to_have_text("guest@example.com")
    expect(page.get_by_text("Sandbox", exact=True)).to_be_visible()
    assert violations(page) == []
    pay(page, number="4242424242424242")
    page.wait_for_url(f"{shop.url}/return?session={made.id}")
    assert (now(shop, made).status, now(shop, made).payment_status) == ("complete", "paid")


def test_a_declined_card_says_why_and_another_one_pays(page: Page, shop: Shop, session: Any) -> None:
    pay(page, number="4000000000009995")
    expect(page.locator("#card-error")).to_have_text("Your card has insufficient funds.")
    expect(page.get_by_role("button", name="Pay $108.00")).to_be_enabled()
    assert now(shop, session).status == "open"
    pay(page, number="4242424242424242")
    page.wait_for_url(f"{shop.url}/return?**")
    assert [charge.amount for charge in charged(shop, session)] == [10800]


def test_a_challenge_is_failed_and_then_passed(page: Page, shop: Shop, session: Any) -> None:
    pay(page, number="4000002760003184")
    challenge(page).get_by_role("button", name="Fail authentication").click()
    expect(page.get_by_role("alert").filter(has_text="unable to authenticate")).to_be_visible()
    assert charged(shop, session) == []
    pay(page, number="4000002760003184")
    challenge(page).get_by_role("button", name="Complete authentication").click()
    page.wait_for_url(f"{shop.url}/return?**")
    assert len(charged(shop, session)) == 1


def test_a_page_left_during_the_challenge_can_be_opened_again_and_paid(
    page: Page, shop: Shop, session: Any
) -> None:
    pay(page, number="4000002760003184")
    expect(challenge(page).get_by_role("button", name="Complete authentication")).to_be_visible()
    page.goto(session.url)
    pay(page, number="4242424242424242")
    page.wait_for_url(f"{shop.url}/return?**")
    assert len(charged(shop, session)) == 1


def test_a_double_click_and_return_make_one_charge(page: Page, shop: Shop, session: Any) -> None:
    posts = posts_of(page)
    fill_card(page, number="4242424242424242")
    page.get_by_label("Cardholder name").fill("Jane Doe")
    page.get_by_role("button", name="Pay").dblclick()
    page.wait_for_url(f"{shop.url}/return?**")
    assert len(charged(shop, session)) == 1
    assert len(posts) == 1


def test_what_is_missing_is_marked_and_nothing_is_sent(page: Page, session: Any) -> None:
    posts = posts_of(page)
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_label("Card number")).to_be_focused()
    expect(page.locator("#card-error")).to_have_text("Your card number is incomplete.")
    expect(page.locator("#name-error")).to_have_text("Please enter the name on your card.")
    assert violations(page) == []
    assert posts == []


def test_an_email_address_is_asked_for_when_the_shop_gave_none(page: Page, shop: Shop) -> None:
    made = shop.session(customer_email=None)
    page.goto(made.url)
    pay(page, number="4242424242424242")
    expect(page.get_by_label("Email")).to_be_focused()
    page.get_by_label("Email").fill("guest@example.com")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(f"{shop.url}/return?**")
    details = now(shop, made).customer_details
    assert details.email == "guest@example.com"


def test_an_expired_session_says_so_and_leads_back(page: Page, shop: Shop, session: Any) -> None:
    shop.emulator.v1.checkout.sessions.expire(session.id)
    pay(page, number="4242424242424242")  # it expired while the page was open
    expect(page.get_by_role("heading", name="This checkout has expired")).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", name="This checkout has expired")).to_be_visible()
    page.get_by_role("main").get_by_role("link").click()
    page.wait_for_url(f"{shop.url}/cancelled")
    assert charged(shop, session) == []


def test_a_paid_session_offers_no_second_payment(page: Page, shop: Shop, session: Any) -> None:
    pay(page, number="4242424242424242")
    page.wait_for_url(f"{shop.url}/return?**")
    page.goto(session.url)
    expect(page.get_by_role("heading", name="This payment is done")).to_be_visible()
    expect(page.get_by_role("button", name="Pay")).to_have_count(0)
    page.get_by_role("main").get_by_role("link").click()
    page.wait_for_url(f"{shop.url}/return?session={session.id}")


def test_the_back_link_leads_to_the_cancel_url(page: Page, shop: Shop, session: Any) -> None:
    page.get_by_role("link", name="Back to").click()
    page.wait_for_url(f"{shop.url}/cancelled")
    assert now(shop, session).status == "open"


def test_an_answer_that_got_lost_after_the_payment_is_noticed(page: Page, shop: Shop, session: Any) -> None:
    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/_sandbox/checkout/*/pay", lose_the_answer)
    pay(page, number="4242424242424242")
    page.wait_for_url(f"{shop.url}/return?**")
    assert len(charged(shop, session)) == 1


def test_a_wrong_link_is_told_apart_from_a_broken_service(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.emulator.url}/c/pay/cs_test_nothing")
    expect(page.get_by_role("heading", name="There is no such checkout")).to_be_visible()
    page.route("**/_sandbox/checkout/*", lambda route: route.fulfill(status=500, body="{}"))
    page.reload()
    expect(page.get_by_role("heading", name="This page could not be loaded")).to_be_visible()
