"""A booking changed over the API: what moves no money, what changes the price, and what has a way of its own."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from bookings.models import Booking, BookingState
from bookings.tests.factories import AddOnFactory, MerchantFactory, SlotFactory, booked
from core import clock
from payments.tests.api_world import holder_of, later_slot, staff_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True)


@pytest.fixture
def booking(merchant):
    return booked(merchant=merchant)


def usd(amount):
    return {"amount": amount, "currency": "usd"}


def whole(booking, **changes):
    return {
        "adults": booking.adults,
        "children": booking.children,
        "menu": booking.menu_id,
        "add_ons": [],
        "street": booking.street,
        "city": booking.city,
        "region": booking.region,
        "postal_code": booking.postal_code,
        "name": booking.contact_name,
        "email": booking.contact_email,
        "phone": str(booking.contact_phone),
        "notes": booking.customer_notes,
        "slot": str(booking.slot.public_id),
        **changes,
    }


def change(client, booking, **body):
    return client.patch(f"/api/v1/bookings/{booking.code}", body, format="json")


def stored(booking):
    row = Booking.objects.filter(pk=booking.pk).values().get()
    return row, list(booking.lines.values()), list(booking.instalments.values())


def test_contact_address_and_notes_change_and_the_price_stays(booking):
    answer = change(
        holder_of(booking),
        booking,
        name="  Grace   Sample ",
        street="2 Sample Street",
        phone="(415) 555-2672",
        notes="Nuts",
    )
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert body["contact"] == {"name": "Grace Sample", "email": "ada@example.com", "phone": "+14155552672"}
    assert (body["address"]["street"], body["notes"], body["total"]) == (
        "2 Sample Street",
        "Nuts",
        usd(66_000),
    )
    again = change(holder_of(booking), booking, name="Grace Sample")
    assert again.json() == body


def test_a_put_names_everything_and_says_what_it_misses(booking):
    client = holder_of(booking)
    answer = client.put(f"/api/v1/bookings/{booking.code}", whole(booking, city="Oakland"), format="json")
    assert (answer.status_code, answer.json()["address"]["city"]) == (200, "Oakland")
    missing = client.put(f"/api/v1/bookings/{booking.code}", {"city": "Oakland"}, format="json")
    assert missing.status_code == 422
    assert {"adults", "menu", "name"} <= {one["field"] for one in missing.json()["errors"]}


def test_a_new_price_is_told_first_and_stored_when_it_was_agreed_to(booking):
    client = holder_of(booking)
    before = stored(booking)
    told = change(client, booking, adults=12, notes="Two more")
    assert (told.status_code, told.json()["code"]) == (422, "changes_price")
    assert (told.json()["total"], told.json()["before"], told.json()["credit"]) == (
        usd(78_000),
        usd(66_000),
        usd(0),
    )
    assert stored(booking) == before

    done = change(client, booking, adults=12, notes="Two more", expected_total=told.json()["total"])
    assert (done.status_code, done.json()["total"], done.json()["notes"]) == (200, usd(78_000), "Two more")
    assert sum(part["amount"]["amount"] for part in done.json()["plan"]) == 78_000
    again = change(client, booking, adults=12, expected_total=usd(78_000))
    assert (again.status_code, again.json()["total"]) == (200, usd(78_000))
    assert booking.edits.count() == 1


@pytest.mark.parametrize(
    "expected", [usd(1), 1, {"amount": 78_000, "currency": "eur"}, "78000", None, [78_000]]
)
def test_another_price_than_ours_changes_nothing(booking, expected):
    before = stored(booking)
    answer = change(holder_of(booking), booking, adults=12, expected_total=expected)
    assert answer.json()["code"] in ("price_changed", "changes_price", "invalid")
    assert answer.status_code in (409, 422)
    assert stored(booking) == before


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"slot": "later"}, "not_editable", "slot"),
        ({"postal_code": "94612"}, "not_editable", "postal_code"),
        ({"email": "other@example.com"}, "not_editable", "email"),
        ({"postal_code": "?"}, "invalid_booking", "postal_code"),
        ({"phone": "12"}, "invalid_booking", "phone"),
        ({"name": " "}, "invalid", "name"),
        ({"name": "x" * 300}, "invalid_booking", "name"),
        ({"menu": 10**12}, "invalid_booking", "menu"),
        ({"adults": 0, "children": 0}, "invalid_booking", "adults"),
        ({"add_ons": [{"id": 10**12}]}, "invalid_booking", "add_ons"),
    ],
)
def test_what_cannot_be_changed_here_is_told_by_field_and_stores_nothing(
    merchant, booking, body, code, field
):
    if "slot" in body:
        body = {"slot": str(later_slot(merchant).public_id)}
    before = stored(booking)
    answer = change(holder_of(booking), booking, notes="not stored either", **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.json()
    assert field in {one["field"] for one in answer.json()["errors"]}
    assert stored(booking) == before


def test_staff_change_an_address_and_add_ons(merchant, booking):
    add_on = AddOnFactory.create(merchant=merchant, price_minor=500)
    client = staff_of(merchant, role="clerk")
    told = change(client, booking, email="new@example.com", add_ons=[{"id": add_on.pk}]).json()
    done = change(
        client, booking, email="new@example.com", add_ons=[{"id": add_on.pk}], expected_total=told["total"]
    ).json()
    assert (done["contact"]["email"], done["add_ons"][0]["id"]) == ("new@example.com", add_on.pk)


def test_an_ended_booking_stays_as_it_is(booking):
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.CANCELLED)
    before = stored(booking)
    answer = change(holder_of(booking), booking, notes="late")
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_ended")
    assert stored(booking) == before


def test_bookings_are_found_by_code_customer_and_what_changed_since(merchant):
    slot = SlotFactory.create(merchant=merchant, capacity=9)
    old, new = (
        booked(merchant=merchant, slot=slot, email=f"guest{number}@example.com") for number in range(2)
    )
    long_ago = clock.now() - timedelta(days=9)
    Booking.objects.filter(pk=old.pk).update(created_at=long_ago)
    client = staff_of(merchant)

    def codes(**query):
        return [one["code"] for one in client.get("/api/v1/bookings", query).json()["results"]]

    assert codes(code=old.code.lower()) == [old.code]
    assert codes(code="no code") == []
    assert codes(customer=str(new.customer.public_id)) == [new.code]
    assert codes(updated_since=(clock.now() + timedelta(minutes=1)).isoformat()) == []
    assert codes(updated_since=(clock.now() - timedelta(minutes=1)).isoformat()) == [new.code, old.code]
