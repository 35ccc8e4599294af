"""A customer at Stripe: lost answers, stored failures and a deleted one never keep somebody from paying."""

import pytest

from bookings.models import Booking, BookingState
from bookings.tests.factories import SlotFactory
from payments import errors
from payments.models import GatewayCustomer, Payment, PaymentState
from payments.tests.shop import Shop


def customers(shop: Shop) -> list[str]:
    return [one["id"] for one in shop.stripe.v1.customers.list({"limit": 100})["data"]]


@pytest.mark.parametrize("kind", ["error_500_before", "error_500_after"])
def test_a_stored_failure_of_making_the_customer_keeps_nobody_from_paying(shop: Shop, settings, kind: str):
    settings.STRIPE_MAX_RETRIES = 0
    shop.fault(kind, path="/v1/customers")
    assert shop.start(shop.book()).client_secret
    assert customers(shop) == [GatewayCustomer.objects.get().stripe_customer_id]


def test_a_name_changed_after_a_lost_answer_is_no_obstacle(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    shop.fault("hangup_after", path="/v1/customers")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking)
    booking.customer.name = "Ada Renamed"
    booking.customer.save()
    assert shop.start(Booking.objects.get(pk=booking.pk)).client_secret


@pytest.mark.parametrize("mode", ["element", "hosted"])
def test_a_customer_deleted_in_stripes_dashboard_can_pay_at_the_next_click(shop: Shop, mode: str):
    booking = shop.book()
    shop.paid(booking)
    old = GatewayCustomer.objects.get().stripe_customer_id
    shop.stripe.v1.customers.delete(old)
    started = shop.start(booking, mode=mode)
    assert started.client_secret or started.redirect_url
    assert GatewayCustomer.objects.get().stripe_customer_id != old
    assert not Payment.objects.filter(state=PaymentState.FAILED).exists()


def test_a_customer_deleted_after_the_payment_was_begun_can_pay_it_anew(shop: Shop):
    booking = shop.book()
    first = shop.start(booking).payment
    shop.stripe.v1.customers.delete(GatewayCustomer.objects.get().stripe_customer_id)
    shop.deliver()
    assert not GatewayCustomer.objects.exists()
    second = shop.start(booking).payment
    first.refresh_from_db()
    assert first.state == PaymentState.CANCELED
    shop.confirm(second)
    shop.deliver()
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED


def test_what_another_stripe_account_held_does_not_block_new_keys(shop: Shop):
    slot = SlotFactory.create(merchant=shop.merchant, capacity=100)
    paid, begun, hosted = (shop.book(slot=slot) for _ in range(3))
    shop.paid(paid)
    shop.start(begun)
    shop.start(hosted, mode="hosted")
    shop.sandbox.reset()  # An account that knows none of it.
    assert shop.start(paid).client_secret
    assert shop.start(begun).client_secret
    assert shop.start(hosted, mode="hosted").redirect_url
