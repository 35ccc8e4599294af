"""The API before a booking exists: catalogue, times and price preview, at HTTP."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from bookings.models import Booking, Per
from bookings.tests.factories import (
    AddOnFactory,
    MenuFactory,
    MerchantFactory,
    SlotFactory,
    TaxRateFactory,
    TravelFeeFactory,
    booked,
)
from core import clock
from customers.models import Merchant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True, zelle_contact="pay@ember.example", venmo_handle="ember")


@pytest.fixture
def client():
    return APIClient()


def usd(amount):
    return {"amount": amount, "currency": "usd"}


def ask(client, merchant, **changes):
    menu = merchant.menus.first() or MenuFactory.create(merchant=merchant, adult_price_minor=10_000)
    slot = merchant.slots.first() or SlotFactory.create(merchant=merchant)
    body = {"menu": menu.pk, "adults": 10, "children": 0, "postal_code": "94110", "slot": str(slot.public_id)}
    body = {name: value for name, value in {**body, **changes}.items() if value is not None}
    return client.post("/api/v1/bookings/price", body, format="json")


def test_the_catalogue_lists_what_can_be_booked_here(client, merchant):
    menu = MenuFactory.create(merchant=merchant)
    add_on = AddOnFactory.create(merchant=merchant)
    MenuFactory.create(merchant=merchant, is_active=False)
    MenuFactory.create()
    body = client.get("/api/v1/catalogue").json()
    assert [(one["id"], one["adult_price"]) for one in body["menus"]] == [(menu.pk, usd(6000))]
    assert [(one["id"], one["per"], one["price"]) for one in body["add_ons"]] == [
        (add_on.pk, "guest", usd(500))
    ]
    assert (body["currency"], body["timezone"], body["terms_version"]) == ("usd", merchant.timezone, "1")


def test_the_host_decides_whose_catalogue_it_is(client, merchant, settings):
    settings.ALLOWED_HOSTS = ["*"]
    other = MerchantFactory.create(host="other.example")
    assert client.get("/api/v1/catalogue", headers={"host": "other.example"}).json()["merchant"] == other.name
    assert client.get("/api/v1/catalogue").json()["merchant"] == merchant.name


def test_without_any_merchant_the_answer_is_a_problem_document(client):
    answer = client.get("/api/v1/catalogue")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_slots_are_the_free_times_of_the_day(client, merchant):
    slot = SlotFactory.create(merchant=merchant, capacity=2)
    booked(slot=slot)
    full = SlotFactory.create(merchant=merchant, starts_at=slot.starts_at + timedelta(hours=4))
    booked(slot=full, email="second@example.com")
    SlotFactory.create()
    local_day = (slot.starts_at - timedelta(hours=8)).date()
    [found] = client.get("/api/v1/slots", {"date": local_day.isoformat()}).json()["results"]
    assert (found["id"], found["places"]) == (str(slot.public_id), 1)
    assert found["starts_at"].startswith(local_day.isoformat())
    assert client.get("/api/v1/slots", {"date": "2001-01-01"}).json() == {"results": []}
    assert len(client.get("/api/v1/slots").json()["results"]) == 1


@pytest.mark.parametrize("day", ["tomorrow", "9999-12-31", "0001-01-01"])
def test_a_date_that_is_none_is_refused(client, merchant, day):
    answer = client.get(f"/api/v1/slots?date={day}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "date"


def test_slots_cost_the_same_sql_however_many(client, merchant, django_assert_num_queries):
    for hours in range(10):
        SlotFactory.create(merchant=merchant, starts_at=clock.now() + timedelta(days=9, hours=4 * hours))
    with django_assert_num_queries(2):
        assert len(client.get("/api/v1/slots").json()["results"]) == 10


def test_a_price_has_lines_tax_plan_and_the_total_of_each_method(client, merchant):
    TaxRateFactory.create(merchant=merchant)
    answer = ask(client, merchant)
    assert answer.status_code == 200
    body = answer.json()
    assert [(line["kind"], line["quantity"], line["amount"]) for line in body["lines"]] == [
        ("menu_adult", 10, usd(100_000)),
        ("tax", 1, usd(8_750)),
    ]
    assert (body["subtotal"], body["tax"], body["total"]) == (usd(100_000), usd(8_750), usd(108_750))
    assert [(part["purpose"], part["amount"]) for part in body["plan"]] == [
        ("deposit", usd(10_000)),
        ("balance", usd(98_750)),
    ]
    assert body["plan"][0]["due_on"] is None
    assert body["plan"][1]["due_on"]
    methods = {one["method"]: one for one in body["methods"]}
    assert methods["card"]["fee"] == usd(8_700)
    assert methods["card"]["total"] == usd(117_450)
    assert methods["zelle"]["total"] == usd(108_750)
    assert methods["venmo"]["saving"] == usd(117_450 - 112_013)
    assert body["zelle_saving"] == usd(8_700)
    assert not Booking.objects.exists()


def test_a_price_offers_no_transfer_that_the_caterer_does_not_take(client, merchant):
    Merchant.objects.filter(pk=merchant.pk).update(zelle_contact="")
    body = ask(client, merchant).json()
    methods = {one["method"] for one in body["methods"]}
    assert "zelle" not in methods
    assert {"card", "venmo"} <= methods
    assert body["zelle_saving"] == usd(0)


def test_a_price_counts_add_ons_and_travel(client, merchant):
    TravelFeeFactory.create(merchant=merchant)
    per_unit = AddOnFactory.create(merchant=merchant, per=Per.UNIT, price_minor=1_500, name="Sake")
    body = ask(client, merchant, add_ons=[{"id": per_unit.pk, "quantity": 3}]).json()
    assert [(line["description"], line["amount"]["amount"]) for line in body["lines"][1:]] == [
        ("Sake", 4_500),
        ("Travel", 4_000),
    ]


def test_before_a_time_is_chosen_the_day_is_enough(client, merchant):
    day = clock.today(merchant.timezone) + timedelta(days=2)
    body = ask(client, merchant, slot=None, date=day.isoformat()).json()
    assert [part["purpose"] for part in body["plan"]] == ["full"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"menu": 999_999}, "menu"),
        ({"menu": None}, "menu"),
        ({"adults": -1}, "adults"),
        ({"adults": 0}, "adults"),
        ({"adults": 201}, "adults"),
        ({"adults": 10**30}, "adults"),
        ({"adults": 1.5}, "adults"),
        ({"postal_code": "?"}, "postal_code"),
        ({"add_ons": [{"id": 1}]}, "add_ons"),
        ({"add_ons": [{"id": 1}, {"id": 1}]}, "add_ons"),
        ({"add_ons": [{"id": n + 1} for n in range(101)]}, "add_ons"),
        ({"add_ons": "all"}, "add_ons"),
        ({"slot": "not-a-uuid"}, "slot"),
        ({"slot": "00000000-0000-4000-8000-000000000000"}, "slot"),
        ({"slot": None, "date": "2001-01-01"}, "date"),
        ({"slot": None}, ""),
        ({"date": "2030-01-01"}, ""),
    ],
)
def test_what_cannot_be_priced_is_refused_by_field(client, merchant, changes, field):
    answer = ask(client, merchant, **changes)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert field in {error["field"].split(".")[0] for error in answer.json()["errors"]}


def test_another_merchants_menu_and_time_do_not_exist_here(client, merchant):
    assert ask(client, merchant, menu=MenuFactory.create().pk).status_code == 422
    assert ask(client, merchant, slot=str(SlotFactory.create().public_id)).status_code == 422


def test_a_price_costs_five_queries(client, merchant, django_assert_num_queries):
    ask(client, merchant)
    with django_assert_num_queries(5 + 2):  # two are this test's own: menu and time
        assert ask(client, merchant).status_code == 200


def test_too_many_questions_are_throttled(client, merchant, monkeypatch):
    monkeypatch.setattr(
        ScopedRateThrottle, "THROTTLE_RATES", {**api_settings.DEFAULT_THROTTLE_RATES, "price": "2/min"}
    )
    assert [ask(client, merchant).status_code for _ in range(3)] == [200, 200, 429]
    answer = ask(client, merchant)
    assert answer.json()["code"] == "throttled"
    assert int(answer["Retry-After"]) > 0


def test_a_forwarded_address_of_ones_own_making_does_not_lift_the_throttle(client, merchant, monkeypatch):
    monkeypatch.setattr(
        ScopedRateThrottle, "THROTTLE_RATES", {**api_settings.DEFAULT_THROTTLE_RATES, "price": "1/min"}
    )
    for number in range(2):
        answer = client.get("/api/v1/catalogue", headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert answer.status_code == 429
