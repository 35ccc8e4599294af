"""The rest of the stand-in's interface: deferred mode, events, looks, next actions, and a programmer's mistakes."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from sandbox.tests.browser_support import (
    Shop,
    card_fields,
    challenge,
    fill_card,
    results,
)

pytestmark = pytest.mark.browser


def refusal(page: Page, expression: str) -> dict[str, str]:
    """The error that `expression` throws or rejects with."""
    caught: dict[str, str] = page.evaluate(
        f"async () => {{ try {{ await ({expression}); return {{}}; }}"
        " catch (error) { return {name: error.name, message: error.message}; } }"
    )
    return caught


def seen(page: Page, name: str) -> list[dict[str, Any]]:
    return [event for event in page.evaluate("events") if event["name"] == name]


def test_deferred_mode_confirms_an_intent_made_after_submit(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    deferred = {"mode": "payment", "amount": 12500, "currency": "usd"}
    shop.open_ready(page, secret=intent.client_secret, deferred=deferred)
    too_early = f"stripe.confirmPayment({{elements, clientSecret: '{intent.client_secret}', redirect: 'if_required'}})"
    assert "elements.submit()" in refusal(page, too_early)["message"]
    fill_card(card_fields(page), number="4242424242424242")
    page.get_by_role("button", name="Pay").click()
    assert results(page)[0]["paymentIntent"]["id"] == intent.id
    assert page.evaluate("elements.submit()") == {"selectedPaymentMethod": "card"}


def test_the_element_tells_what_happens_in_it(page: Page, shop: Shop) -> None:
    shop.open_ready(page, secret=shop.intent().client_secret)
    card_fields(page).get_by_label("Card number").focus()
    fill_card(card_fields(page), number="4242424242424242")
    page.get_by_role("button", name="Pay").focus()
    page.locator("form[data-blur]").wait_for()
    changes = seen(page, "change")
    assert changes[0]["empty"] is False
    assert changes[0]["complete"] is False
    assert changes[-1]["complete"] is True
    assert changes[-1]["value"] == {"type": "card"}
    assert all(event["elementType"] == "payment" for event in page.evaluate("events"))
    assert (len(seen(page, "ready")), len(seen(page, "focus"))) == (1, 1)


def test_a_paid_intent_is_refused_by_a_loaderror(page: Page, shop: Shop) -> None:
    paid = shop.intent(confirm=True, payment_method="pm_card_visa", return_url="https://shop.example/")
    shop.open(page, secret=paid.client_secret)
    page.locator("form[data-loaderror]").wait_for()
    assert seen(page, "loaderror")[0]["error"]["code"] == "payment_intent_unexpected_state"


LARGER = {"spacingUnit": "5px", "fontSizeBase": "18px"}


@pytest.mark.parametrize(
    ("width", "variables", "address"),
    [(1280, {}, "auto"), (1280, LARGER, "never"), (360, LARGER, "auto"), (360, {}, "never")],
)
def test_the_card_form_has_its_height_from_the_start(
    page: Page, shop: Shop, width: int, variables: dict[str, str], address: str
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    shop.open_ready(
        page,
        secret=shop.intent().client_secret,
        elements={"appearance": {"variables": variables}},
        element={"fields": {"billingDetails": {"address": address}}},
    )
    if (width, variables) != (360, LARGER):  # there a long message may take a second line
        page.get_by_role("button", name="Pay").click()  # the messages have their place, too
        results(page)
    heights = page.evaluate("heights")
    assert set(heights) == {page.frames[1].evaluate("document.documentElement.offsetHeight")}


def test_the_shop_s_appearance_is_honoured_and_can_be_changed(page: Page, shop: Shop) -> None:
    variables = {
        "colorPrimary": "#aa0055",
        "colorText": "#123456",
        "borderRadius": "11px",
        "fontFamily": "Georgia, serif",
    }
    appearance = {
        "variables": variables,
        "rules": {".Input": {"borderWidth": "3px"}, "body": {"display": "none"}},
    }
    shop.open_ready(page, secret=shop.intent().client_secret, elements={"appearance": appearance})
    number = card_fields(page).get_by_label("Card number")
    expect(number).to_have_css("border-radius", "11px")
    expect(number).to_have_css("color", "rgb(18, 52, 86)")
    expect(number).to_have_css("font-family", "Georgia, serif")
    expect(number).to_have_css("border-top-width", "3px")
    expect(card_fields(page).locator("body")).to_have_css("display", "block")
    page.evaluate("elements.update({appearance: {variables: {borderRadius: '2px'}}})")
    expect(number).to_have_css("border-radius", "2px")
    assert page.evaluate("violations") == []


def test_what_the_form_is_told_never_to_ask_must_come_with_the_confirmation(page: Page, shop: Shop) -> None:
    never = {"fields": {"billingDetails": {"address": "never"}}}
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret, element=never)
    expect(card_fields(page).get_by_label("ZIP code")).to_have_count(0)
    without = "stripe.confirmPayment({elements, redirect: 'if_required'})"
    assert "billing_details.address.country" in refusal(page, without)["message"]
    details = {"address": {"country": "US", "postal_code": "10001"}, "name": "Jane Doe"}
    shop.open_ready(
        page,
        secret=intent.client_secret,
        element=never,
        confirm={"payment_method_data": {"billing_details": details}},
    )
    fields = card_fields(page)
    fields.get_by_label("Card number").press_sequentially("4242424242424242")
    fields.get_by_label("Expiration date").fill("1234")
    fields.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay").click()
    assert results(page)[0]["paymentIntent"]["status"] == "succeeded"
    kept = shop.charged(intent.id)[0].billing_details
    assert (kept.name, kept.address.postal_code) == ("Jane Doe", "10001")


MISTAKES = {
    "Stripe('')": "publishable key",
    "Stripe('sk_test_123')": "secret key",
    "stripe.elements({clientSecret: 'pi_1'})": "client secret",
    "stripe.elements({})": "clientSecret, or a mode",
    "elements.create('card')": 'no Element of type "card"',
    "elements.create('payment')": "only create one",
    "stripe.confirmPayment({elements})": "return_url",
    "stripe.retrievePaymentIntent('pi_1')": "client secret",
    "stripe.retrieveSetupIntent('pi_1_secret_2')": "of a SetupIntent",
    "stripe.confirmPayment({clientSecret: 'seti_1_secret_2', redirect: 'if_required'})": "of a PaymentIntent",
    "payment.mount('#nowhere')": "applies to no DOM elements",
    "(payment.unmount(), elements.submit())": "mounted Payment Element",
    "(payment.destroy(), payment.mount('#payment-element'))": "destroyed",
}


def test_a_programmer_s_mistake_throws(page: Page, shop: Shop) -> None:
    shop.open_ready(page, secret=shop.intent().client_secret)
    for expression, message in MISTAKES.items():
        caught = refusal(page, expression)
        assert caught["name"] == "IntegrationError", expression
        assert message in caught["message"]


def test_an_intent_confirmed_by_the_server_is_finished_by_handle_next_action(page: Page, shop: Shop) -> None:
    intent = shop.intent(
        confirm=True,
        payment_method="pm_card_authenticationRequired",
        use_stripe_sdk=True,
        return_url="https://shop.example/",
    )
    assert intent.status == "requires_action"
    shop.open(page, secret=intent.client_secret, unmounted=True)
    page.evaluate(
        "secret => { stripe.handleNextAction({clientSecret: secret}).then(answer => { outcome.textContent = "
        "answer.paymentIntent.status; }); }",
        intent.client_secret,
    )
    challenge(page).get_by_role("button", name="Complete authentication").click()
    expect(page.locator("#outcome")).to_have_text("succeeded")


@pytest.mark.parametrize(("button", "outcome"), [("Complete", "succeeded"), ("Fail", "failed")])
def test_the_challenge_as_a_page_leads_back_with_its_outcome(
    page: Page, shop: Shop, button: str, outcome: str
) -> None:
    intent = shop.intent(
        confirm=True,
        payment_method="pm_card_authenticationRequired",
        return_url=f"{shop.url}/return?booking=7",
    )
    page.goto(intent.next_action["redirect_to_url"]["url"])
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"{shop.url}/return?**")
    query = parse_qs(urlsplit(page.url).query)
    assert (query["redirect_status"], query["payment_intent"]) == ([outcome], [intent.id])


def test_a_card_on_file_pays_without_a_form(page: Page, shop: Shop) -> None:
    method = shop.emulator.v1.payment_methods.attach(
        "pm_card_visa", {"customer": shop.emulator.v1.customers.create({}).id}
    )
    intent = shop.intent(customer=method.customer, payment_method=method.id)
    shop.open(page, secret=intent.client_secret, unmounted=True)
    before = page.evaluate("secret => stripe.retrievePaymentIntent(secret)", intent.client_secret)
    assert before["paymentIntent"]["status"] == "requires_confirmation"
    answer = page.evaluate("secret => stripe.confirmCardPayment(secret)", intent.client_secret)
    assert answer["paymentIntent"]["status"] == "succeeded"
    assert page.evaluate("violations") == []


def test_a_payment_method_is_made_from_the_element(page: Page, shop: Shop) -> None:
    shop.open_ready(page, deferred={"mode": "payment", "amount": 500, "currency": "usd"})
    fill_card(card_fields(page), number="5555555555554444")
    made = page.evaluate(
        "stripe.createPaymentMethod({elements, params: {billing_details: {name: 'Jane Doe'}}})"
    )
    assert made["paymentMethod"]["card"]["last4"] == "4444"
    assert made["paymentMethod"]["billing_details"]["name"] == "Jane Doe"


def test_a_lost_connection_is_an_answer_and_not_an_exception(page: Page, shop: Shop) -> None:
    intent = shop.intent()
    shop.open_ready(page, secret=intent.client_secret)
    page.route("**/v1/payment_intents/*/confirm", lambda route: route.abort())
    fill_card(card_fields(page), number="4242424242424242")
    page.get_by_role("button", name="Pay").click()
    assert results(page)[0]["error"]["type"] == "api_connection_error"
