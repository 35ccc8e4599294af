import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings import access
from bookings.models import Booking
from bookings.tests.factories import MerchantFactory, booked
from customers.models import Membership, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Booking:
    return booked(merchant=MerchantFactory.create(is_default=True))


def staff(booking: Booking, *, role: str = Role.CLERK) -> Client:
    user = User.objects.create_user(f"staff-{role}", is_staff=True)
    Membership.objects.create(user=user, merchant=booking.merchant, role=role)
    client = Client()
    client.force_login(user)
    return client


def page(booking: Booking) -> str:
    return reverse("admin:bookings_booking_withdraw_links", args=[booking.pk])


def test_staff_withdraw_a_bookings_links_and_every_browser_that_came_by_one_is_out(booking: Booking) -> None:
    token = access.issue(booking)
    visitor = Client()
    visitor.get(f"/b/{booking.code}?t={token}")
    assert visitor.get(f"/b/{booking.code}").status_code == 200
    clerk = staff(booking)
    assert (
        page(booking)
        in clerk.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    )
    assert booking.code in clerk.get(page(booking)).content.decode()
    assert access.verify(token) is not None
    assert clerk.post(page(booking), {"reason": "  sent to the wrong person "}).status_code == 302
    assert access.verify(token) is None
    assert visitor.get(f"/b/{booking.code}").status_code == 404
    assert visitor.get(f"/b/{booking.code}?t={token}", follow=True).status_code == 404
    change = booking.changes.latest("id")
    assert change.reason == "Links withdrawn: sent to the wrong person"
    assert change.actor.startswith("user:")


def test_links_stay_without_a_reason_and_for_who_may_only_look(booking: Booking) -> None:
    clerk, viewer = staff(booking), staff(booking, role=Role.VIEWER)
    rival = staff(booked(merchant=MerchantFactory.create()), role=Role.OWNER)
    assert "Type why" in clerk.post(page(booking), {"reason": " "}).content.decode()
    assert viewer.post(page(booking), {"reason": "x"}).status_code == 403
    assert rival.post(page(booking), {"reason": "x"}).status_code in (403, 404)
    booking.refresh_from_db()
    assert booking.link_version == 1
