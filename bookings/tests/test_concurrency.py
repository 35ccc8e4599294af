"""Many at once, each with its own connection: the locks and constraints decide, not luck."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection, transaction

from bookings import booking as use_case
from bookings import lifecycle
from bookings.errors import NoCapacity, SlotTaken
from bookings.models import Booking, BookingState
from bookings.models.booking import TAKES_CAPACITY
from bookings.tests.factories import MenuFactory, SlotFactory, booked, request_for
from customers.models import Customer

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 8
T = TypeVar("T")


def at_once(work: Callable[[int], T], *, crowd: int = CROWD) -> list[T]:
    """Run `work(0…)` in as many threads, started together."""
    start = threading.Barrier(crowd)

    def one(number: int) -> T:
        start.wait(timeout=10)
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(crowd) as pool:
        return list(pool.map(one, range(crowd)))


@pytest.mark.parametrize("capacity", [1, 3])
def test_as_many_are_booked_as_there_are_places(capacity: int) -> None:
    slot = SlotFactory.create(capacity=capacity)
    menu = MenuFactory.create(merchant=slot.merchant)

    def book(number: int) -> bool:
        request = request_for(slot, menu=menu, email=f"guest{number}@example.com")
        try:
            use_case.create(merchant=slot.merchant, request=request, actor="customer")
        except SlotTaken:
            return False
        return True

    assert sum(at_once(book)) == capacity
    assert Booking.objects.filter(state__in=TAKES_CAPACITY).count() == capacity
    assert Booking.objects.count() == Customer.objects.count() == capacity


def test_one_customer_who_books_eight_times_at_once_is_one_customer() -> None:
    slot = SlotFactory.create(capacity=CROWD)
    menu = MenuFactory.create(merchant=slot.merchant)
    request = request_for(slot, menu=menu)
    at_once(lambda _: use_case.create(merchant=slot.merchant, request=request, actor="customer"))
    assert Customer.objects.count() == 1
    assert Booking.objects.filter(state=BookingState.HELD).count() == CROWD


def test_a_form_sent_eight_times_at_once_books_once() -> None:
    slot = SlotFactory.create(capacity=CROWD)
    menu = MenuFactory.create(merchant=slot.merchant)
    request = request_for(slot, menu=menu)
    token = uuid.uuid4()
    bookings = at_once(
        lambda _: use_case.create(
            merchant=slot.merchant, request=request, actor="customer", idempotency_token=token
        )
    )
    assert len({booking.pk for booking in bookings}) == 1
    assert Booking.objects.count() == 1


def test_a_form_sent_eight_times_at_once_for_the_last_place_gets_it() -> None:
    slot = SlotFactory.create(capacity=1)
    menu = MenuFactory.create(merchant=slot.merchant)
    request = request_for(slot, menu=menu)
    token = uuid.uuid4()
    bookings = at_once(
        lambda _: use_case.create(
            merchant=slot.merchant, request=request, actor="customer", idempotency_token=token
        )
    )
    assert len({booking.pk for booking in bookings}) == 1


def test_late_payments_for_one_free_place_confirm_one_booking() -> None:
    slot = SlotFactory.create(capacity=CROWD)
    late = [booked(slot=slot, email=f"late{number}@example.com") for number in range(CROWD)]
    for booking in late:
        with transaction.atomic():
            lifecycle.expire(booking, actor="system")
    slot.capacity = 1
    slot.save()

    def confirm(number: int) -> bool:
        with transaction.atomic():
            booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=late[number].pk)
            try:
                return lifecycle.confirm(booking, actor="stripe")
            except NoCapacity:
                return False

    assert sum(at_once(confirm)) == 1
    assert Booking.objects.filter(state=BookingState.CONFIRMED).count() == 1
