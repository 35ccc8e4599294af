"""Callers of the API, for its tests: a booking's token holder, staff of a merchant, and a body that books."""

import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from bookings import access
from bookings.tests.factories import MenuFactory, SlotFactory
from core import clock
from customers.models import Membership


def holder_of(booking):
    return APIClient(headers={"Authorization": f"Booking {access.issue(booking)}"})


def staff_of(merchant, *, role="clerk", **user):
    person = User.objects.create_user(f"{role}-{uuid.uuid4().hex[:8]}", is_staff=True, **user)
    if merchant is not None:
        Membership.objects.create(user=person, merchant=merchant, role=role)
    client = APIClient()
    client.force_login(person)
    return client


def later_slot(merchant):
    return SlotFactory.create(merchant=merchant, starts_at=clock.now() + timedelta(days=40))


def wanted(merchant, **changes):
    menu = merchant.menus.first() or MenuFactory.create(merchant=merchant)
    slot = merchant.slots.first() or SlotFactory.create(merchant=merchant)
    return {
        "slot": str(slot.public_id),
        "menu": menu.pk,
        "adults": 10,
        "children": 2,
        "street": "1 Sample Street",
        "city": "San Francisco",
        "region": "CA",
        "postal_code": "94110",
        "name": "Ada Example",
        "email": "Ada@Example.com",
        "phone": "(415) 555-2671",
        "terms_accepted": True,
        **changes,
    }


def book(client, merchant, *, key=None, **changes):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/bookings", wanted(merchant, **changes), format="json", headers=headers)
