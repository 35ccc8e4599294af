"""What Stripe refuses, in words that may be shown."""

import pytest
import stripe

from payments import errors, gateway
from payments.gateway import calling
from payments.tests.shop import Shop


def test_stripes_words_for_programmers_are_not_shown(shop: Shop, settings):
    settings.STRIPE_PAYMENT_METHOD_CONFIGURATION = "pmc_that_is_not_there"
    booking = shop.book()
    with pytest.raises(errors.GatewayRefused) as refused:
        shop.start(booking)
    assert refused.value.detail == errors.GatewayRefused.title
    assert refused.value.reason == "resource_missing"
    assert refused.value.extra == {"reason": "resource_missing"}


def test_stripes_words_for_card_holders_are_shown(shop: Shop):
    payment = shop.start(shop.book()).payment
    payment.refresh_from_db()
    with pytest.raises(errors.GatewayRefused) as refused:
        calling.call(
            shop.account,
            lambda v1: v1.payment_intents.confirm(
                payment.stripe_payment_intent_id, {"payment_method": "pm_card_chargeDeclined"}
            ),
        )
    assert refused.value.detail.startswith("Your card")
    assert refused.value.reason == "card_declined"


def test_a_key_used_for_something_else_is_an_error_with_a_name(shop: Shop):
    metadata = {"customer": "1"}
    gateway.create_customer(shop.account, key="k", email="ada@example.com", name="Ada", metadata=metadata)
    with pytest.raises(errors.GatewayKeyReused) as refused:
        gateway.create_customer(shop.account, key="k", email="ada@example.com", name="Eda", metadata=metadata)
    assert isinstance(refused.value.__cause__, stripe.IdempotencyError)


def test_a_setting_changed_after_a_lost_answer_neither_fails_nor_doubles_the_payment(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    shop.fault("hangup_after", path="/v1/checkout/sessions")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking, mode="hosted")
    settings.SITE_URL = "https://moved.example"
    assert shop.start(booking, mode="hosted").redirect_url
    assert len(shop.stripe.v1.checkout.sessions.list({"limit": 100})["data"]) == 1
