"""Ways around a rule by another door or in another order: each is closed, and nothing moves."""


import pytest
from django.contrib.auth.models import User

from bookings.editing import Edit
from bookings.models import Booking
from core import clock
from customers.models import Membership, Role
from payments import alterations, credit, errors, refunds
from payments.models import Account, Credit, Payment
from payments.tests.shop import Shop


def staff(shop: Shop, name: str = "mo", role: str = Role.MANAGER) -> User:
    user = User.objects.create_user(name, email=f"{name}@ember.example")
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    return user


def from_credit(shop: Shop, booking: Booking) -> Payment:
    """All of the booking paid from credit that staff gave."""
    credit.grant(customer=booking.customer, amount_minor=108_750, currency="usd", reason="x", granted_by=None)
    credit.spend(booking=booking, purpose="deposit", actor="customer")
    return credit.spend(booking=booking, purpose="balance", actor="customer")


def assert_lots_are_the_ledgers(shop: Shop) -> None:
    lots = sum(Credit.objects.filter(merchant=shop.merchant).values_list("remaining_minor", flat=True))
    assert lots == -shop.balances().get(Account.CUSTOMER_CREDIT, 0)


def test_credit_that_is_credit_already_is_not_sent_back_to_credit_once_more(shop: Shop) -> None:
    booking = shop.book()
    payment = from_credit(shop, booking)
    alterations.edit(booking=booking, edit=Edit(adults=9), actor="user:1", reason="one is ill")
    assert_lots_are_the_ledgers(shop)
    payment.refresh_from_db()
    assert payment.credit_minor == 10_875
    with pytest.raises(errors.RefundTooLarge):
        refunds.request(
            payment=payment, amount_minor=10_875, cause="surplus", reason="x", requested_by=None, actor="t"
        )
    assert_lots_are_the_ledgers(shop)


def test_what_was_paid_twice_is_not_kept_as_credit_once_more(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    alterations.edit(booking=booking, edit=Edit(adults=9), actor="user:1", reason="one is ill")
    with pytest.raises(errors.NotRefundable):
        refunds.request(
            payment=payment,
            amount_minor=10_875,
            cause="duplicate",
            reason="x",
            requested_by=None,
            actor="t",
            as_credit=True,
        )
    assert_lots_are_the_ledgers(shop)


def test_an_edit_below_what_a_waiting_refund_holds_is_refused_in_words(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    refunds.request(
        payment=payment,
        amount_minor=90_000,
        cause="price_reduction",
        reason="smoke",
        requested_by=staff(shop),
        actor="t",
        authenticated_at=clock.now(),
    )
    with pytest.raises(errors.BookingSettled):
        alterations.edit(booking=booking, edit=Edit(adults=5), actor="customer")
    booking.refresh_from_db()
    assert booking.total_minor == 108_750
