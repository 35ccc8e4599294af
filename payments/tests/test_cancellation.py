"""Cancelling: the figures shown are the ones executed; the place is free at once; refunds run apart and once."""

import threading
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from bookings.models import Booking, BookingState
from core import clock
from core.errors import Forbidden, Invalid
from core.models import OutboxEmail
from customers.models import Membership, Role
from payments import cancellation, credit, errors, refunds
from payments.models import Account, Cancellation, Payment, PaymentState, Refund, RefundRoute, RefundState
from payments.refunds.allocating import Net, allocate
from payments.tests.shop import Shop


def in_days(booking: Booking, days: int) -> Booking:
    """The same booking as if its event were so many days ahead."""
    today = clock.now().astimezone(ZoneInfo(booking.timezone))
    starts = (today + timedelta(days=days)).replace(hour=23, minute=30)  # calendar days there are what counts
    Booking.objects.filter(pk=booking.pk).update(starts_at=starts, ends_at=starts + timedelta(hours=3))
    return Booking.objects.get(pk=booking.pk)


def cancel(booking: Booking, **more: Any) -> Cancellation:
    return cancellation.cancel(booking, actor="customer", **more)


def staff(shop: Shop, role: str = Role.MANAGER) -> User:
    user = User.objects.create_user(role, email=f"{role}@ember.example")
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    return user


@pytest.fixture
def booking(shop: Shop) -> Booking:
    """Deposit and balance paid by card: 1,087.50 and 87.00 of fees."""
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    return Booking.objects.get(pk=booking.pk)


@pytest.mark.parametrize(("days", "percent"), [(30, 100), (14, 100), (13, 50), (7, 50), (6, 0), (1, 0)])
def test_the_brackets_of_the_policy_agreed_to(shop: Shop, booking: Booking, days: int, percent: int) -> None:
    shop.merchant.cancellation_policy = [{"days_before": 0, "refund_percent": 1}]  # for later bookings only
    shop.merchant.save()
    booking = in_days(booking, days)
    shown = cancellation.preview(booking)
    done = cancel(booking, expected=shown.shown)
    refunds.send_due()
    shop.deliver()
    assert (done.percent, done.refund_minor, done.kept_minor) == (
        percent,
        108_750 * percent // 100,
        108_750 - 108_750 * percent // 100,
    )
    rows = list(Refund.objects.all())
    assert sum(row.total_minor for row in rows) == shown.total_minor == done.refund_minor * 108 // 100
    assert all(row.state == RefundState.SUCCEEDED for row in rows)
    booking.refresh_from_db()
    assert booking.state == BookingState.CANCELLED
    balances = shop.balances()
    assert balances.get(Account.CUSTOMER_DEPOSITS, 0) == 0
    assert balances.get(Account.CANCELLATION_INCOME, 0) == -done.kept_minor
    assert shop.tie_out().difference_minor == 0


def test_the_newest_card_goes_back_first_and_earlier_refunds_count(shop: Shop, booking: Booking) -> None:
    first, second = Payment.objects.order_by("pk")
    refunds.request(
        payment=second, amount_minor=8_750, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )
    done = cancel(in_days(booking, 10))
    assert (done.paid_minor, done.refund_minor, done.kept_minor) == (100_000, 50_000, 50_000)
    assert Refund.objects.get(cause="cancellation").payment == second
    assert refunds.refundable(first) == 10_000


