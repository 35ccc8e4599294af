"""Throttles: each ends in 429 with Retry-After; while the shared cache is away nobody is locked out by that."""

import pytest
from django.core.cache import cache, caches
from django.urls import get_resolver
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from bookings.tests.factories import MerchantFactory
from core.cache import outage
from tests.permissions.routes import all_routes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


@pytest.fixture
def merchant():
    return MerchantFactory.create(is_default=True)


def limit(monkeypatch, scope, rate="1/min"):
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, scope: rate}
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", rates)


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        ("sign_in", "auth/login"),
        ("refresh", "auth/refresh"),
        ("price", "bookings/price"),
        ("booking", "bookings"),
        ("payment", "payments/create-intent"),
        ("customer", "customers/create-or-update"),
    ],
)
def test_too_many_requests_are_told_to_wait(merchant, monkeypatch, scope, path):
    limit(monkeypatch, scope)
    client = APIClient()
    first = client.post(f"/api/v1/{path}", {}, format="json")
    answer = client.post(f"/api/v1/{path}", {}, format="json")
    assert first.status_code != 429
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert answer.json()["code"] == "throttled"
    assert 0 < int(answer["Retry-After"]) <= 60


def views():
    found = {}

    def walk(resolver, prefix=""):
        for entry in resolver.url_patterns:
            if hasattr(entry, "url_patterns"):
                walk(entry, prefix + str(entry.pattern))
            else:
                found[prefix + str(entry.pattern)] = getattr(entry.callback, "cls", None)

    walk(get_resolver())
    return found


def test_every_route_of_the_api_that_writes_is_throttled():
    """By a scope that has a rate; the view says which in `throttle_scope`."""
    classes = views()
    writing = [
        route.pattern
        for route in all_routes()
        if route.pattern.startswith("api/v1/") and route.methods & {"POST", "PUT", "PATCH", "DELETE"}
    ]
    rates = api_settings.DEFAULT_THROTTLE_RATES
    bare = [one for one in writing if getattr(classes[one], "throttle_scope", None) not in rates]
    assert len(writing) >= 8
    assert not bare, f"{bare}: give the view a throttle_scope that config/settings.py has a rate for"


@pytest.fixture
def away(settings):
    """A shared cache whose server is not there: port 9 answers nobody."""
    before = settings.CACHES
    settings.CACHES = {"default": {"BACKEND": "core.cache.SharedCache", "LOCATION": "redis://127.0.0.1:9/0"}}
    outage.until = 0.0
    cache.clear()
    yield caches["default"]
    outage.until = 0.0
    settings.CACHES = before


def test_while_the_shared_cache_is_away_the_api_answers_and_still_counts(merchant, monkeypatch, away):
    limit(monkeypatch, "price", "2/min")
    client = APIClient()
    assert [client.get("/api/v1/catalogue").status_code for _ in range(3)] == [200, 200, 429]
    assert outage.is_on()
    assert (
        client.post("/api/v1/auth/login", {"email": "a", "password": "b"}, format="json").status_code == 401
    )
