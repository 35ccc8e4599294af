"""The Stripe.js stand-in, as a shop under a strict Content-Security-Policy meets it."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from sandbox.tests.browser_support import (
    Shop,
    card_fields,
    challenge,
    fill_card,
    posts_of,
    results,
    violations,
)

pytestmark = pytest.mark.browser


def pay(page: Page, *, number: str) -> None:
    fill_card(card_fields(page), number=number)
    page.get_by_role("button", name="Pay").click()


def status(shop: Shop, intent_id: str) -> str:
    return str(shop.emulator.v1.payment_intents.retrieve(intent_id).status)


def test_a_card_pays_without_touching_the_shop_s_page_or_its_policy(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4242424242424242")
    expect(page.locator("#outcome")).to_have_text("succeeded")
    assert status(shop, intent.id) == "succeeded"
    assert page.evaluate("violations") == []
    assert page.locator("input").count() == 0  # the fields are in the frame, and only there
    assert all(frame.url.startswith(shop.emulator.url) for frame in page.frames[1:])
    assert "4242" not in str(page.evaluate("[document.documentElement.outerHTML, results, events]"))


def test_a_declined_card_says_why_and_another_one_pays(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4000000000009995")
    error = results(page)[0]["error"]
    assert (error["type"], error["code"], error["decline_code"]) == (
        "card_error",
        "card_declined",
        "insufficient_funds",
    )
    assert error["payment_intent"]["status"] == "requires_payment_method"
    expect(card_fields(page).locator("#number-error")).to_have_text(error["message"])
    pay(page, number="4242424242424242")
    assert results(page, count=2)[1]["paymentIntent"]["status"] == "succeeded"
    assert len(shop.charged(intent.id)) == 1


def test_a_challenge_that_is_passed_pays(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4000002760003184")
    expect(challenge(page).locator("#amount")).to_have_text("$125.00")
    assert violations(page.frames[-1]) == []
    challenge(page).get_by_role("button", name="Complete authentication").click()
    expect(page.locator("#outcome")).to_have_text("succeeded")
    assert page.locator("dialog").count() == 0
    assert status(shop, intent.id) == "succeeded"
    assert page.evaluate("violations") == []


@pytest.mark.parametrize("give_up", ["click", "Escape"])
def test_a_challenge_that_is_failed_charges_nothing_and_leaves_the_form_usable(
    page: Page, shop: Shop, give_up: str
) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4000002760003184")
    # The page listens by the time that it puts the focus there.
    expect(challenge(page).get_by_role("button", name="Complete authentication")).to_be_focused()
    fail = challenge(page).get_by_role("button", name="Fail authentication")
    fail.click() if give_up == "click" else fail.press("Escape")
    error = results(page)[0]["error"]
    assert error["code"] == "payment_intent_authentication_failure"
    assert error["payment_intent"]["id"] == intent.id
    assert len(shop.charged(intent.id)) == 0
    pay(page, number="4242424242424242")
    assert results(page, count=2)[1]["paymentIntent"]["status"] == "succeeded"


def test_a_page_left_during_the_challenge_can_be_opened_again_and_paid(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4000002760003184")
    expect(challenge(page).get_by_role("button", name="Complete authentication")).to_be_visible()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4242424242424242")
    assert results(page)[0]["paymentIntent"]["status"] == "succeeded"
    assert len(shop.charged(intent.id)) == 1


def test_a_card_that_authenticates_may_still_be_declined(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    pay(page, number="4000008400001629")
    challenge(page).get_by_role("button", name="Complete authentication").click()
    assert results(page)[0]["error"]["code"] == "card_declined"
    assert status(shop, intent.id) == "requires_payment_method"


def test_an_incomplete_number_is_marked_and_nothing_is_sent(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    posts = posts_of(page)
    fill_card(card_fields(page), number="42424242")
    page.get_by_role("button", name="Pay").click()
    assert results(page)[0]["error"] == {
        "type": "validation_error",
        "code": "incomplete_number",
        "message": "Your card number is incomplete.",
    }
    number = card_fields(page).get_by_label("Card number")
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_be_focused()
    expect(card_fields(page).get_by_role("alert").first).to_have_text("Your card number is incomplete.")
    assert posts == []


@pytest.mark.parametrize(
    ("number", "expiry", "code"),
    [("4242424242424241", "1234", "invalid_number"), ("4242424242424242", "1220", "invalid_expiry_year_past"),
     ("4242424242424242", "12", "incomplete_expiry")],
)  # fmt: skip
def test_a_wrong_field_has_stripe_s_code(page: Page, shop: Shop, number: str, expiry: str, code: str) -> None:
    shop.open_ready(page, secret=shop.intent().client_secret)
    fill_card(card_fields(page), number=number)
    card_fields(page).get_by_label("Expiration date").fill(expiry)
    page.get_by_role("button", name="Pay").click()
    assert results(page)[0]["error"]["code"] == code


@pytest.mark.parametrize("number", ["4242424242424242", "4000002760003184"])
def test_a_paid_customer_comes_back_with_stripe_s_parameters(page: Page, shop: Shop, number: str) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret, redirect="always")
    pay(page, number=number)
    if number.endswith("3184"):
        challenge(page).get_by_role("button", name="Complete authentication").click()
    page.wait_for_url(f"{shop.url}/return?**")
    assert parse_qs(urlsplit(page.url).query) == {
        "booking": ["7"],
        "payment_intent": [intent.id],
        "payment_intent_client_secret": [intent.client_secret],
        "redirect_status": ["succeeded"],
    }


def test_a_double_click_makes_one_charge(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    fill_card(card_fields(page), number="4242424242424242")
    page.get_by_role("button", name="Pay").dblclick()
    answers = results(page, count=2)
    assert "succeeded" in [answer.get("paymentIntent", {}).get("status") for answer in answers]
    assert len(shop.charged(intent.id)) == 1


def test_return_in_a_card_field_submits_the_shop_s_form(page: Page, shop: Shop) -> None:
    shop.open_ready(page, secret=shop.intent().client_secret)
    fill_card(card_fields(page), number="4242424242424242")
    card_fields(page).get_by_label("ZIP code").press("Enter")
    expect(page.locator("#outcome")).to_have_text("succeeded")


def test_typing_groups_digits_shows_the_brand_and_moves_on(page: Page, shop: Shop) -> None:
    shop.open_ready(page, secret=shop.intent().client_secret)
    fields = card_fields(page)
    number, expiry, code = (
        fields.get_by_label(name) for name in ("Card number", "Expiration date", "Security code")
    )
    number.press_sequentially("378282246310005")
    expect(number).to_have_value("3782 822463 10005")
    expect(fields.locator("#brand-name")).to_have_text("Card brand: American Express")
    expect(expiry).to_be_focused()
    page.keyboard.type("934")
    expect(expiry).to_have_value("09 / 34")
    expect(code).to_be_focused()
    page.keyboard.type("12345")
    expect(code).to_have_value("1234")
    expiry.fill("12")
    expiry.press("Backspace")
    expect(expiry).to_have_value("1")
    number.fill("4242424242424242")
    number.press("Home")
    number.press("Delete")
    expect(number).to_have_value("2424 2424 2424 242")
    assert number.evaluate("input => input.selectionStart") == 0


def test_the_fields_can_be_walked_by_keyboard_and_read_aloud(page: Page, shop: Shop) -> None:
    shop.open_ready(page, secret=shop.intent().client_secret)
    fields = card_fields(page)
    fields.get_by_label("Card number").focus()
    for label in ("Expiration date", "Security code", "Country", "ZIP code"):
        page.keyboard.press("Tab")
        expect(fields.get_by_label(label)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Pay")).to_be_focused()
    assert violations(page.frames[1]) == []