def test_the_place_is_free_at_once_while_stripe_is_silent(
    shop: Shop, booking: Booking, settings: Any
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking.slot.capacity = 1
    booking.slot.save()
    shop.fault("timeout_after", path="/v1/refunds", count=2)
    cancel(booking)
    shop.book(slot=booking.slot, email="next@example.com")
    refunds.send_due()
    assert set(Refund.objects.values_list("state", flat=True)) == {RefundState.UNKNOWN}
    shop.deliver()  # what Stripe did all the same
    assert set(Refund.objects.values_list("state", flat=True)) == {RefundState.SUCCEEDED}
    assert len(shop.stripe.v1.refunds.list({"limit": 100})["data"]) == 2


def test_cancelled_twice_and_at_the_same_time_is_one_cancellation(open_to_threads: Shop) -> None:
    shop = open_to_threads
    booking = shop.book()
    shop.paid(booking)
    found: list[int] = []

    def act() -> None:
        try:
            found.append(cancel(booking).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=act) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1
    assert Refund.objects.count() == 1
    assert [refunds.send_due(), refunds.send_due()] == [1, 0]
    assert OutboxEmail.objects.filter(key__startswith="cancelled").count() == 1


def test_figures_that_changed_since_they_were_shown_stop_it(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    seen = cancellation.preview(booking).shown
    shop.paid(booking)
    with pytest.raises(errors.PriceChanged):
        cancel(booking, expected=seen)
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert not Refund.objects.exists()


def test_a_held_booking_that_nobody_paid_just_ends_and_its_open_payment_with_it(shop: Shop) -> None:
    booking = shop.book()
    payment = shop.start(booking).payment
    done = cancel(booking)
    payment.refresh_from_db()
    assert (done.paid_minor, payment.state) == (0, PaymentState.CANCELED)
    assert "Nothing had been paid" in OutboxEmail.objects.get(key__startswith="cancelled").text


def test_staff_may_give_more_than_the_policy_with_a_reason_and_a_second_person(
    shop: Shop, booking: Booking
) -> None:
    manager, owner = staff(shop), staff(shop, Role.OWNER)
    booking = in_days(booking, 3)
    with pytest.raises(Invalid):
        cancel(booking, by=manager, percent=100)
    with pytest.raises(Forbidden):
        cancel(booking, percent=100)
    with pytest.raises(Forbidden):
        cancel(booking, by=staff(shop, Role.CLERK), reason="storm")
    done = cancel(booking, by=manager, reason="storm", percent=100, authenticated_at=clock.now())
    assert (done.overruled, done.kept_minor) == (True, 0)
    mail = OutboxEmail.objects.get(key__startswith="cancelled")
    for words in (mail.text, mail.html):
        assert "being decided" in words
        assert "$1,174.50" not in words  # nobody has agreed to it yet
    waiting = list(Refund.objects.filter(state=RefundState.REQUESTED))
    assert sum(refund.total_minor for refund in waiting) >= 50_000
    for refund in waiting:
        refunds.approve(refund, by=owner, authenticated_at=clock.now())
    refunds.send_due()
    shop.deliver()
    assert shop.balances().get(Account.CUSTOMER_DEPOSITS, 0) == 0


def test_a_declined_refund_of_a_cancelled_booking_comes_to_the_desk(shop: Shop, booking: Booking) -> None:
    manager, owner = staff(shop), staff(shop, Role.OWNER)
    cancel(in_days(booking, 3), by=manager, reason="storm", percent=100, authenticated_at=clock.now())
    refund = Refund.objects.filter(state=RefundState.REQUESTED).latest("pk")
    refunds.decline(refund, by=owner, reason="not agreed")
    assert shop.merchant.desk_items.get().evidence["refund"] == str(refund.public_id)


def test_as_credit_everything_stays_for_the_next_booking(shop: Shop, booking: Booking) -> None:
    cancel(booking, as_credit=True)
    assert credit.available(booking.customer, currency="usd") == 108_750 + 8_700
    assert refunds.send_due() == 0
    assert shop.balances()[Account.CUSTOMER_CREDIT] == -117_450
    assert shop.balances().get(Account.CUSTOMER_DEPOSITS, 0) == 0
    assert shop.tie_out().difference_minor == 0


def test_card_goes_back_to_the_card_before_credit_goes_back_to_credit(shop: Shop) -> None:
    booking = shop.book()
    credit.grant(customer=booking.customer, amount_minor=10_000, currency="usd", reason="x", granted_by=None)
    credit.spend(booking=booking, purpose="deposit", actor="customer")
    shop.paid(booking)
    done = cancel(in_days(booking, 10))  # half of 1,087.50: all of it from the card
    assert [(row.route, row.amount_minor) for row in done.refunds.all()] == [(RefundRoute.GATEWAY, 54_375)]
    assert credit.available(booking.customer, currency="usd") == 0


def test_reinstated_what_was_kept_counts_again_and_what_went_back_is_due(
    shop: Shop, booking: Booking
) -> None:
    done = cancel(in_days(booking, 10))
    refunds.send_due()
    shop.deliver()
    assert cancellation.reinstate(booking, actor="user:1", reason="they came back")
    assert not cancellation.reinstate(booking, actor="user:1", reason="again")
    done.refresh_from_db()
    booking.refresh_from_db()
    assert (booking.state, done.reinstated_at is not None) == (BookingState.CONFIRMED, True)
    assert shop.balances().get(Account.CANCELLATION_INCOME, 0) == 0
    assert shop.balances()[Account.CUSTOMER_DEPOSITS] == -54_375
    assert shop.start(booking).payment.amount_minor == 54_375
    assert cancel(booking).pk != done.pk


def test_money_that_comes_after_the_cancellation_is_kept_and_comes_to_the_desk(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.start(booking).payment
    shop.confirm(payment)
    cancel(booking)
    shop.deliver()
    payment.refresh_from_db()
    assert payment.unallocated_minor == payment.total_minor
    assert shop.merchant.desk_items.get().kind == "late_money"


@pytest.mark.parametrize("state", ["completed", "expired"])
def test_what_ended_otherwise_is_not_cancelled(shop: Shop, booking: Booking, state: str) -> None:
    Booking.objects.filter(pk=booking.pk).update(state=state)
    with pytest.raises(errors.BookingSettled):
        cancel(Booking.objects.get(pk=booking.pk))
    assert not Cancellation.objects.exists()


nets = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(0, 10**6)), min_size=1, max_size=8
).map(
    lambda rows: [
        Net(payment_id=n, payer=payer, route=route, order=n, net_minor=net)
        for n, (payer, route, net) in enumerate(rows, start=1)
    ]
)


@budget(max_examples=200, deadline=None)
@given(nets=nets, part=st.integers(0, 100))
def test_an_allocation_sums_to_its_amount_and_takes_from_nobody_more_than_they_have(
    nets: list[Net], part: int
) -> None:
    whole = sum(net.net_minor for net in nets)
    amount = whole * part // 100
    parts = allocate(amount, nets)
    assert sum(parts.values()) == amount
    assert all(0 < parts[net.payment_id] <= net.net_minor for net in nets if net.payment_id in parts)
    for payer in {net.payer for net in nets}:
        own = [net for net in nets if net.payer == payer]
        theirs = sum(parts.get(net.payment_id, 0) for net in own)
        assert abs(theirs - sum(net.net_minor for net in own) * amount / max(1, whole)) <= 1


def test_money_that_goes_back_later_comes_out_of_what_was_kept(shop: Shop, booking: Booking) -> None:
    cancel(in_days(booking, 1))
    assert shop.balances()[Account.CANCELLATION_INCOME] == -108_750
    payment = Payment.objects.latest("pk")
    refunds.request(
        payment=payment, amount_minor=5_000, cause="price_reduction", reason="goodwill", requested_by=None, actor="t"
    )  # fmt: skip
    shop.deliver()
    assert shop.balances()[Account.CANCELLATION_INCOME] == -103_750
    assert shop.balances()[Account.CUSTOMER_DEPOSITS] == 0
    assert cancellation.reinstate(booking, actor="t", reason="it takes place after all")
    assert shop.balances()[Account.CANCELLATION_INCOME] == 0
    assert shop.balances()[Account.CUSTOMER_DEPOSITS] == -103_750
    assert shop.tie_out().difference_minor == 0
