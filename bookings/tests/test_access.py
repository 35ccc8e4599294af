from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.backends.cache import SessionStore
from django.core import signing

from bookings import access
from bookings.models import Booking
from bookings.tests.factories import booked
from core import clock

pytestmark = pytest.mark.django_db


def test_a_link_opens_its_booking_with_merchant_and_customer(django_assert_num_queries: Any) -> None:
    booking = booked()
    token = access.issue(booking)
    with django_assert_num_queries(1):
        opened = access.verify(token)
        assert opened == booking
        assert opened is not None
        assert opened.customer.merchant_id == opened.merchant.pk


def test_a_token_fits_into_a_url_and_does_not_carry_the_code() -> None:
    booking = booked()
    token = access.issue(booking)
    assert all(character.isalnum() or character in "-_." for character in token)
    assert booking.code not in token
    assert str(booking.public_id) not in token


def test_no_other_text_opens_a_booking() -> None:
    booking = booked()
    token = access.issue(booking)
    name, stamp, signature = token.split(".")
    other = access.issue(booked()).split(".")
    for forged in (
        "",
        "...",
        booking.code,
        str(booking.public_id),
        f"{other[0]}.{stamp}.{signature}",
        f"{name}.{other[1]}x.{signature}",
        token[:-1],
        token + "A",
        token.swapcase(),
        "\x00",
        "é" * 40,
        signing.dumps(str(booking.public_id)),
        signing.TimestampSigner(salt="elsewhere", sep=".").sign(name),
        signing.TimestampSigner(salt="bookings.access", sep=".").sign("not a booking"),
    ):
        assert access.verify(forged) is None, forged


def test_a_token_of_a_booking_that_is_gone_opens_nothing() -> None:
    booking = booked()
    token = access.issue(booking)
    Booking.objects.filter(pk=booking.pk).update(public_id="00000000-0000-4000-8000-000000000000")
    assert access.verify(token) is None


def test_a_link_ends_after_its_days(settings: Any) -> None:
    settings.BOOKING_LINK_DAYS = 30
    token = access.issue(booked())
    with time_machine.travel(clock.now() + timedelta(days=29)):
        assert access.verify(token) is not None
    with time_machine.travel(clock.now() + timedelta(days=31)):
        assert access.verify(token) is None


def test_a_browser_sees_what_it_was_granted_and_nothing_else() -> None:
    session = SessionStore()
    first, second = booked(), booked()
    assert access.granted(session) == set()
    access.grant(session, first)
    access.grant(session, first)
    assert access.granted(session) == {first.public_id}
    access.grant(session, second)
    assert access.granted(session) == {first.public_id, second.public_id}


def test_only_the_newest_grants_are_kept() -> None:
    session = SessionStore()
    booking = booked()
    bookings = [Booking(code=str(number)) for number in range(access.MAX_GRANTS)]
    for each in (booking, *bookings):
        access.grant(session, each)
    assert access.granted(session) == {each.public_id for each in bookings}


def test_seeing_a_booking_again_renews_its_grant() -> None:
    session = SessionStore()
    booking = booked()
    for each in (booking, *[Booking() for _ in range(access.MAX_GRANTS - 1)], booking, Booking()):
        access.grant(session, each)
    assert booking.public_id in access.granted(session)
