"""Saving, listing and removing cards: by their owner alone, with consent, whatever order Stripe's news come in."""

from datetime import timedelta

import pytest

from bookings.tests.factories import CustomerFactory
from core import clock
from customers.models import Customer
from payments import cards, errors
from payments.models import CardSetup, GatewayCustomer, SavedCard, SetupState
from payments.tests.shop import Shop


@pytest.fixture
def customer(shop: Shop) -> Customer:
    return CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now())


def confirm(shop: Shop, setup: CardSetup, *, card: str = "pm_card_visa"):
    setup.refresh_from_db()
    return shop.stripe.v1.setup_intents.confirm(setup.stripe_setup_intent_id, {"payment_method": card})


def shown(customer: Customer) -> list[tuple[str, str, bool]]:
    return [(card.brand, card.last4, card.is_default) for card in cards.kept(customer)]


def test_nobody_keeps_a_card_before_the_address_is_proven(shop: Shop):
    stranger = CustomerFactory.create(merchant=shop.merchant)
    with pytest.raises(errors.EmailNotVerified):
        cards.begin(customer=stranger)
    assert not CardSetup.objects.exists()
    assert not GatewayCustomer.objects.exists()


def test_a_card_is_saved_once_with_the_consent_given_and_its_secret_kept_nowhere(
    shop: Shop, customer: Customer
):
    first, second = cards.begin(customer=customer), cards.begin(customer=customer)
    assert (first.setup, first.client_secret) == (second.setup, second.client_secret)
    assert first.client_secret not in str(CardSetup.objects.values().get())
    confirm(shop, first.setup)
    shop.deliver_shuffled(seed=5, times=2)

    card = SavedCard.objects.get()
    assert shown(customer) == [("visa", "4242", True)]
    assert card.is_chargeable
    assert card.expiry.startswith("12/")
    assert card.setup
    assert "Ember Test Kitchen to keep it at Stripe" in card.setup.consent
    assert CardSetup.objects.get().state == SetupState.SUCCEEDED
    assert len(shop.stripe.v1.setup_intents.list({})["data"]) == 1


def test_without_any_webhook_the_page_finds_out_by_itself(shop: Shop, customer: Customer):
    confirm(shop, cards.begin(customer=customer).setup)
    cards.catch_up(customer)
    assert shown(customer) == [("visa", "4242", True)]
    shop.stripe.v1.payment_methods.detach(SavedCard.objects.get().stripe_payment_method_id)
    cards.refresh(customer)
    assert shown(customer) == []


def test_a_declined_card_is_not_kept_and_the_same_saving_goes_on(shop: Shop, customer: Customer):
    setup = cards.begin(customer=customer).setup
    with pytest.raises(Exception, match="declined"):
        confirm(shop, setup, card="pm_card_chargeDeclined")
    shop.deliver()
    setup.refresh_from_db()
    assert (setup.state, setup.last_error) == (SetupState.OPEN, "generic_decline")
    assert shown(customer) == []
    assert cards.begin(customer=customer).setup == setup


def test_the_default_passes_on_when_its_card_is_removed_and_news_of_it_may_come_late(
    shop: Shop, customer: Customer
):
    visa, other = (shop.save_card(customer, card=card) for card in ("pm_card_visa", "pm_card_mastercard"))
    assert shown(customer) == [("visa", "4242", True), ("mastercard", "4444", False)]
    cards.prefer(card=other)
    for _ in range(2):
        visa.refresh_from_db()
        cards.remove(card=visa)
    assert shown(customer) == [("mastercard", "4444", True)]
    assert shop.stripe.v1.payment_methods.retrieve(visa.stripe_payment_method_id)["customer"] is None
    attached = shop.stripe.v1.events.list({"type": "payment_method.attached"})["data"]
    shop.deliver([event.to_dict(for_json=True) for event in attached])
    shop.deliver_shuffled(seed=1, times=2)
    assert shown(customer) == [("mastercard", "4444", True)]
    other.refresh_from_db()
    cards.remove(card=other)
    assert shown(customer) == []


def test_what_the_portal_and_the_dashboard_do_is_followed_and_nobody_consented_to_it(
    shop: Shop, customer: Customer
):
    mine = shop.save_card(customer)
    assert mine.gateway_customer
    cus = mine.gateway_customer.stripe_customer_id
    other = shop.stripe.v1.payment_methods.attach("pm_card_mastercard", {"customer": cus})["id"]
    shop.stripe.v1.customers.update(cus, {"invoice_settings": {"default_payment_method": other}})
    shop.stripe.v1.payment_methods.update(other, {"card": {"exp_month": 3, "exp_year": 2035}})
    shop.deliver_shuffled(seed=2)
    theirs = SavedCard.objects.get(stripe_payment_method_id=other)
    assert (theirs.expiry, theirs.is_chargeable) == ("03/35", False)
    assert cards.portal(customer=customer, return_url="http://testserver/account/cards").startswith("http")
    shop.stripe.v1.customers.delete(cus)
    shop.deliver()
    assert shown(customer) == []
    assert cards.begin(customer=customer).client_secret  # A new customer at Stripe.


def test_a_card_of_a_stranger_at_stripe_is_nobodys(shop: Shop, customer: Customer):
    cus = shop.stripe.v1.customers.create({"email": "stranger@example.com"})["id"]
    shop.stripe.v1.payment_methods.attach("pm_card_visa", {"customer": cus})
    setup = cards.begin(customer=customer).setup
    setup.refresh_from_db()
    forged = {"customer": cus, "metadata": {"card_setup": str(setup.public_id)}}
    made = shop.stripe.v1.setup_intents.create(
        {**forged, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    shop.stripe.v1.setup_intents.confirm(made["id"], {"payment_method": "pm_card_mastercard"})
    shop.deliver()
    assert not SavedCard.objects.exists()
    setup.refresh_from_db()
    assert setup.state == SetupState.OPEN


@pytest.mark.parametrize("kind", ["hangup_after", "error_500_before", "error_500_after"])
def test_a_lost_answer_makes_no_second_setup(shop: Shop, customer: Customer, settings, kind: str):
    settings.STRIPE_MAX_RETRIES = 0
    shop.fault(kind, path="/v1/setup_intents")
    if kind == "hangup_after":
        with pytest.raises(errors.GatewayUnknown):
            cards.begin(customer=customer)
    assert cards.begin(customer=customer).client_secret
    assert len(shop.stripe.v1.setup_intents.list({})["data"]) == 1
    assert CardSetup.objects.count() == 1


def test_a_saving_whose_key_is_forgotten_gives_way_to_a_new_one(shop: Shop, customer: Customer):
    old = cards.begin(customer=customer).setup
    CardSetup.objects.update(created_at=clock.now() - timedelta(hours=24))
    new = cards.begin(customer=customer).setup
    assert new != old
    confirm(shop, old)  # An old tab: the consent was given all the same.
    shop.deliver()
    assert SavedCard.objects.get().setup == old
