from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client

from customers import error_pages, merchants
from customers.models import Membership, Role
from customers.tests.parties import a_merchant

pytestmark = pytest.mark.django_db


def test_pages_for_what_is_not_there_or_not_allowed_carry_the_name_of_the_hosts_merchant(settings: Any):
    settings.ALLOWED_HOSTS = ["*"]
    ours = a_merchant(is_default=True)
    theirs = a_merchant(host="cedar.example")
    client = Client(enforce_csrf_checks=True)
    for host, merchant in (("testserver", ours), ("cedar.example", theirs)):
        missing = client.get("/nothing-here", headers={"host": host})
        refused = client.post("/account/sign-in", headers={"host": host})
        assert (missing.status_code, refused.status_code) == (404, 403)
        for answer in (missing, refused):
            page = answer.content.decode()
            assert f"<span>{merchant.name}</span>" in page
            assert "Tableside" not in page


def test_an_error_of_our_own_carries_the_name_too_and_is_told_when_the_database_is_away(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.ALLOWED_HOSTS = ["*"]
    merchant = a_merchant(is_default=True)
    request = HttpRequest()
    request.META["HTTP_HOST"] = "testserver"
    assert merchant.name in error_pages.server_error(request).content.decode()

    def away(host: str) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(merchants, "for_host", away)
    request = HttpRequest()
    request.META["HTTP_HOST"] = "testserver"
    answer = error_pages.server_error(request)
    assert (answer.status_code, "Something went wrong" in answer.content.decode()) == (500, True)
    assert "away" not in answer.content.decode()
    request.path = "/api/v1/bookings"
    assert error_pages.server_error(request)["Content-Type"] == "application/problem+json"


def test_staff_who_miss_an_address_stay_in_the_console_and_customers_on_their_pages(settings: Any):
    settings.STAFF_MFA_REQUIRED = False
    merchant = a_merchant(is_default=True)
    user = User.objects.create_user(username="vera", is_staff=True)
    Membership.objects.create(user=user, merchant=merchant, role=Role.VIEWER)
    staff = Client()
    staff.force_login(user)
    for address, status, words in (
        ("/admin/bookings/booking/999/change/", 404, "There is nothing here"),
        ("/admin/nothing/", 404, "There is nothing here"),
        ("/admin/bookings/menu/add/", 403, "Not open to your role"),
    ):
        answer = staff.get(address)
        page = answer.content.decode()
        assert (answer.status_code, words in page, "To the start page" in page) == (status, True, True)
        assert "plate" not in page
    assert "nothing on this plate" in staff.get("/nothing-here").content.decode()
    assert Client().get("/admin/nothing/").status_code == 302
