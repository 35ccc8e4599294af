"""Customers at a browser, for tests of their pages: by a link or signed in; and all that a click may change."""

import re
from datetime import timedelta
from typing import Any

from django.test import Client, RequestFactory

from bookings import access
from bookings.models import Booking
from core import clock
from customers import sessions
from customers.models import Customer
from payments.models import Cancellation, Credit, Payment, Refund


def visitor(booking: Booking) -> Client:
    """A browser that came by the booking's link, and nothing else."""
    client = Client()
    client.get(f"/b/{booking.code}?t={access.issue(booking)}")
    return client


def signed_in(customer: Customer) -> Client:
    """A browser whose customer used a one-time link."""
    client = Client()
    request = RequestFactory().get("/")
    request.session = client.session
    sessions.sign_in(request, customer)
    request.session.save()
    client.cookies["sessionid"] = str(request.session.session_key)
    return client


def stored(booking: Booking) -> list[Any]:
    """Everything about the booking and its money that a refused click must leave as it was."""
    return [
        Booking.objects.filter(pk=booking.pk).values().get(),
        list(booking.lines.order_by("pk").values()),
        list(booking.instalments.order_by("pk").values()),
        list(Payment.objects.order_by("pk").values("pk", "state", "placed_minor", "refunding_minor")),
        list(Credit.objects.order_by("pk").values()),
        Refund.objects.count(),
        Cancellation.objects.count(),
    ]


def fresh(booking: Booking) -> Booking:
    return Booking.objects.get(pk=booking.pk)


def text(answer: Any) -> str:
    return answer.content.decode()


def expected(page: str, name: str = "expected") -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def starts_in(booking: Booking, **ahead: int) -> Booking:
    Booking.objects.filter(pk=booking.pk).update(starts_at=clock.now() + timedelta(**ahead))
    return fresh(booking)
