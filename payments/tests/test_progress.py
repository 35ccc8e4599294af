"""Which payment Stripe's news belongs to, and which news is old."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bookings.models import BookingState
from core import clock
from payments import closing, errors, facts, progress, settlement
from payments.models import DeskItem, DeskKind, GatewayCustomer, Payment, PaymentState
from payments.tests.shop import Shop


def never_answered(shop: Shop, settings) -> Payment:
    """A payment whose request was lost: it knows no intent."""
    settings.STRIPE_MAX_RETRIES = 0
    shop.fault("hangup_before", path="/v1/payment_intents")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(shop.book())
    return Payment.objects.get()


@pytest.mark.parametrize("customer_id", ["", "cus_of_somebody_else"])
def test_metadata_alone_settles_no_payment_that_has_no_intent_yet(shop: Shop, settings, customer_id: str):
    payment = never_answered(shop, settings)
    money = facts.Received(
        "ch_else", "pi_else", 10_800, "usd", False, clock.now(), str(payment.public_id), customer_id
    )
    settlement.settle(shop.account, money)
    payment.refresh_from_db()
    assert payment.booking is not None
    assert (payment.state, payment.received_minor) == (PaymentState.UNKNOWN, 0)
    assert payment.booking.state == BookingState.HELD
    assert DeskItem.objects.get().kind == DeskKind.FOREIGN_MONEY


def test_money_of_its_own_customer_settles_a_payment_that_has_no_intent_yet(shop: Shop, settings):
    payment = never_answered(shop, settings)
    customer = GatewayCustomer.objects.get().stripe_customer_id
    money = facts.Received(
        "ch_own", "pi_own", 10_800, "usd", False, clock.now(), str(payment.public_id), customer
    )
    settlement.settle(shop.account, money)
    payment.refresh_from_db()
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 10_800)


def test_an_intent_of_another_customer_is_not_taken_for_the_payments_own(shop: Shop, settings):
    payment = never_answered(shop, settings)
    stranger = shop.stripe.v1.payment_intents.create(
        {"amount": 10_800, "currency": "usd", "metadata": {"payment": str(payment.public_id)}}
    )
    shop.deliver()
    payment.refresh_from_db()
    assert stranger["id"]
    assert payment.stripe_payment_intent_id == ""


def test_what_we_asked_for_ourselves_does_not_hide_what_an_event_says_of_the_same_second(shop: Shop):
    payment = shop.start(shop.book()).payment
    intent = closing.intent_of(shop.account, payment)
    assert intent is not None
    second = clock.now().replace(microsecond=0) + timedelta(seconds=5)
    progress.note_intent(shop.account, intent, said_at=second + timedelta(milliseconds=700))
    working = replace(intent, state=PaymentState.PROCESSING)
    progress.note_intent(shop.account, working, said_at=second, event_id="evt_1")
    payment.refresh_from_db()
    assert payment.state == PaymentState.PROCESSING
