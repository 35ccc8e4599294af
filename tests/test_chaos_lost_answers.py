"""Stripe's answer is lost and the world goes on before anybody asks again."""

import pytest

from bookings.models import BookingState
from payments import errors
from payments.models import LedgerTransaction, Payment, PaymentState
from payments.tests.shop import Shop, open_shop
from tests.fixtures import Sandbox


@pytest.fixture
def shop(db: None, sandbox: Sandbox, settings) -> Shop:
    settings.STRIPE_MAX_RETRIES = 0
    return open_shop(sandbox)


def lose_the_answer(shop: Shop, *, mode: str) -> Payment:
    booking = shop.book()
    path = "/v1/payment_intents" if mode == "element" else "/v1/checkout/sessions"
    shop.fault("hangup_after", path=path)
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking, mode=mode)
    payment = Payment.objects.get()
    assert (payment.state, payment.stripe_payment_intent_id) == (PaymentState.UNKNOWN, "")
    return payment


def pay_at_stripe(shop: Shop, *, mode: str) -> None:
    if mode == "element":
        (intent,) = shop.stripe.v1.payment_intents.list({}).data
        shop.stripe.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    else:
        (session,) = shop.stripe.v1.checkout.sessions.list({}).data
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        about = {"card": card, "billing_details": {"email": "ada@example.com", "name": "Ada Example"}}
        shop.sandbox.control(f"checkout/{session.id}/pay", payment_method_data=about)


@pytest.mark.parametrize("mode", ["element", "hosted"])
def test_what_was_paid_before_the_key_is_sent_again_is_settled_although_stripe_replays_its_old_answer(
    shop: Shop, mode: str
):
    payment = lose_the_answer(shop, mode=mode)
    assert payment.booking
    pay_at_stripe(shop, mode=mode)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(payment.booking, mode=mode)
    payment.refresh_from_db()
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 10_800)
    payment.booking.refresh_from_db()
    assert payment.booking.state == BookingState.CONFIRMED
    shop.deliver(times=2)
    assert LedgerTransaction.objects.filter(source_key__startswith="ch:").count() == 1
    assert len(shop.stripe.v1.charges.list({}).data) == 1


@pytest.mark.parametrize("mode", ["element", "hosted"])
def test_what_was_ended_before_the_key_is_sent_again_gives_way_to_a_new_one(shop: Shop, mode: str):
    payment = lose_the_answer(shop, mode=mode)
    assert payment.booking
    if mode == "element":
        (intent,) = shop.stripe.v1.payment_intents.list({}).data
        shop.stripe.v1.payment_intents.cancel(intent.id)
    else:
        (session,) = shop.stripe.v1.checkout.sessions.list({}).data
        shop.stripe.v1.checkout.sessions.expire(session.id)
    started = shop.start(payment.booking, mode=mode)
    assert started.payment != payment
    payment.refresh_from_db()
    assert not payment.is_open
