"""The payer picks: the next instalment, or everything at once. The plan sums to the price either way."""

import pytest
from django.db.models import Sum

from bookings.models import Booking, BookingState, Purpose
from payments import credit, dues, errors
from payments.models import PaymentState, Receipt
from payments.tests.shop import Shop

WHOLE_MINOR = 108_750


def parts(booking: Booking) -> list[tuple[str, int, int]]:
    rows = booking.instalments.order_by("position")
    assert (
        rows.aggregate(total=Sum("amount_minor"))["total"] == Booking.objects.get(pk=booking.pk).total_minor
    )
    return [(row.purpose, row.amount_minor, row.paid_minor) for row in rows if row.amount_minor]


def test_all_at_once_before_anything_is_paid(shop: Shop) -> None:
    booking = shop.book()
    assert [ask.amount_minor for ask in dues.choices(booking)] == [10_000, WHOLE_MINOR]
    payment = shop.paid(booking, purpose=Purpose.FULL)
    booking.refresh_from_db()
    assert (payment.placed_minor, payment.received_fee_minor) == (WHOLE_MINOR, 8_700)
    assert booking.state == BookingState.CONFIRMED
    assert parts(booking) == [(Purpose.FULL, WHOLE_MINOR, WHOLE_MINOR)]
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking)
    assert Receipt.objects.count() == 1


def test_the_rest_at_once_after_the_deposit(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    assert len(dues.choices(booking)) == 1  # only the balance is left: that is everything
    shop.paid(booking, purpose=Purpose.FULL)
    assert parts(booking) == [("deposit", 10_000, 10_000), ("balance", 98_750, 98_750)]


def test_changing_ones_mind_leaves_one_open_payment_and_charges_what_was_picked_last(shop: Shop) -> None:
    booking = shop.book()
    everything = shop.start(booking, purpose=Purpose.FULL).payment
    deposit = shop.start(booking).payment
    everything.refresh_from_db()
    assert (everything.state, deposit.amount_minor) == (PaymentState.CANCELED, 10_000)
    again = shop.start(booking, purpose=Purpose.FULL).payment
    shop.confirm(again)
    shop.deliver_shuffled(seed=3, times=2)
    assert parts(booking) == [(Purpose.FULL, WHOLE_MINOR, WHOLE_MINOR)]
    assert shop.tie_out().difference_minor == 0


def test_in_full_after_credit_paid_a_part(shop: Shop) -> None:
    booking = shop.book()
    credit.grant(
        customer=booking.customer, amount_minor=4_000, currency="usd", reason="sorry", granted_by=None
    )
    credit.spend(booking=booking, purpose="deposit", actor="customer")
    payment = shop.paid(booking, purpose=Purpose.FULL)
    assert payment.placed_minor == WHOLE_MINOR - 4_000
    assert parts(booking) == [(Purpose.FULL, WHOLE_MINOR, WHOLE_MINOR)]


def test_the_balance_is_not_sold_before_the_deposit(shop: Shop) -> None:
    booking = shop.book()
    with pytest.raises(errors.NothingToPay, match="deposit is due first"):
        shop.start(booking, purpose=Purpose.BALANCE)


def test_money_that_comes_too_late_leaves_the_plan_as_it_was(shop: Shop) -> None:
    booking = shop.book()
    payment = shop.start(booking, purpose=Purpose.FULL).payment
    shop.confirm(payment)
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.CANCELLED)
    shop.deliver()
    payment.refresh_from_db()
    assert payment.unallocated_minor == payment.total_minor
    assert parts(booking) == [("deposit", 10_000, 0), ("balance", 98_750, 0)]
