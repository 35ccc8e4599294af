"""Frontends on other hosts: none by default; named ones may ask, with the headers that the API needs."""

import pytest
from rest_framework.test import APIClient

from bookings.tests.factories import MerchantFactory
from config import cross_origin

pytestmark = pytest.mark.django_db
SHOP = "https://shop.example"


def preflight(origin, *, path="/api/v1/bookings", headers="authorization,idempotency-key,content-type"):
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": headers,
    }
    return APIClient().options(path, headers=asked)


def allow(settings, *, credentials=False):
    for name, value in cross_origin.settings(origins=[SHOP], credentials=credentials).items():
        setattr(settings, name, value)


def test_by_default_no_other_host_may_call():
    MerchantFactory.create(is_default=True)
    assert "Access-Control-Allow-Origin" not in preflight(SHOP)
    answer = APIClient().get("/api/v1/catalogue", headers={"Origin": SHOP})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer


def test_a_named_host_may_call_with_keys_and_tokens_and_reads_what_it_needs(settings):
    MerchantFactory.create(is_default=True)
    allow(settings)
    answer = preflight(SHOP)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == SHOP
    assert {"authorization", "idempotency-key", "content-type"} <= set(
        answer["Access-Control-Allow-Headers"].split(", ")
    )
    assert "PATCH" in answer["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in answer
    real = APIClient().get("/api/v1/catalogue", headers={"Origin": SHOP})
    assert real["Access-Control-Allow-Origin"] == SHOP
    assert "Retry-After" in real["Access-Control-Expose-Headers"]
    assert "origin" in real["Vary"].lower()


def test_cookies_are_let_through_by_a_setting_of_its_own(settings):
    allow(settings, credentials=True)
    assert preflight(SHOP)["Access-Control-Allow-Credentials"] == "true"
    assert cross_origin.settings(origins=[], credentials=True)["CORS_ALLOW_CREDENTIALS"] is False


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://shop.example", f"{SHOP}.evil.example", "null"]
)
def test_hosts_that_are_not_named_stay_out(settings, origin):
    allow(settings, credentials=True)
    assert "Access-Control-Allow-Origin" not in preflight(origin)


@pytest.mark.parametrize("path", ["/", "/admin/", "/account/", "/b/00000000"])
def test_pages_are_never_for_other_hosts(settings, path):
    allow(settings, credentials=True)
    assert "Access-Control-Allow-Origin" not in preflight(SHOP, path=path)
