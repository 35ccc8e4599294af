from datetime import date, timedelta

import pytest

from bookings import booking, catalogue, demo, pricing, slots
from bookings.models import AddOn, Booking, Menu, Per, Slot
from bookings.tests.factories import MerchantFactory, request_for
from core import clock
from customers.models import Merchant

pytestmark = pytest.mark.django_db


def test_the_demonstration_can_be_booked_at_once() -> None:
    merchant = demo.prepare()
    menu = merchant.menus.get(name="Classic Hibachi")
    free = slots.free(merchant=merchant, limit=1)[0]
    request = request_for(Slot.objects.get(public_id=free.public_id), menu=menu)
    made = booking.create(merchant=merchant, request=request, actor="customer")
    assert made.total_minor == 71_775  # 660.00 and 8.75 % tax; the city pays no travel
    assert Booking.objects.count() == 1


def test_it_has_menus_add_ons_of_every_kind_tax_and_travel_by_place() -> None:
    merchant = demo.prepare()
    assert merchant.is_default
    assert merchant.menus.count() == 3
    assert set(merchant.addons.values_list("per", flat=True)) == set(Per.values)
    assert merchant.addons.count() == 6
    menu = merchant.menus.first()
    assert menu is not None
    fees = [
        catalogue.inputs(
            merchant=merchant,
            menu_id=menu.pk,
            adults=10,
            children=0,
            add_ons={},
            postal_code=place,
            event_date=date(2027, 5, 1),
        ).travel_minor
        for place in ("94110", "94609", "95616", "10001")
    ]
    assert fees == [0, 4_000, 7_500, 7_500]


def test_every_day_of_the_next_ninety_has_an_evening_and_weekends_two_times() -> None:
    merchant = demo.prepare()
    free = slots.free(merchant=merchant, limit=1_000)
    today = clock.today(merchant.timezone)
    per_day: dict[date, int] = {}
    for slot in free:
        per_day[slot.starts_at.date()] = per_day.get(slot.starts_at.date(), 0) + 1
    assert sorted(per_day) == [today + timedelta(days=n) for n in range(1, 91)]
    assert all(count == (2 if day.weekday() >= 5 else 1) for day, count in per_day.items())


def test_running_it_again_adds_nothing_and_keeps_what_staff_changed() -> None:
    merchant = demo.prepare()
    Menu.objects.filter(name="Garden").update(adult_price_minor=1)
    Merchant.objects.update(minimum_spend_minor=5)
    before = [model.objects.count() for model in (Merchant, Menu, AddOn, Slot)]
    assert demo.prepare() == merchant
    assert [model.objects.count() for model in (Merchant, Menu, AddOn, Slot)] == before
    assert Menu.objects.get(name="Garden").adult_price_minor == 1
    assert Merchant.objects.get().minimum_spend_minor == 5


def test_it_leaves_the_default_merchant_in_its_place() -> None:
    own = MerchantFactory.create(is_default=True)
    assert not demo.prepare().is_default
    own.refresh_from_db()
    assert own.is_default


def test_its_prices_come_out_of_the_price_function_without_rounding_surprises() -> None:
    merchant = demo.prepare()
    for menu in merchant.menus.all():
        inputs = catalogue.inputs(
            merchant=merchant,
            menu_id=menu.pk,
            adults=25,
            children=8,
            add_ons={row.pk: 1 for row in merchant.addons.all()},
            postal_code="94110",
            event_date=date(2027, 5, 1),
        )
        price = pricing.price(inputs)
        assert sum(line.amount_minor for line in price.lines) == price.total_minor > 0
