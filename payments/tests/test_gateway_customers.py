"""A customer at Stripe: lost answers, stored failures and a deleted one never keep somebody from paying."""

import pytest

from bookings.models import Booking
from payments import errors
from payments.models import GatewayCustomer
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
