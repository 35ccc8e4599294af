"""Bookings over HTTP: made by a stranger's frontend, opened by its token, seen by the merchant's staff alone."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import override_settings
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from bookings import access
from bookings.models import Booking
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from core.models import IdempotencyRecord
from customers.models import Customer, Membership
from payments.tests.api_world import book, holder_of, later_slot, staff_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True)


@pytest.fixture
def client():
    return APIClient()


def test_a_stranger_books_and_the_token_opens_the_booking(client, merchant):
    answer = book(client, merchant)
    assert answer.status_code == 201
    body = answer.json()
    assert body["state"] == "held"
    assert body["total"] == {"amount": 66_000, "currency": "usd"}
    assert body["paid"] == {"amount": 0, "currency": "usd"}
    assert [part["purpose"] for part in body["plan"]] == ["deposit", "balance"]
    assert [line["kind"] for line in body["lines"]] == ["menu_adult", "menu_child"]
    assert body["contact"] == {"name": "Ada Example", "email": "ada@example.com", "phone": "+14155552671"}
    opened = APIClient(headers={"Authorization": f"Booking {body['access_token']}"})
    again = opened.get(f"/api/v1/bookings/{body['code']}").json()
    assert again == {name: value for name, value in body.items() if name != "access_token"}


def test_the_log_says_that_the_customer_booked_or_which_of_the_staff(client, merchant):
    by_customer = Booking.objects.get(code=book(client, merchant).json()["code"])
    slot = later_slot(merchant)
    staff = staff_of(merchant)
    by_staff = Booking.objects.get(code=book(staff, merchant, slot=str(slot.public_id)).json()["code"])
    assert by_customer.changes.get().actor == "customer"
    assert by_staff.changes.get().actor.startswith("user:")


def test_a_code_is_found_as_people_type_it(merchant):
    booking = booked(merchant=merchant)
    typed = f"{booking.code[:4]}-{booking.code[4:]}".lower()
    assert holder_of(booking).get(f"/api/v1/bookings/{typed}").json()["code"] == booking.code


def test_a_repeated_request_books_once_and_answers_alike(client, merchant):
    key = str(uuid.uuid4())
    first, second = book(client, merchant, key=key), book(client, merchant, key=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replayed"] == "true"
    tokens = [answer.json().pop("access_token") for answer in (first, second)]
    assert access.verify(tokens[1]) == Booking.objects.get()
    assert first.json()["code"] == second.json()["code"]
    assert tokens[0] not in str(IdempotencyRecord.objects.values())


def test_when_the_stored_answer_is_lost_the_key_still_books_once(client, merchant):
    key = str(uuid.uuid4())
    first = book(client, merchant, key=key).json()
    IdempotencyRecord.objects.all().delete()
    assert book(client, merchant, key=key).json()["code"] == first["code"]
    assert Booking.objects.count() == 1


def test_amounts_in_the_body_change_nothing(client, merchant):
    body = book(client, merchant, total=1, total_minor=1, amount={"amount": 1, "currency": "usd"}).json()
    assert body["total"]["amount"] == 66_000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"terms_accepted": False}, "terms_accepted"),
        ({"adults": 0, "children": 0}, "adults"),
        ({"menu": 10**12}, "menu"),
        ({"slot": str(uuid.uuid4())}, "slot"),
        ({"postal_code": "x"}, "postal_code"),
        ({"phone": "12"}, "phone"),
        ({"street": "\x00"}, "street"),
        ({"notes": "n" * 2001}, "notes"),
        ({"name": ["Ada"]}, "name"),
    ],
)
def test_a_request_that_cannot_be_accepted_is_told_by_field_and_stores_nothing(
    client, merchant, changes, field
):
    answer = book(client, merchant, **changes)
    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert (Booking.objects.count(), Customer.objects.count()) == (0, 0)


def test_a_taken_time_is_a_conflict(client, merchant):
    booked(slot=later_slot(merchant))
    answer = book(client, merchant)
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert Booking.objects.count() == 1


def test_booking_again_and_again_is_throttled(client, merchant, monkeypatch):
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "booking": "1/min"}
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", rates)
    SlotFactory.create(merchant=merchant, capacity=5)
    assert [book(client, merchant).status_code for _ in range(2)] == [201, 429]
    assert Booking.objects.count() == 1
    assert client.get("/api/v1/bookings").status_code == 401


@pytest.mark.parametrize(
    "who", ["nobody", "another customer", "another merchant's staff", "a superuser", "no member"]
)
@pytest.mark.parametrize("tail", ["", "/payments"])
def test_for_a_stranger_a_booking_does_not_exist(merchant, who, tail):
    booking = booked(merchant=merchant)
    other = MerchantFactory.create()
    client = {
        "nobody": APIClient,
        "another customer": lambda: holder_of(booked(merchant=merchant, slot=later_slot(merchant))),
        "another merchant's staff": lambda: staff_of(other, role="owner"),
        "a superuser": lambda: staff_of(None, is_superuser=True),
        "no member": lambda: staff_of(None),
    }[who]()
    answer = client.get(f"/api/v1/bookings/{booking.code}{tail}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json() == client.get(f"/api/v1/bookings/00000000{tail}").json()


@pytest.mark.parametrize("token", ["", "x", "AAAA.BBBB.CCCC", "é"])
def test_a_forged_token_opens_nothing(merchant, token):
    booking = booked(merchant=merchant)
    client = APIClient(headers={"Authorization": f"Booking {token}"})
    answer = client.get(f"/api/v1/bookings/{booking.code}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Booking"


def test_an_old_token_opens_nothing(merchant):
    booking = booked(merchant=merchant)
    client = holder_of(booking)
    with override_settings(BOOKING_LINK_DAYS=-1):
        assert client.get(f"/api/v1/bookings/{booking.code}").status_code == 401


def test_a_list_is_for_those_who_may_see_something(client, merchant):
    mine = booked(merchant=merchant)
    booked(merchant=merchant, slot=later_slot(merchant))
    booked()
    assert client.get("/api/v1/bookings").status_code == 401
    assert staff_of(None, is_superuser=True).get("/api/v1/bookings").status_code == 403
    assert [one["code"] for one in holder_of(mine).get("/api/v1/bookings").json()["results"]] == [mine.code]
    seen = staff_of(merchant, role="viewer").get("/api/v1/bookings").json()["results"]
    assert len(seen) == 2
    assert {one["code"] for one in seen} == set(
        Booking.objects.filter(merchant=merchant).values_list("code", flat=True)
    )


def test_a_list_is_filtered_and_paged_newest_first(merchant):
    slot = SlotFactory.create(merchant=merchant, capacity=9)
    made = [booked(merchant=merchant, slot=slot, email=f"guest{number}@example.com") for number in range(5)]
    client = staff_of(merchant)
    first = client.get("/api/v1/bookings", {"limit": 2}).json()
    assert [one["code"] for one in first["results"]] == [made[4].code, made[3].code]
    second = client.get(first["next"]).json()
    assert [one["code"] for one in second["results"]] == [made[2].code, made[1].code]
    assert client.get(second["previous"]).json()["results"] == first["results"]
    by_mail = client.get("/api/v1/bookings", {"email": "GUEST3@example.com"}).json()["results"]
    assert [one["code"] for one in by_mail] == [made[3].code]
    assert client.get("/api/v1/bookings", {"state": "confirmed"}).json()["results"] == []
    assert client.get("/api/v1/bookings", {"event_before": "2001-01-01T00:00:00Z"}).json()["results"] == []
    assert client.get("/api/v1/bookings", {"state": "lost"}).status_code == 422


def test_a_list_costs_the_same_sql_for_one_booking_and_for_many(merchant, django_assert_num_queries):
    client = staff_of(merchant)
    slot = SlotFactory.create(merchant=merchant, capacity=9)
    booked(merchant=merchant, slot=slot)
    client.get("/api/v1/bookings")
    with django_assert_num_queries(5):
        client.get("/api/v1/bookings")
    for number in range(6):
        booked(merchant=merchant, slot=slot, email=f"guest{number}@example.com")
    with django_assert_num_queries(5):
        assert len(client.get("/api/v1/bookings").json()["results"]) == 7


def test_staff_need_a_csrf_token_to_book_by_session(merchant):
    person = User.objects.create_user("clerk", is_staff=True)
    Membership.objects.create(user=person, merchant=merchant, role="clerk")
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(person)
    assert book(client, merchant).status_code == 403
    assert not Booking.objects.exists()
