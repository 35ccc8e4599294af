"""Cards that are kept: `confirmSetup` with 3-D Secure, and a payment with a saved card that needs its holder."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import stripe
from playwright.sync_api import Page, expect

from sandbox.tests.browser_support import Shop, card_fields, challenge, fill_card, results

pytestmark = pytest.mark.browser
CALL = "([name, sent]) => { stripe[name](sent).then(answer => { outcome.textContent = JSON.stringify(answer); }); }"


def saved(shop: Shop, customer: str) -> list[str]:
    return [one.card.last4 for one in shop.emulator.v1.customers.payment_methods.list(customer).data]


def test_a_page_saves_a_card_after_3ds_once_failed_once_passed(page: Page, shop: Shop) -> None:
    customer = shop.emulator.v1.customers.create({}).id
    setup = shop.emulator.v1.setup_intents.create({"customer": customer})
    shop.open_ready(page, secret=setup.client_secret, saves=True)
    expect(card_fields(page).get_by_text("you allow this merchant to charge your card")).to_be_visible()
    fill_card(card_fields(page), number="4000002500003155")
    page.get_by_role("button", name="Pay").click()
    expect(challenge(page).get_by_text("Save this card")).to_be_visible()
    challenge(page).get_by_role("button", name="Fail authentication").click()
    refused = results(page)[0]["error"]
    assert refused["code"] == "setup_intent_authentication_failure"
    assert refused["setup_intent"]["status"] == "requires_payment_method"
    assert saved(shop, customer) == []

    page.get_by_role("button", name="Pay").click()
    challenge(page).get_by_role("button", name="Complete authentication").click()
    kept = results(page, count=2)[1]["setupIntent"]
    assert (kept["status"], kept["object"]) == ("succeeded", "setup_intent")
    assert saved(shop, customer) == ["3155"]
    assert page.evaluate("violations") == []
    paid = shop.emulator.pay(customer=customer, payment_method=kept["payment_method"], off_session=True)
    assert paid.status == "succeeded"


def test_a_setup_without_an_intent_yet_leads_back_to_the_shop(page: Page, shop: Shop) -> None:
    setup = shop.emulator.v1.setup_intents.create({})
    deferred = {"mode": "setup", "currency": "usd"}
    shop.open_ready(page, secret=setup.client_secret, deferred=deferred, saves=True, redirect="always")
    fill_card(card_fields(page), number="4242424242424242")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(f"{shop.url}/return?**")
    query = parse_qs(urlsplit(page.url).query)
    assert (query["setup_intent"], query["redirect_status"]) == ([setup.id], ["succeeded"])
    assert query["setup_intent_client_secret"] == [setup.client_secret]


def off_session(shop: Shop) -> tuple[Any, str]:
    """A charge of a saved card that its issuer refused without the holder: the intent, and the card."""
    customer = shop.emulator.v1.customers.create({}).id
    card = shop.emulator.v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": customer}
    ).id
    with pytest.raises(stripe.CardError) as refused:
        shop.emulator.pay(customer=customer, payment_method=card, off_session=True)
    assert refused.value.code == "authentication_required"
    intent = shop.emulator.v1.payment_intents.list({"customer": customer}).data[0]
    assert intent.status == "requires_payment_method"
    return intent, card


@pytest.mark.parametrize("way", ["confirmPayment", "handleNextAction"])
def test_a_saved_card_refused_off_session_is_paid_with_its_holder_s_help(
    page: Page, shop: Shop, way: str
) -> None:
    intent, card = off_session(shop)
    params = {"payment_method": card}
    sent: dict[str, Any] = {"clientSecret": intent.client_secret}
    if way == "handleNextAction":
        shop.emulator.v1.payment_intents.confirm(
            intent.id, params | {"use_stripe_sdk": True, "return_url": "https://shop.example/"}
        )
    else:
        sent |= {"confirmParams": params, "redirect": "if_required"}
    shop.open(page, secret=intent.client_secret, unmounted=True)
    page.evaluate(CALL, [way, sent])
    challenge(page).get_by_role("button", name="Complete authentication").click()
    expect(page.locator("#outcome")).to_contain_text('"status":"succeeded"')
    again = "secret => stripe.handleNextAction({clientSecret: secret}).catch(error => error.message)"
    assert "not in the requires_action state" in page.evaluate(again, intent.client_secret)
    assert [charge.payment_method for charge in shop.charged(intent.id)] == [card]
