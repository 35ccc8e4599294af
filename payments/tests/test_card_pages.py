"""A customer's page of saved cards: their own, one click one effect, and what the booking's page says of a promise."""

import pytest
from django.test import Client
from django.urls import reverse

from bookings import access
from bookings.tests.factories import CustomerFactory
from core import clock
from customers.models import Customer
from payments import authorizations
from payments.models import CardSetup, SavedCard
from payments.tests.shop import Shop
from payments.tests.test_api_cards import signed_in
from payments.tests.test_sql_counts import at_most

CARDS = "/account/cards"


@pytest.fixture
def customer(shop: Shop) -> Customer:
    return CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now())


def act(client: Client, name: str, card: SavedCard) -> str:
    """Press the button; what the page says then."""
    address = reverse(f"payments:account-card-{name}", kwargs={"public_id": card.public_id})
    answer = client.post(address, follow=True)
    return answer.content.decode() if answer.status_code == 200 else str(answer.status_code)


def test_saving_from_the_page_and_coming_back_from_stripe(shop: Shop, customer: Customer):
    client = signed_in(customer)
    begun = [client.post(f"{CARDS}/begin").json() for _ in range(2)]
    assert begun[0] == begun[1]
    setup = CardSetup.objects.get()
    shop.stripe.v1.setup_intents.confirm(setup.stripe_setup_intent_id, {"payment_method": "pm_card_visa"})
    back = client.get(CARDS, {"setup_intent": "seti_forged", "redirect_status": "failed"}, follow=True)
    assert back.redirect_chain == [(CARDS, 302)]
    assert "Visa ending in 4242 is saved." in back.content.decode()
    assert setup.stripe_setup_intent_id not in back.content.decode()


def test_everybody_has_their_own_cards_and_buttons_work_once_and_twice(shop: Shop, customer: Customer):
    mine = [shop.save_card(customer, card=card) for card in ("pm_card_visa", "pm_card_mastercard")]
    client = signed_in(customer)
    other = signed_in(CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now()))
    assert Client().get(CARDS).status_code == 302
    assert "4242" not in other.get(CARDS).content.decode()
    for name in ("prefer", "remove"):
        assert act(other, name, mine[1]) == "404"
        assert (
            client.get(reverse(f"payments:account-card-{name}", args=[mine[1].public_id])).status_code == 405
        )
    assert SavedCard.objects.filter(detached_at=None).count() == 2
    with at_most(8):
        assert client.get(CARDS).status_code == 200
    assert "Mastercard ending in 4444 is your default card now." in act(client, "prefer", mine[1])
    for _ in range(2):
        assert "Mastercard ending in 4444 is removed." in act(client, "remove", mine[1])
    assert SavedCard.objects.get(detached_at=None).is_default
    portal = client.post(f"{CARDS}/portal")
    assert portal["Location"].startswith(shop.sandbox.url)


def test_without_proof_or_with_stripe_silent_the_page_says_so_and_keeps_nothing(
    shop: Shop, customer: Customer, settings
):
    settings.STRIPE_MAX_RETRIES = 0
    card = shop.save_card(customer)
    unproven = signed_in(CustomerFactory.create(merchant=shop.merchant))
    assert "Sign in with a link first" in unproven.get(CARDS).content.decode()
    assert unproven.post(f"{CARDS}/begin").status_code == 403
    shop.fault("hangup_before", path="/v1/payment_methods/*/detach")
    assert "has not answered" in act(signed_in(customer), "remove", card)
    card.refresh_from_db()
    assert card.detached_at is None
    shop.fault("hangup_before", path="/v1/setup_intents")
    assert signed_in(customer).post(f"{CARDS}/begin").status_code == 503


def test_a_promise_is_told_on_the_bookings_page_and_nothing_more_is_asked(shop: Shop):
    booking = shop.book()
    payment = shop.authorize(booking).payment
    shop.confirm(payment)
    shop.deliver()
    client = Client()
    client.get(f"/b/{booking.code}?t={access.issue(booking)}")
    html = client.get(f"/b/{booking.code}").content.decode()
    assert "Your card is authorized" in html
    assert f"/b/{booking.code}/pay" not in html
    payment.refresh_from_db()
    authorizations.capture(payment=payment, actor="user:7")
    assert "You are booked" in client.get(f"/b/{booking.code}").content.decode()
