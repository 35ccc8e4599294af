"""Nobody is told "nothing was charged" before Stripe was asked: holds that lapse with a card payment begun."""

from datetime import timedelta

import pytest
from django.test import Client

from bookings import access
from bookings.models import Booking, BookingState
from core import clock
from payments import errors, reconcile
from payments.models import DeskItem, DeskKind, Payment, PaymentState
from payments.tests.shop import Shop


def lapse(booking: Booking, *, state: str = BookingState.HELD) -> None:
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=booking.created_at, state=state)


@pytest.mark.parametrize("state", [BookingState.HELD, BookingState.EXPIRED])
@pytest.mark.parametrize("mode", ["element", "hosted"])
def test_who_paid_in_the_last_second_is_told_that_it_is_paid(shop: Shop, state: str, mode: str):
    booking = shop.book()
    payment = shop.start(booking, mode=mode).payment
    shop.pay_hosted(payment) if mode == "hosted" else shop.confirm(payment)
    lapse(booking, state=state)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking, mode=mode)
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED


def test_who_did_not_pay_is_told_that_the_hold_ended_and_can_no_longer_pay_it(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    lapse(booking)
    with pytest.raises(errors.HoldEnded):
        shop.start(booking)
    payment.refresh_from_db()
    assert payment.state == PaymentState.CANCELED
    assert shop.stripe.v1.payment_intents.retrieve(payment.stripe_payment_intent_id)["status"] == "canceled"


def test_while_stripe_does_not_answer_nobody_is_told_how_it_ended(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)
    lapse(booking)
    shop.fault("hangup_before", path="/v1/payment_intents/*", method="GET")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking)
    assert Payment.objects.get().is_open


def test_money_that_came_too_late_is_not_answered_with_book_again(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    payment.refresh_from_db()
    shop.stripe.v1.payment_intents.update(payment.stripe_payment_intent_id, {"amount": 5_400})
    shop.confirm(payment)
    shop.deliver()
    lapse(booking)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking)


@pytest.mark.parametrize("state", [BookingState.HELD, BookingState.EXPIRED])
def test_the_page_of_a_lapsed_hold_says_that_an_open_payment_is_being_checked(shop: Shop, state: str):
    booking = shop.book()
    shop.confirm(shop.start(booking).payment)
    lapse(booking, state=state)
    client = Client()
    client.get(f"/b/{booking.code}?t={access.issue(booking)}")
    page = client.get(f"/b/{booking.code}").content.decode()
    assert "We are checking your payment" in page
    assert "Nothing is owed" not in page


def test_a_hold_with_money_is_one_desk_item_that_stays_closed_and_a_later_hold_another(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    payment.refresh_from_db()
    shop.stripe.v1.payment_intents.update(payment.stripe_payment_intent_id, {"amount": 5_400})
    shop.confirm(payment)
    shop.deliver()
    lapse(booking)
    items = DeskItem.objects.filter(kind=DeskKind.HOLD_WITH_MONEY)
    for _ in range(2):
        assert reconcile.expire_holds() == 0
    assert items.count() == 1
    items.update(closed_at=clock.now())
    reconcile.expire_holds()
    assert items.get().closed_at is not None

    end = clock.now() - timedelta(minutes=1)
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=end)  # held anew meanwhile
    for _ in range(2):
        assert reconcile.expire_holds() == 0
    assert items.count() == 2
    assert items.filter(closed_at__isnull=True).count() == 1
    booking.refresh_from_db()
    assert booking.state == BookingState.HELD
