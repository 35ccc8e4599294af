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


def test_the_pay_page_offers_a_signed_in_customer_their_cards_on_their_booking_alone(
    shop: Shop, customer: Customer
):
    booking = shop.book(email=customer.email)
    card = shop.save_card(customer)
    page, start = (reverse(f"payments:{name}", kwargs={"code": booking.code}) for name in ("pay", "start"))
    other = CustomerFactory.create(merchant=shop.merchant, email_verified_at=clock.now())
    others = shop.save_card(other)
    client, guest = signed_in(customer), Client()
    session = guest.session
    access.grant(session, booking)
    session.save()
    assert "Visa ending in 4242" in client.get(page).content.decode()
    assert "4242" not in guest.get(page).content.decode()

    form = {"mode": "element", "purpose": "deposit", "shown": "10800", "card": str(card.public_id)}
    for visitor, named in ((guest, card.public_id), (client, others.public_id), (client, "nonsense")):
        answer = visitor.post(start, form | {"card": str(named)}, headers={"accept": "application/json"})
        assert (answer.status_code, set(answer.json())) == (404, {"title", "detail"})
    assert not booking.payments.exists()
    answers = [client.post(start, form, headers={"accept": "application/json"}).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["payment_method"] == card.stripe_payment_method_id
    assert booking.payments.count() == 1


def test_a_lost_answer_to_a_saved_cards_payment_is_unknown_and_the_next_click_takes_it_up(
    shop: Shop, customer: Customer, settings
):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book(email=customer.email)
    card = shop.save_card(customer)
    client = signed_in(customer)
    start = reverse("payments:start", kwargs={"code": booking.code})
    form = {"mode": "element", "purpose": "deposit", "shown": "10800", "card": str(card.public_id)}
    shop.fault("hangup_after", path="/v1/payment_intents")
    assert client.post(start, form, headers={"accept": "application/json"}).status_code == 503
    assert booking.payments.get().state == "unknown"
    answer = client.post(start, form, headers={"accept": "application/json"}).json()
    payment = booking.payments.get()
    assert payment.stripe_payment_intent_id in answer["client_secret"]
