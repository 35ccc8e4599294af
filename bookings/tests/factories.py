"""Rows for tests of this room and of those above: a merchant, its catalogue, times, and requests to book."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory

from bookings import booking as use_case
from bookings.models import AddOn, Booking, Menu, Per, Slot, TaxRate, TravelFee
from bookings.requests import BookingRequest
from core import clock
from customers.models import Customer, Merchant


class MerchantFactory(factory.django.DjangoModelFactory[Merchant]):
    class Meta:
        model = Merchant

    name = factory.Sequence(lambda n: f"Caterer {n}")
    slug = factory.Sequence(lambda n: f"caterer-{n}")
    email = factory.Sequence(lambda n: f"caterer{n}@example.com")


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    merchant = factory.SubFactory(MerchantFactory)
    email = factory.Sequence(lambda n: f"guest{n}@example.com")
    name = "Ada Example"


class MenuFactory(factory.django.DjangoModelFactory[Menu]):
    class Meta:
        model = Menu

    merchant = factory.SubFactory(MerchantFactory)
    name = factory.Sequence(lambda n: f"Menu {n}")
    adult_price_minor = 6_000
    child_price_minor = 3_000


class AddOnFactory(factory.django.DjangoModelFactory[AddOn]):
    class Meta:
        model = AddOn

    merchant = factory.SubFactory(MerchantFactory)
    name = factory.Sequence(lambda n: f"Add-on {n}")
    per = Per.GUEST
    price_minor = 500


class TaxRateFactory(factory.django.DjangoModelFactory[TaxRate]):
    class Meta:
        model = TaxRate

    merchant = factory.SubFactory(MerchantFactory)
    name = "Sales tax"
    rate = Decimal("0.0875")


class TravelFeeFactory(factory.django.DjangoModelFactory[TravelFee]):
    class Meta:
        model = TravelFee

    merchant = factory.SubFactory(MerchantFactory)
    fee_minor = 4_000


class SlotFactory(factory.django.DjangoModelFactory[Slot]):
    """18:00 to 21:00 in Los Angeles, 30 days ahead, unless told otherwise."""

    class Meta:
        model = Slot

    merchant = factory.SubFactory(MerchantFactory)
    starts_at = factory.LazyFunction(lambda: _evening(days=30))
    ends_at = factory.LazyAttribute(lambda slot: slot.starts_at + timedelta(hours=3))
    capacity = 1


def _evening(*, days: int) -> datetime:
    day = clock.now() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, 2, tzinfo=UTC)


def request_for(slot: Slot, *, menu: Menu, **changes: Any) -> BookingRequest:
    """A request that is accepted as it is: 10 adults and 2 children in 94110."""
    values: dict[str, Any] = {
        "slot_public_id": slot.public_id,
        "adults": 10,
        "children": 2,
        "menu_id": menu.pk,
        "street": "1 Sample Street",
        "city": "San Francisco",
        "region": "CA",
        "postal_code": "94110",
        "name": "Ada Example",
        "email": "ada@example.com",
        "phone": "(415) 555-2671",
        "terms_accepted": True,
    }
    return BookingRequest(**{**values, **changes})


def booked(*, merchant: Merchant | None = None, slot: Slot | None = None, **changes: Any) -> Booking:
    """A held booking, made by the use case, of 10 x 6,000 + 2 x 3,000 without tax unless the merchant has more."""
    merchant = merchant or (slot.merchant if slot else MerchantFactory.create())
    slot = slot or SlotFactory.create(merchant=merchant)
    menu = merchant.menus.first() or MenuFactory.create(merchant=merchant)
    return use_case.create(
        merchant=merchant, request=request_for(slot, menu=menu, **changes), actor="customer"
    )
