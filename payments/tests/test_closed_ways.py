"""Ways around a rule by another door or in another order: each is closed, and nothing moves."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from bookings import editing
from bookings.editing import Edit
from bookings.models import Booking
from bookings.tests.factories import SlotFactory
from core import clock
from customers.models import Membership, Role
from payments import alterations, cancellation, credit, errors, page_cancel, reconcile, refunds, self_service
from payments.models import Account, Credit, DeskItem, DeskKind, Payment, Refund
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


def days_ahead(booking: Booking, days: int) -> Booking:
    starts = clock.now() + timedelta(days=days, hours=3)
    Booking.objects.filter(pk=booking.pk).update(starts_at=starts, ends_at=starts + timedelta(hours=3))
    return Booking.objects.get(pk=booking.pk)


def later_slot(shop: Shop) -> Edit:
    slot = SlotFactory.create(merchant=shop.merchant, starts_at=clock.now() + timedelta(days=60))
    return Edit(slot_public_id=slot.public_id)


def test_moving_the_date_is_no_way_to_a_better_refund(shop: Shop) -> None:
    booking = from_credit(shop, shop.book()).booking
    assert booking is not None
    booking = days_ahead(booking, 8)  # half of it would come back
    self_service.change(
        booking, later_slot(shop), expected_total_minor=108_750, based_on=editing.mark(booking)
    )
    booking.refresh_from_db()
    shown = cancellation.preview(booking)
    assert (shown.notice_days > 50, shown.percent, shown.refund_minor) == (True, 50, 54_375)
    assert "no more than that" in page_cancel.build(booking).notice_words


def test_staff_who_moved_the_date_to_a_better_refund_need_a_second_person(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    booking = days_ahead(booking, 2)
    alterations.edit(booking=booking, edit=later_slot(shop), actor="user:1", reason="they asked")
    done = cancellation.cancel(
        booking, actor="user:1", by=staff(shop), reason="x", authenticated_at=clock.now()
    )
    assert (done.percent, done.refund_minor) == (100, 108_750)
    assert set(done.refunds.values_list("state", "by_policy")) == {("requested", False)}


def test_a_surplus_whose_refund_was_declined_is_on_the_desk_again(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    alterations.edit(booking=booking, edit=Edit(adults=4), actor="user:1", reason="six are ill")
    refund = refunds.request(
        payment=payment,
        amount_minor=65_250,
        cause="surplus",
        reason="x",
        requested_by=staff(shop),
        actor="t",
        request_key="desk:1",
        authenticated_at=clock.now(),
    )
    assert refund.state == "requested"
    refunds.decline(refund, by=staff(shop, "second"), reason="ask them first")
    item = DeskItem.objects.get(kind=DeskKind.REFUND_FAILED)
    assert item.payment == payment
    assert_lots_are_the_ledgers(shop)


def test_a_refund_that_waited_for_days_is_asked_for_again_under_the_key_it_was_sent_with(
    shop: Shop, settings: Any
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    payment = shop.paid(shop.book())
    shop.fault("timeout_before", path="/v1/refunds")
    refund = refunds.request(
        payment=payment, amount_minor=100, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )
    assert refund.state == "unknown"
    Refund.objects.update(
        created_at=clock.now() - timedelta(days=3), updated_at=clock.now() - timedelta(minutes=5)
    )
    reconcile.ask_for_refunds()
    refund.refresh_from_db()
    assert refund.attempt == 1
