from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.backends.cache import SessionStore
from django.core import signing
from django.db import transaction
from django.test import RequestFactory

from bookings import access
from bookings.models import Booking
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from core import clock
from customers import sessions

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
    assert access.granted(session) == {}
    access.grant(session, first)
    access.grant(session, first)
    assert access.granted(session) == {first.public_id: 1}
    access.grant(session, second)
    assert access.granted(session) == {first.public_id: 1, second.public_id: 1}


def test_only_the_newest_grants_are_kept() -> None:
    session = SessionStore()
    booking = booked()
    bookings = [Booking(code=str(number)) for number in range(access.MAX_GRANTS)]
    for each in (booking, *bookings):
        access.grant(session, each)
    assert set(access.granted(session)) == {each.public_id for each in bookings}


def test_seeing_a_booking_again_renews_its_grant() -> None:
    session = SessionStore()
    booking = booked()
    for each in (booking, *[Booking() for _ in range(access.MAX_GRANTS - 1)], booking, Booking()):
        access.grant(session, each)
    assert booking.public_id in access.granted(session)


def test_withdrawn_links_open_nothing_and_new_ones_do() -> None:
    booking, other = booked(), booked()
    old, of_other = access.issue(booking), access.issue(other)
    with transaction.atomic():
        access.withdraw(booking, actor="user:7", reason="forwarded by mistake")
    assert access.verify(old) is None
    assert access.verify(access.issue(booking)) == booking
    assert access.verify(of_other) == other
    assert booking.changes.latest("id").reason == "Links withdrawn: forwarded by mistake"


def test_who_is_granted_or_signed_in_sees_just_that_of_the_hosts_merchant(rf: RequestFactory) -> None:
    merchant = MerchantFactory.create(is_default=True)
    slot = SlotFactory.create(merchant=merchant, capacity=2)
    first = booked(merchant=merchant, slot=slot)
    second = booked(merchant=merchant, slot=slot, email="else@example.com")
    elsewhere = booked()

    def seen(session: SessionStore) -> set[Booking]:
        request = rf.get("/")
        request.session = session
        return set(access.visible(request, merchant=first.merchant))

    session = SessionStore()
    assert seen(session) == set()
    for booking in (first, elsewhere):
        access.grant(session, booking)
    assert seen(session) == {first}
    with transaction.atomic():
        access.withdraw(first, actor="user:7")
    assert seen(session) == set()
    signed_in = SessionStore()
    request = rf.get("/")
    request.session = signed_in
    sessions.sign_in(request, second.customer)
    assert seen(signed_in) == {second}
