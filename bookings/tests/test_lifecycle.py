from datetime import timedelta

import pytest
from django.db import transaction

from bookings import lifecycle
from bookings.errors import BookingEnded, NoCapacity
from bookings.models import Booking, BookingState
from bookings.tests.factories import SlotFactory, booked
from core import clock
from core.errors import ImpossibleTransition
from core.states import check_table

pytestmark = pytest.mark.django_db


def test_every_state_of_a_booking_is_classified() -> None:
    assert check_table(Booking) == []


def expired(booking: Booking) -> Booking:
    with transaction.atomic():
        assert lifecycle.expire(booking, actor="system", reason="hold ended")
    return booking


def snapshot(booking: Booking) -> tuple[object, ...]:
    stored = Booking.objects.get(pk=booking.pk)
    return (
        stored.state,
        stored.confirmed_at,
        stored.hold_expires_at,
        stored.hold_extensions,
        stored.changes.count(),
    )


def test_a_held_booking_is_confirmed_once_and_the_event_is_logged() -> None:
    booking = booked()
    assert lifecycle.confirm(booking, actor="stripe", event_id="evt_1")
    assert not lifecycle.confirm(booking, actor="stripe", event_id="evt_2")
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert booking.confirmed_at is not None
    last = booking.changes.last()
    assert last is not None
    assert (last.from_state, last.to_state, last.actor, last.event_id) == (
        "held",
        "confirmed",
        "stripe",
        "evt_1",
    )
    assert booking.changes.count() == 2


def test_a_hold_that_lapsed_but_was_not_ended_yet_is_confirmed() -> None:
    booking = booked()
    booking.hold_expires_at = clock.now() - timedelta(minutes=1)
    assert lifecycle.confirm(booking, actor="stripe")


def test_money_after_expiry_confirms_when_the_time_is_still_free() -> None:
    booking = expired(booked())
    assert lifecycle.confirm(booking, actor="stripe")
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED


def test_money_after_expiry_does_not_open_a_slot_that_was_closed_meanwhile() -> None:
    slot = SlotFactory.create()
    booking = expired(booked(slot=slot))
    slot.is_open = False
    slot.save()
    before = snapshot(booking)
    with transaction.atomic(), pytest.raises(NoCapacity, match="no longer offered"):
        lifecycle.confirm(booking, actor="stripe")
    assert snapshot(booking) == before


def test_money_after_expiry_does_not_take_a_time_that_somebody_else_has() -> None:
    slot = SlotFactory.create()
    late = expired(booked(slot=slot))
    booked(slot=slot, email="quicker@example.com")
    before = snapshot(late)
    with transaction.atomic(), pytest.raises(NoCapacity, match="somebody else has taken it"):
        lifecycle.confirm(late, actor="stripe")
    assert snapshot(late) == before


def test_a_cancelled_booking_is_not_confirmed_by_money() -> None:
    booking = booked()
    booking.transition_to(BookingState.CANCELLED, actor="user:1")
    before = snapshot(booking)
    with transaction.atomic(), pytest.raises(BookingEnded, match="was cancelled"):
        lifecycle.confirm(booking, actor="stripe")
    assert snapshot(booking) == before


@pytest.mark.parametrize("state", BookingState)
def test_confirming_is_decided_for_every_state(state: BookingState) -> None:
    booking = booked()
    Booking.objects.filter(pk=booking.pk).update(state=state)
    booking.state = state
    if state in {"draft", "quoted", "cancelled"}:
        with pytest.raises(BookingEnded):
            lifecycle.confirm(booking, actor="stripe")
    else:
        assert lifecycle.confirm(booking, actor="stripe") == (state in {"held", "expired"})


def test_a_completed_booking_stays_completed() -> None:
    booking = booked()
    lifecycle.confirm(booking, actor="stripe")
    booking.transition_to(BookingState.COMPLETED, actor="system")
    assert not lifecycle.confirm(booking, actor="stripe")
    assert booking.state == BookingState.COMPLETED


def test_a_hold_is_extended_twice_at_most_and_each_is_logged() -> None:
    booking = booked()
    assert booking.hold_expires_at is not None
    first = booking.hold_expires_at + timedelta(minutes=10)
    second, third = first + timedelta(minutes=10), first + timedelta(minutes=20)
    assert lifecycle.extend_hold(booking, until=first, actor="customer")
    assert lifecycle.extend_hold(booking, until=second, actor="customer")
    assert not lifecycle.extend_hold(booking, until=third, actor="customer")
    booking.refresh_from_db()
    assert (booking.hold_expires_at, booking.hold_extensions) == (second, 2)
    assert [change.to_state for change in booking.changes.all()] == ["held", "held", "held"]


def test_a_hold_is_never_shortened_and_that_costs_no_extension() -> None:
    booking = booked()
    until = booking.hold_expires_at
    assert lifecycle.extend_hold(booking, until=clock.now(), actor="customer")
    booking.refresh_from_db()
    assert (booking.hold_expires_at, booking.hold_extensions) == (until, 0)


def test_only_a_hold_is_extended() -> None:
    booking = booked()
    lifecycle.confirm(booking, actor="stripe")
    before = snapshot(booking)
    assert not lifecycle.extend_hold(booking, until=clock.now() + timedelta(days=1), actor="customer")
    assert snapshot(booking) == before


def test_expiring_twice_is_one_step_and_a_confirmed_booking_refuses() -> None:
    booking = expired(booked())
    assert not lifecycle.expire(booking, actor="system")
    lifecycle.confirm(booking, actor="stripe")
    before = snapshot(booking)
    with pytest.raises(ImpossibleTransition):
        lifecycle.expire(booking, actor="system")
    assert snapshot(booking) == before


def test_lapsed_holds_are_those_whose_end_has_passed() -> None:
    booking, running = booked(), booked()
    lapsed = booked()
    for late in (booking, lapsed):
        Booking.objects.filter(pk=late.pk).update(hold_expires_at=clock.now() - timedelta(minutes=late.pk))
    lifecycle.confirm(booking, actor="stripe")
    assert list(lifecycle.lapsed_holds()) == [lapsed]
    assert running.state == BookingState.HELD
