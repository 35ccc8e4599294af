from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction

from bookings import lifecycle, slots
from bookings.errors import SlotTaken
from bookings.models import BookingState
from bookings.models.booking import TAKES_CAPACITY
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from core import clock

pytestmark = pytest.mark.django_db


def test_free_times_come_soonest_first_with_their_places() -> None:
    merchant = MerchantFactory.create()
    later = SlotFactory.create(merchant=merchant, starts_at=clock.now() + timedelta(days=9), capacity=3)
    soon = SlotFactory.create(merchant=merchant, starts_at=clock.now() + timedelta(days=2))
    booked(slot=later)
    free = slots.free(merchant=merchant)
    assert [(slot.public_id, slot.places) for slot in free] == [(soon.public_id, 1), (later.public_id, 2)]


def test_past_closed_full_and_foreign_times_are_not_offered() -> None:
    merchant = MerchantFactory.create()
    SlotFactory.create(merchant=merchant, starts_at=clock.now() - timedelta(minutes=1))
    SlotFactory.create(merchant=merchant, is_open=False, starts_at=clock.now() + timedelta(days=1))
    SlotFactory.create()
    booked(slot=SlotFactory.create(merchant=merchant))
    assert slots.free(merchant=merchant) == []


def test_an_expired_hold_gives_its_place_back() -> None:
    slot = SlotFactory.create()
    booking = booked(slot=slot)
    assert slots.free(merchant=slot.merchant) == []
    with transaction.atomic():
        lifecycle.expire(booking, actor="system", reason="hold ended")
    assert [free.public_id for free in slots.free(merchant=slot.merchant)] == [slot.public_id]


def test_a_slot_with_capacity_zero_is_never_free() -> None:
    slot = SlotFactory.create(capacity=0)
    assert slots.free(merchant=slot.merchant) == []


@pytest.mark.parametrize(
    ("starts_at", "day"),
    [
        (
            datetime(2027, 3, 14, 7, 30, tzinfo=UTC),
            date(2027, 3, 13),
        ),  # 23:30 the evening before, winter time
        (datetime(2027, 3, 14, 8, 30, tzinfo=UTC), date(2027, 3, 14)),  # 00:30 on the day clocks change
        (datetime(2027, 3, 15, 6, 30, tzinfo=UTC), date(2027, 3, 14)),  # 23:30 on that day, 23 hours long
        (datetime(2027, 3, 15, 7, 30, tzinfo=UTC), date(2027, 3, 15)),  # 00:30 the next
    ],
)
def test_a_day_is_the_merchants_calendar_day_even_when_clocks_change(starts_at: datetime, day: date) -> None:
    with time_machine.travel(datetime(2027, 3, 1, tzinfo=UTC)):
        slot = SlotFactory.create(starts_at=starts_at)
        offered = {
            on: [free.starts_at.date() for free in slots.free(merchant=slot.merchant, on=on)]
            for on in (date(2027, 3, 13), date(2027, 3, 14), date(2027, 3, 15))
        }
    assert offered == {on: [day] if on == day else [] for on in offered}


def test_the_list_is_one_query_however_many_times_and_bookings(django_assert_num_queries: Any) -> None:
    merchant = MerchantFactory.create()
    for days in range(1, 6):
        booked(
            slot=SlotFactory.create(
                merchant=merchant, capacity=2, starts_at=clock.now() + timedelta(days=days)
            )
        )
    with django_assert_num_queries(1):
        assert len(slots.free(merchant=merchant, limit=4)) == 4


def test_taking_a_full_time_is_refused_in_words() -> None:
    booking = booked()
    with transaction.atomic(), pytest.raises(SlotTaken, match="Somebody else has just taken that time"):
        slots.take(booking.slot_id)


@pytest.mark.parametrize("state", BookingState)
def test_capacity_is_taken_by_held_confirmed_and_completed_alone(state: BookingState) -> None:
    slot = SlotFactory.create()
    booking = booked(slot=slot)
    type(booking).objects.filter(pk=booking.pk).update(state=state)
    taken = slots.free(merchant=slot.merchant) == []
    assert taken == (state in TAKES_CAPACITY)
    assert taken == (state in {"held", "confirmed", "completed"})
