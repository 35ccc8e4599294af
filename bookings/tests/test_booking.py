import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from bookings import agreement, codes, legal
from bookings import booking as use_case
from bookings.errors import InvalidRequest, SlotTaken
from bookings.models import Booking, BookingState, Instalment, LineKind, Per, PriceLine, Purpose
from bookings.plan import PlanPolicy
from bookings.tests.factories import (
    AddOnFactory,
    CustomerFactory,
    MenuFactory,
    MerchantFactory,
    SlotFactory,
    TaxRateFactory,
    TravelFeeFactory,
    booked,
    request_for,
)
from core import clock
from customers.models import Customer, Merchant

pytestmark = pytest.mark.django_db


class House:
    """A merchant with a menu, two add-ons, a tax and a slot."""

    def __init__(self, **settings: Any) -> None:
        self.merchant: Merchant = MerchantFactory.create(**settings)
        self.menu = MenuFactory.create(merchant=self.merchant, name="Classic")
        self.rice = AddOnFactory.create(merchant=self.merchant, name="Fried rice", price_minor=500)
        self.sake = AddOnFactory.create(merchant=self.merchant, name="Sake", per=Per.UNIT, price_minor=1_250)
        TaxRateFactory.create(merchant=self.merchant)
        TravelFeeFactory.create(merchant=self.merchant)
        self.slot = SlotFactory.create(merchant=self.merchant)

    def book(self, *, token: uuid.UUID | None = None, **changes: Any) -> Booking:
        request = request_for(self.slot, menu=self.menu, **changes)
        return use_case.create(
            merchant=self.merchant, request=request, actor="customer", idempotency_token=token
        )


@pytest.fixture
def house() -> House:
    return House()


def nothing_stored() -> bool:
    return not any(model.objects.exists() for model in (Booking, Customer, PriceLine, Instalment))


def test_a_booking_is_held_with_lines_plan_and_agreement(house: House) -> None:
    before = clock.now()
    booking = house.book(add_ons={house.rice.pk: 1, house.sake.pk: 4})
    booking.refresh_from_db()

    assert booking.state == BookingState.HELD
    assert codes.is_valid(booking.code)
    assert booking.hold_expires_at is not None
    assert before + timedelta(minutes=45) <= booking.hold_expires_at <= clock.now() + timedelta(minutes=45)
    assert [(line.position, line.kind, line.quantity, line.amount_minor) for line in booking.lines.all()] == [
        (1, LineKind.MENU_ADULT, 10, 60_000),
        (2, LineKind.MENU_CHILD, 2, 6_000),
        (3, LineKind.ADD_ON, 12, 6_000),
        (4, LineKind.ADD_ON, 4, 5_000),
        (5, LineKind.TRAVEL, 1, 4_000),
        (6, LineKind.TAX, 1, 6_738),  # 8.75 % of 770.00 is 67.375
    ]
    assert (booking.total_minor, booking.tax_minor) == (87_738, 6_738)
    assert {(row.add_on, row.quantity) for row in booking.add_ons.all()} == {(house.rice, 1), (house.sake, 4)}
    due = booking.event_date - timedelta(days=7)
    assert [(i.position, i.purpose, i.amount_minor, i.due_on) for i in booking.instalments.all()] == [
        (1, Purpose.DEPOSIT, 10_000, None),
        (2, Purpose.BALANCE, 77_738, due),
    ]
    assert (booking.terms_version, booking.terms_accepted_at is not None) == ("1", True)


def test_the_steps_are_logged_with_their_actor(house: House) -> None:
    changes = house.book().changes.all()
    assert [(c.from_state, c.to_state, c.actor) for c in changes] == [("draft", "held", "customer")]


def test_what_was_agreed_outlives_the_merchants_settings(house: House) -> None:
    booking = house.book()
    Merchant.objects.update(deposit_minor=1, balance_due_days=1, card_fee_rate=0, cancellation_policy=[])
    booking.refresh_from_db()
    assert agreement.plan_policy(booking) == PlanPolicy(10_000, 7, 50)
    assert agreement.method_fee_rate(booking, method="card") == Decimal("0.08")
    assert agreement.method_fee_rate(booking, method="credit") == 0
    assert agreement.tax_rates(booking) == (("Sales tax", Decimal("0.087500")),)
    assert booking.agreement["cancellation_policy"][1] == {"days_before": 7, "refund_percent": 50}
    assert booking.agreement["terms_version"] == "1"
    assert booking.agreement["fee_presentation"] == "discount"


def test_an_event_within_the_week_is_paid_at_once(house: House) -> None:
    house.slot = SlotFactory.create(merchant=house.merchant, starts_at=clock.now() + timedelta(days=3))
    (part,) = house.book().instalments.all()
    assert (part.purpose, part.due_on) == (Purpose.FULL, None)


def test_the_event_is_taxed_and_planned_on_its_day_where_it_takes_place(house: House) -> None:
    booking = house.book()
    assert booking.timezone == "America/Los_Angeles"
    assert booking.event_date == booking.local(house.slot.starts_at).date()
    assert booking.event_date != house.slot.starts_at.date()  # 02:00 UTC is the evening before


def test_a_known_customer_keeps_name_and_phone_but_the_booking_has_its_own(house: House) -> None:
    known = CustomerFactory.create(merchant=house.merchant, email="ada@example.com", name="Ada Known")
    booking = house.book(email=" ADA@Example.com ", name="Somebody Else", phone="415 555 2671")
    known.refresh_from_db()
    assert booking.customer == known
    assert (known.name, str(known.phone)) == ("Ada Known", "")
    assert (booking.contact_name, booking.contact_email) == ("Somebody Else", "ada@example.com")
    assert booking.contact_phone.as_e164 == "+14155552671"


