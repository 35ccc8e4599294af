"""Changing guests, menu, add-ons or the day of a booking that was paid in part: the plan always sums to the price."""

from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from bookings.editing import Edit
from bookings.errors import InvalidRequest, SlotTaken
from bookings.models import Booking, BookingEdit, BookingState, Menu, Purpose
from bookings.tests.factories import AddOnFactory, SlotFactory
from core.models import OutboxEmail
from payments import alterations, changes, credit, errors, refunds
from payments.models import Account, Payment, PaymentState
from payments.tests.shop import Shop


def edited(booking: Booking, **what: object) -> Booking:
    alterations.edit(booking=booking, edit=Edit(**what), actor="user:1", reason="asked by phone")  # type: ignore[arg-type]
    return Booking.objects.get(pk=booking.pk)


def parts(booking: Booking) -> list[tuple[str, int, int]]:
    rows = booking.instalments.filter(amount_minor__gt=0).order_by("position")
    return [(row.purpose, row.amount_minor, row.paid_minor) for row in rows]


def assert_sums(booking: Booking) -> None:
    lines = booking.lines.aggregate(total=Sum("amount_minor"))["total"]
    plan = booking.instalments.aggregate(total=Sum("amount_minor"))["total"]
    assert lines == plan == booking.total_minor


