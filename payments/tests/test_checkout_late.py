"""Taking up a payment whose first request was lost: too late for its key, or for the end that its session names."""

from datetime import timedelta

import pytest

from core import clock
from payments import errors
from payments.models import Payment, PaymentState
from payments.tests.shop import Shop


def lost(shop: Shop, *, kind: str, mode: str) -> Payment:
    """A payment begun whose answer never came; `kind` says whether the request did."""
    path = "/v1/checkout/sessions" if mode == "hosted" else "/v1/payment_intents"
    shop.fault(kind, path=path)
    with pytest.raises(errors.GatewayUnknown):
        shop.start(shop.book(), mode=mode)
    return Payment.objects.get()


def made(shop: Shop) -> int:
    intents = shop.stripe.v1.payment_intents.list({"limit": 100})["data"]
    return len(intents) + len(shop.stripe.v1.checkout.sessions.list({"limit": 100})["data"])


@pytest.fixture(autouse=True)
def no_retries(settings) -> None:
    settings.STRIPE_MAX_RETRIES = 0


def test_a_session_never_made_is_asked_for_with_a_later_end_once_the_first_is_too_near(shop: Shop):
    first = lost(shop, kind="hangup_before", mode="hosted")
    Payment.objects.update(checkout_expires_at=clock.now() + timedelta(minutes=29))
    assert first.booking is not None
    again = shop.start(first.booking, mode="hosted")
    assert again.redirect_url
    first.refresh_from_db()
    assert (again.payment != first, first.state) == (True, PaymentState.CANCELED)
    assert not Payment.objects.filter(state=PaymentState.FAILED).exists()


def test_a_session_made_but_not_told_is_found_when_its_end_is_too_near_to_ask_again(shop: Shop):
    first = lost(shop, kind="hangup_after", mode="hosted")
    Payment.objects.update(checkout_expires_at=clock.now() + timedelta(minutes=29))
    assert first.booking is not None
    again = shop.start(first.booking, mode="hosted")
    assert (again.payment, made(shop)) == (first, 1)


@pytest.mark.parametrize(("kind", "same"), [("hangup_before", False), ("hangup_after", True)])
def test_a_request_older_than_its_key_is_looked_for_and_never_posted_again(shop: Shop, kind: str, same: bool):
    first = lost(shop, kind=kind, mode="element")
    shop.sandbox.advance(seconds=25 * 3600)  # Stripe forgets the key.
    Payment.objects.update(created_at=clock.now() - timedelta(hours=25))
    assert first.booking is not None
    again = shop.start(first.booking)
    assert again.client_secret
    assert ((again.payment == first), made(shop)) == (same, 1)
