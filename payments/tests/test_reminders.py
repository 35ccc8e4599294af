"""Reminders: before and after the day, once each; never to somebody who has paid or says so (mollie/magento2#625)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bookings.editing import Edit
from bookings.models import Booking
from core.models import OutboxEmail
from payments import alterations, reconcile, refunds, reminders
from payments.models import DeskItem, Payment
from payments.tests.shop import Shop


@pytest.fixture
def booking(shop: Shop) -> Booking:
    """The deposit paid, the balance due seven days before the event."""
    booking = shop.book()
    shop.paid(booking)
    return Booking.objects.get(pk=booking.pk)


def on(booking: Booking, days: int, *, hour: int = 12) -> int:
    """Remind `days` after the balance's due day, at an hour in the merchant's zone; how many e-mails."""
    due = booking.instalments.get(purpose="balance").due_on
    assert due is not None
    local = datetime.combine(due, datetime.min.time()).replace(hour=hour) + timedelta(days=days)
    zone = booking.local(booking.starts_at).tzinfo
    with time_machine.travel(local.replace(tzinfo=zone).astimezone(UTC), tick=False):
        return reminders.remind_due()


def kinds() -> list[str]:
    keys = (
        OutboxEmail.objects.filter(key__startswith="reminder:").order_by("pk").values_list("key", flat=True)
    )
    return [key.rsplit(":", 1)[1] for key in keys]


def test_before_after_and_once_more_each_once_and_then_a_person_is_told(booking: Booking) -> None:
    assert on(booking, -4) == 0
    assert [on(booking, -3), on(booking, -2), on(booking, 0)] == [1, 0, 0]
    assert [on(booking, 1), on(booking, 2), on(booking, 3), on(booking, 4)] == [1, 0, 1, 0]
    assert kinds() == ["before", "after", "again"]
    item = DeskItem.objects.get()
    assert (item.kind, item.evidence["open_minor"]) == ("overdue", 98_750)
    mail = OutboxEmail.objects.get(key__endswith=":before")
    assert "To pay: $1,066.50 by card\n" in mail.text  # the only way that this merchant takes
    assert "$1,066.50" in mail.html


def test_nobody_is_reminded_at_night(booking: Booking) -> None:
    assert [on(booking, -3, hour=3), on(booking, -3, hour=22)] == [0, 0]
    assert on(booking, -3, hour=9) == 1


def test_who_has_paid_is_not_reminded(shop: Shop, booking: Booking) -> None:
    shop.paid(booking)
    assert [on(booking, day) for day in (-3, 1, 5)] == [0, 0, 0]
    assert not DeskItem.objects.exists()


def test_a_pay_page_that_was_opened_and_left_stops_no_reminder(shop: Shop, booking: Booking) -> None:
    shop.paid(booking)
    alterations.edit(booking=booking, edit=Edit(adults=12), actor="user:1")
    booking.instalments.filter(purpose="addon").update(due_on=None)  # due at once
    shop.start(booking)
    with time_machine.travel(datetime.now(UTC).replace(hour=20) + timedelta(days=2), tick=False):
        assert reconcile.ask_for_payments() == 1  # Stripe is asked again and again
        assert reminders.remind_due() == 1


@pytest.mark.parametrize("state", ["claimed", "processing", "authorized"])
def test_who_says_so_or_whose_payment_is_on_its_way_is_not_reminded(
    shop: Shop, booking: Booking, state: str
) -> None:
    payment = shop.start(booking).payment
    Payment.objects.filter(pk=payment.pk).update(state=state)
    assert on(booking, 1) == 0
    Payment.objects.filter(pk=payment.pk).update(state="canceled")
    assert on(booking, 1) == 1


def test_a_part_payment_is_reminded_of_what_is_left(booking: Booking) -> None:
    booking.instalments.filter(purpose="balance").update(paid_minor=90_000)
    on(booking, 1)
    assert "$94.50 by card" in OutboxEmail.objects.get(key__startswith="reminder:").text


@pytest.mark.parametrize("state", ["cancelled", "expired", "completed"])
def test_only_confirmed_bookings_are_reminded(booking: Booking, state: str) -> None:
    Booking.objects.filter(pk=booking.pk).update(state=state)
    assert on(booking, 1) == 0


def test_another_due_day_is_reminded_anew(booking: Booking) -> None:
    assert on(booking, -3) == 1
    part = booking.instalments.get(purpose="balance")
    assert part.due_on is not None
    part.due_on += timedelta(days=10)
    part.save()
    assert on(booking, -3) == 1


def test_those_who_need_none_cost_one_query_together(
    shop: Shop, booking: Booking, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    shop.paid(booking)
    due = booking.event_date - timedelta(days=6)
    noon = datetime(due.year, due.month, due.day, 20, tzinfo=UTC)
    with time_machine.travel(noon, tick=False), django_assert_max_num_queries(2):
        assert reminders.remind_due() == 0


def test_who_was_refunded_to_prevent_a_dispute_is_not_reminded_and_staff_see_it_once(
    shop: Shop, booking: Booking
) -> None:
    """The instalment is open again by that refund, but no machine asks that customer for it."""
    deposit = booking.payments.get()
    refund = refunds.request(
        payment=deposit, amount_minor=10_000, cause="dispute_prevention", reason="Angry", requested_by=None, actor="t"
    )  # fmt: skip
    assert refund.tax_minor == 0  # the price stays
    booking.refresh_from_db()
    assert (booking.total_minor, booking.instalments.get(purpose="deposit").open_minor) == (108_750, 10_000)
    assert [on(booking, -3), on(booking, 1), on(booking, 3), on(booking, 4)] == [0, 0, 0, 0]
    items = DeskItem.objects.order_by("pk")
    assert {(item.kind, item.evidence["open_minor"]) for item in items} == {
        ("overdue", 10_000),
        ("overdue", 98_750),
    }
    assert all("to prevent a dispute" in item.summary for item in items)
    assert items.count() == 2
    shop.paid(booking)  # they think better of it
    assert on(booking, 3) == 1


def test_a_refund_to_prevent_a_dispute_that_is_not_agreed_to_yet_stops_no_reminder(
    shop: Shop, booking: Booking
) -> None:
    shop.merchant.approval_from_minor = 1
    shop.merchant.save()
    refunds.request(
        payment=booking.payments.get(), amount_minor=100, cause="dispute_prevention", reason="x", requested_by=None,
        actor="t",
    )  # fmt: skip
    assert on(booking, 1) == 1