def test_more_guests_after_the_deposit_raise_the_balance_only(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    booking = edited(booking, adults=12)
    assert booking.total_minor == 130_500  # 12 x 100.00 and 8.75 %
    assert parts(booking) == [(Purpose.DEPOSIT, 10_000, 10_000), (Purpose.BALANCE, 120_500, 0)]
    assert_sums(booking)
    assert shop.start(booking).payment.amount_minor == 120_500


def test_fewer_guests_after_the_deposit_lower_the_balance_and_never_below_zero(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    booking = edited(booking, adults=4)
    assert parts(booking) == [(Purpose.DEPOSIT, 10_000, 10_000), (Purpose.BALANCE, 33_500, 0)]
    assert credit.available(booking.customer, currency="usd") == 0
    assert_sums(booking)


def test_a_price_below_what_was_paid_leaves_credit_and_the_ledger_says_so(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    booking = edited(booking, adults=9)
    assert booking.total_minor == 97_875
    assert_sums(booking)
    assert credit.available(booking.customer, currency="usd") == 10_875
    balances = shop.balances()
    assert (balances[Account.CUSTOMER_DEPOSITS], balances[Account.CUSTOMER_CREDIT]) == (-97_875, -10_875)
    assert shop.tie_out().difference_minor == 0
    balance = Payment.objects.latest("pk")
    assert (balance.placed_minor, balance.credit_minor) == (98_750 - 10_875, 10_875)
    assert "kept for you as credit" in OutboxEmail.objects.filter(key__startswith="edit:").get().text


def test_more_guests_after_all_was_paid_ask_for_the_difference_as_an_addition(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    booking = edited(booking, adults=11)
    assert parts(booking)[-1] == (Purpose.ADDON, 10_875, 0)
    assert_sums(booking)


def test_a_menu_that_became_dearer_costs_those_who_were_booked_what_they_agreed_to(shop: Shop) -> None:
    booking = shop.book()
    shop.merchant.menus.update(adult_price_minor=20_000)
    assert edited(booking, adults=11).lines.first().unit_minor == 10_000  # type: ignore[union-attr]
    other = Menu.objects.create(
        merchant=shop.merchant, name="Teppan", adult_price_minor=30_000, child_price_minor=1
    )
    assert edited(booking, menu_id=other.pk).lines.first().unit_minor == 30_000  # type: ignore[union-attr]


def test_add_ons_come_and_go_and_the_price_before_is_reached_again(shop: Shop) -> None:
    booking = shop.book()
    add_on = AddOnFactory.create(merchant=shop.merchant, price_minor=500)
    assert edited(booking, add_ons={add_on.pk: 1}).total_minor == 108_750 + 5_438
    add_on.price_minor = 900
    add_on.is_active = False
    add_on.save()
    assert (
        edited(booking, adults=9).total_minor == 102_769
    )  # at 5.00 each, as agreed, though no longer offered
    booking = edited(booking, adults=10, add_ons={})
    assert (booking.total_minor, parts(booking)) == (
        108_750,
        [("deposit", 10_000, 0), ("balance", 98_750, 0)],
    )
    assert_sums(booking)
    assert [edit.after["total_minor"] for edit in BookingEdit.objects.all()] == [114_188, 102_769, 108_750]


def test_moving_the_day_takes_the_new_place_frees_the_old_one_and_asks_for_no_second_deposit(
    shop: Shop,
) -> None:
    booking = shop.book(slot=SlotFactory.create(merchant=shop.merchant, capacity=1))
    shop.paid(booking)
    old = booking.slot
    later = SlotFactory.create(
        merchant=shop.merchant,
        starts_at=old.starts_at + timedelta(days=20),
        ends_at=old.ends_at + timedelta(days=20),
    )
    booking = edited(booking, slot_public_id=later.public_id)
    assert (booking.slot, booking.starts_at) == (later, later.starts_at)
    assert parts(booking)[0] == (Purpose.DEPOSIT, 10_000, 10_000)
    balance = booking.instalments.get(purpose=Purpose.BALANCE)
    assert balance.due_on == booking.event_date - timedelta(days=7)
    shop.book(slot=old)  # its place is free again
    with pytest.raises(SlotTaken):
        shop.book(slot=later)


def test_a_full_day_refuses_the_move_and_nothing_changes(shop: Shop) -> None:
    booking = shop.book()
    begins = booking.starts_at + timedelta(days=1)
    full = SlotFactory.create(
        merchant=shop.merchant, capacity=1, starts_at=begins, ends_at=begins + timedelta(hours=3)
    )
    shop.book(slot=full)
    with pytest.raises(SlotTaken):
        edited(booking, slot_public_id=full.public_id, adults=20)
    booking.refresh_from_db()
    assert (booking.adults, booking.total_minor, BookingEdit.objects.count()) == (10, 108_750, 0)
    assert_sums(booking)


def test_the_old_amount_is_not_charged_after_an_edit(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    old = shop.start(booking).payment
    booking = edited(booking, adults=12)
    old.refresh_from_db()
    assert old.state == PaymentState.CANCELED
    intent = shop.stripe.v1.payment_intents.retrieve(old.stripe_payment_intent_id)
    assert intent.status == "canceled"
    assert shop.start(booking).payment.amount_minor == 120_500


def test_an_edit_while_stripe_is_silent_is_stored_and_the_old_payment_ended_by_the_next_click(
    shop: Shop,
) -> None:
    booking = shop.book()
    shop.paid(booking)
    old = shop.start(booking).payment
    shop.fault(
        "timeout_before", path=f"/v1/payment_intents/{old.stripe_payment_intent_id}", method="GET", count=3
    )
    booking = edited(booking, adults=12)
    old.refresh_from_db()
    assert (booking.adults, old.state) == (12, PaymentState.PENDING)
    assert shop.start(booking).payment.amount_minor == 120_500


def test_the_old_amount_paid_in_another_tab_is_placed_and_nothing_is_lost(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    old = shop.start(booking).payment
    shop.confirm(old)  # its webhook has not come yet
    booking = edited(booking, adults=4)
    shop.deliver()
    assert parts(booking) == [(Purpose.DEPOSIT, 10_000, 10_000), (Purpose.BALANCE, 33_500, 33_500)]
    assert credit.available(booking.customer, currency="usd") > 0
    assert shop.tie_out().difference_minor == 0


def test_the_same_edit_twice_is_one_edit_and_one_mail(shop: Shop) -> None:
    booking = shop.book()
    edited(booking, adults=12)
    edited(booking, adults=12)
    assert BookingEdit.objects.count() == OutboxEmail.objects.filter(key__startswith="edit:").count() == 1


def test_a_price_that_is_no_longer_the_one_seen_stops_the_edit(shop: Shop) -> None:
    booking = shop.book()
    seen = changes.preview(booking, Edit(adults=12)).after_minor
    edited(booking, children=3)
    with pytest.raises(errors.PriceChanged):
        changes.edit(booking=booking, edit=Edit(adults=12), actor="x", expected_total_minor=seen)
    booking.refresh_from_db()
    assert booking.adults == 10


def test_a_preview_says_what_the_edit_does(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    shown = changes.preview(booking, Edit(adults=9))
    booking = edited(booking, adults=9)
    assert (shown.after_minor, shown.credit_minor) == (booking.total_minor, 10_875)
    assert [(part.purpose, part.amount_minor) for part in shown.parts] == [row[:2] for row in parts(booking)]


@pytest.mark.parametrize("state", ["draft", "expired", "cancelled", "completed"])
def test_a_booking_that_ended_stays_as_it_is(shop: Shop, state: str) -> None:
    booking = shop.book()
    Booking.objects.filter(pk=booking.pk).update(state=state)
    with pytest.raises(errors.BookingSettled):
        edited(booking, adults=12)
    assert booking.lines.get(kind="menu_adult").quantity == 10


def test_a_price_reduction_given_before_stays_after_an_edit(shop: Shop) -> None:
    from payments import refunds

    booking = shop.book()
    payment = shop.paid(booking)
    refunds.request(
        payment=payment,
        amount_minor=2_000,
        cause="price_reduction",
        reason="late",
        requested_by=None,
        actor="t",
    )
    booking = edited(booking, adults=11)
    assert booking.total_minor == 119_625 - 2_000
    assert_sums(booking)
    assert booking.lines.last().kind == "reduction"  # type: ignore[union-attr]


def test_no_guests_and_no_such_menu_are_refused_by_field(shop: Shop) -> None:
    booking = shop.book()
    with pytest.raises(InvalidRequest) as refusal:
        edited(booking, adults=0, menu_id=0)
    assert set(refusal.value.fields) == {"adults", "menu_id"}


def test_an_event_that_has_begun_is_not_edited(shop: Shop) -> None:
    booking = shop.book()
    Booking.objects.filter(pk=booking.pk).update(starts_at=timezone.now(), state=BookingState.CONFIRMED)
    booking.refresh_from_db()
    with pytest.raises(errors.BookingSettled):
        edited(booking, adults=12)


def test_the_price_may_fall_below_what_a_refund_taken_as_credit_has_left(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    refunds.request(
        payment=payment, amount_minor=30_000, cause="cancellation", reason="x", requested_by=None, actor="t",
        as_credit=True,
    )  # fmt: skip
    booking = edited(booking, adults=2)
    assert_sums(booking)
    assert shop.balances()[Account.CUSTOMER_DEPOSITS] == -booking.total_minor
