"""Customers over the API: their own row by a link's grant, staff by role and merchant, bookings' tokens none."""

import uuid

import pytest
from django.core.cache import cache
from django.test import RequestFactory
from rest_framework.test import APIClient

from bookings.tests.factories import CustomerFactory, MerchantFactory, SlotFactory, booked
from customers import sessions
from customers.models import Customer
from payments.tests.api_world import holder_of, staff_of

pytestmark = pytest.mark.django_db
POST, ME = "/api/v1/customers/create-or-update", "/api/v1/customers/me"


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True)


def browser_of(customer, **options):
    client = APIClient(**options)
    request = RequestFactory().get("/")
    request.session = client.session
    sessions.sign_in(request, customer)
    request.session.save()
    client.cookies["sessionid"] = str(request.session.session_key)
    return client


def rows():
    return list(Customer.objects.order_by("pk").values("email", "name", "phone", "merchant_id"))


def test_a_signed_in_customer_sees_and_changes_their_own_row_and_lists_their_own_bookings(merchant):
    ada = CustomerFactory.create(merchant=merchant, email="ada@example.com")
    slot = SlotFactory.create(merchant=merchant, capacity=9)
    mine = booked(merchant=merchant, slot=slot, email="ada@example.com")
    booked(merchant=merchant, slot=slot, email="other@example.com")
    client = browser_of(ada)
    assert client.get(ME).json()["email"] == "ada@example.com"
    changed = client.post(POST, {"name": "Ada Sample", "phone": "(415) 555-2671"}, format="json")
    assert (changed.status_code, changed.json()["name"], changed.json()["phone"]) == (
        200,
        "Ada Sample",
        "+14155552671",
    )
    nothing = {"credit": {"amount": 0, "currency": "usd"}}
    assert client.get(ME).json() == {**changed.json(), **nothing}
    assert [one["code"] for one in client.get("/api/v1/bookings").json()["results"]] == [mine.code]
    assert client.get(f"/api/v1/bookings/{mine.code}").status_code == 200
    assert client.get("/api/v1/payments").json()["results"] == []


def test_a_customers_browser_needs_the_csrf_token_to_write(merchant):
    ada = CustomerFactory.create(merchant=merchant)
    client = browser_of(ada, enforce_csrf_checks=True)
    before = rows()
    refused = client.post(POST, {"name": "Mallory"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert rows() == before


@pytest.mark.parametrize(
    "body", [{"email": "other@example.com"}, {"phone": "12"}, {"name": ""}, {"name": "x" * 121}]
)
def test_what_a_customer_may_not_be_stores_nothing(merchant, body):
    client = browser_of(CustomerFactory.create(merchant=merchant))
    before = rows()
    assert client.post(POST, {"phone": "", **body}, format="json").status_code == 422
    assert rows() == before


def test_a_bookings_token_and_a_sign_in_at_another_merchant_open_no_customer(merchant):
    stranger = holder_of(booked(merchant=merchant, email="ada@example.com"))
    elsewhere = browser_of(CustomerFactory.create())
    before = rows()
    assert stranger.get(ME).status_code == 403
    assert stranger.post(POST, {"name": "Mallory"}, format="json").status_code == 403
    for client in (elsewhere, APIClient()):
        assert client.get(ME).status_code == 401
        assert client.post(POST, {"name": "Mallory"}, format="json").status_code == 401
    assert rows() == before


def test_staff_make_a_customer_once_change_them_and_find_them(merchant):
    client = staff_of(merchant, role="clerk")
    body = {"email": "New@Example.com", "name": "Grace Sample"}
    key = {"Idempotency-Key": str(uuid.uuid4())}
    made = client.post(POST, body, format="json", headers=key)
    assert made.status_code == 201
    assert client.post(POST, body, format="json", headers=key).json() == made.json()
    changed = client.post(POST, {"email": "new@example.com", "phone": "(415) 555-2671"}, format="json")
    assert (changed.status_code, changed.json()["name"]) == (200, "Grace Sample")
    assert Customer.objects.count() == 1
    for query in ({"id": made.json()["id"]}, {"email": "NEW@example.com"}):
        assert client.get(ME, query).json() == {
            **changed.json(),
            "credit": {"amount": 0, "currency": "usd"},
        }
    assert client.get(ME).json()["code"] == "customer_unnamed"


def test_staff_reach_no_customer_of_another_merchant_and_viewers_change_none(merchant):
    theirs = CustomerFactory.create(email="ada@example.com")
    clerk = staff_of(merchant, role="clerk")
    before = rows()
    assert clerk.get(ME, {"id": str(theirs.public_id)}).status_code == 404
    assert clerk.get(ME, {"email": theirs.email}).status_code == 404
    refused = clerk.post(
        POST, {"email": "a@b.example", "name": "A", "merchant": theirs.merchant.slug}, format="json"
    )
    assert refused.status_code == 403
    viewer = staff_of(merchant, role="viewer")
    assert viewer.post(POST, {"email": "a@b.example", "name": "A"}, format="json").status_code == 403
    nobody = staff_of(None, is_superuser=True)
    assert nobody.get(ME, {"email": theirs.email}).status_code == 403
    assert rows() == before
    made = clerk.post(POST, {"email": theirs.email, "name": "Ours"}, format="json")
    assert made.status_code == 201
    theirs.refresh_from_db()
    assert theirs.name == "Ada Example"