def test_the_same_address_at_another_merchant_is_another_customer(house: House) -> None:
    other = CustomerFactory.create(email="ada@example.com")
    assert house.book().customer != other
    assert Customer.objects.count() == 2


def test_what_was_typed_is_tidied(house: House) -> None:
    booking = house.book(
        name="  Ada\t\x00 Example ", city="San\nFrancisco", notes=" Two dogs\n\x00Bell is broken "
    )
    assert booking.contact_name == "Ada Example"
    assert booking.city == "San Francisco"
    assert booking.customer_notes == "Two dogs\nBell is broken"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"adults": 0, "children": 0}, "adults"),
        ({"adults": 201}, "adults"),
        ({"children": -1}, "children"),
        ({"menu_id": 0}, "menu_id"),
        ({"add_ons": {0: 1}}, "add_ons"),
        ({"postal_code": "nowhere"}, "postal_code"),
        ({"terms_accepted": False}, "terms_accepted"),
        ({"email": "ada"}, "email"),
        ({"email": ""}, "email"),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
        ({"name": " \x00 "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"street": ""}, "street"),
        ({"city": "x" * 81}, "city"),
        ({"region": "x" * 41}, "region"),
        ({"phone": "12"}, "phone"),
        ({"phone": "call me"}, "phone"),
        ({"notes": "x" * 2_001}, "notes"),
        ({"slot_public_id": uuid.uuid4()}, "slot_public_id"),
    ],
)
def test_a_refused_request_names_the_field_and_stores_nothing(
    house: House, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        house.book(**changes)
    assert list(caught.value.fields) == [field]
    assert nothing_stored()


def test_every_problem_is_told_at_once(house: House) -> None:
    with pytest.raises(InvalidRequest) as caught:
        house.book(name="", adults=0, children=0, terms_accepted=False, slot_public_id=uuid.uuid4())
    assert set(caught.value.fields) == {"name", "adults", "terms_accepted", "slot_public_id"}


def test_past_closed_and_foreign_times_cannot_be_booked(house: House) -> None:
    past = SlotFactory.create(merchant=house.merchant, starts_at=clock.now() - timedelta(minutes=1))
    closed = SlotFactory.create(
        merchant=house.merchant, is_open=False, starts_at=clock.now() + timedelta(days=2)
    )
    for slot in (past, closed, SlotFactory.create()):
        with pytest.raises(InvalidRequest) as caught:
            house.book(slot_public_id=slot.public_id)
        assert caught.value.fields == {
            "slot_public_id": "That time is no longer offered. Please choose another one."
        }
    assert nothing_stored()


def test_a_full_time_is_refused_and_nothing_is_stored_of_the_second(house: House) -> None:
    house.book()
    with pytest.raises(SlotTaken):
        house.book(email="second@example.com")
    assert Booking.objects.count() == 1
    assert Customer.objects.count() == 1
    assert PriceLine.objects.values("booking").distinct().count() == 1


def test_sending_the_form_twice_books_once(house: House) -> None:
    token = uuid.uuid4()
    first = house.book(token=token)
    again = house.book(token=token, name="  Ada   Example ")
    assert again == first
    assert Booking.objects.count() == 1


def test_a_form_changed_and_sent_again_is_another_booking(house: House) -> None:
    house.slot = SlotFactory.create(
        merchant=house.merchant, capacity=2, starts_at=clock.now() + timedelta(days=9)
    )
    token = uuid.uuid4()
    first = house.book(token=token)
    second = house.book(token=token, adults=11)
    assert second != first
    assert house.book(token=token, adults=11) == second


def test_a_token_of_another_merchant_opens_nothing(house: House) -> None:
    token = uuid.uuid4()
    booking = house.book(token=token)
    other = House()
    assert other.book(token=token).merchant == other.merchant != booking.merchant


def test_a_code_that_is_taken_is_drawn_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = booked().code
    fresh = codes.new()
    draws = iter([taken, taken, fresh])
    monkeypatch.setattr(codes, "new", lambda: next(draws))
    assert house.book().code == fresh
    assert Booking.objects.count() == 2


def test_a_free_event_is_confirmed_at_once() -> None:
    house = House()
    house.merchant.travel_fees.all().delete()
    house.menu.adult_price_minor = house.menu.child_price_minor = 0
    house.menu.save()
    booking = house.book()
    assert (booking.total_minor, booking.state) == (0, BookingState.CONFIRMED)
    assert not booking.instalments.exists()


def test_a_currency_without_decimals_is_booked_in_whole_units() -> None:
    booking = House(currency="jpy", deposit_minor=10_000).book()
    assert booking.currency == "jpy"
    assert booking.total_minor == sum(line.amount_minor for line in booking.lines.all())


def test_the_number_of_queries_is_constant(house: House, django_assert_num_queries: Any) -> None:
    request = request_for(house.slot, menu=house.menu, add_ons={house.rice.pk: 1, house.sake.pk: 4})
    request = replace(request, email="new@example.com")
    legal.current(house.merchant)
    # 1 token, 1 slot, 4 catalogue, savepoints, customer, texts, booking, lines, add-ons, plan, lock, count, state, log.
    with django_assert_num_queries(26):
        use_case.create(
            merchant=house.merchant, request=request, actor="customer", idempotency_token=uuid.uuid4()
        )


def test_the_hold_lasts_as_long_as_the_merchant_says() -> None:
    with time_machine.travel(clock.now(), tick=False):
        booking = House(hold_minutes=20).book()
        assert booking.hold_expires_at == clock.now() + timedelta(minutes=20)
