"""The start page: each tile counts what its list shows, of our own merchants alone."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from analytics import dashboard
from bookings.models import Booking
from core import clock
from customers.models import Merchant, Role
from payments.models import Payment, Refund, RefundRoute, RefundState
from payments.tests import console_world
from payments.tests.console_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    console_world.build("Rival Kitchen", rows=5)
    return console_world.build("Harvest Table", rows=5)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_each_tile_counts_what_its_list_shows(world: World):
    client = signed_in(world.staff[Role.VIEWER])
    tiles = client.get(reverse("admin:index")).context["tiles"]

    for tile in tiles:
        listed = client.get(tile.url)
        assert listed.status_code == 200, tile.title
        inbox = listed.context.get("inbox")
        shown = inbox.total if inbox else listed.context["cl"].result_count
        assert shown == tile.count, tile.title
    assert {tile.title: tile.count for tile in tiles} == {
        "To verify": 5,
        "On the desk": 5,
        "Refunds to approve": 0,
        "Refunds to send": 0,
        "Payments unknown": 1,
        "Refunds failed": 5,
        "Refunds on their way": 0,
        "Events in trouble": 2,
        "Holds ending": 1,
    }


def test_a_refund_that_failed_long_ago_needs_nobody_today(world: World):
    Refund.objects.filter(payment__merchant=world.merchant).update(
        updated_at=clock.now() - timedelta(days=31)
    )
    tiles = signed_in(world.staff[Role.OWNER]).get(reverse("admin:index")).context["tiles"]

    assert [tile.count for tile in tiles if tile.title == "Refunds failed"] == [0]


def test_a_refund_under_way_is_counted_as_such(world: World):
    Refund.objects.filter(payment=world.payments[0]).update(state=RefundState.PENDING)
    tiles = signed_in(world.staff[Role.OWNER]).get(reverse("admin:index")).context["tiles"]

    assert [tile.count for tile in tiles if tile.title == "Refunds on their way"] == [1]


def test_refunds_that_wait_for_a_person_are_counted_as_such(world: World):
    asked, agreed, *_ = Refund.objects.filter(payment__merchant=world.merchant)
    Refund.objects.filter(pk=asked.pk).update(state=RefundState.REQUESTED)
    Refund.objects.filter(pk=agreed.pk).update(state=RefundState.APPROVED, route=RefundRoute.MANUAL)
    client = signed_in(world.staff[Role.OWNER])
    tiles = client.get(reverse("admin:index")).context["tiles"]

    waiting = [tile for tile in tiles if tile.title in ("Refunds to approve", "Refunds to send")]
    assert [tile.count for tile in waiting] == [1, 1]
    assert [client.get(tile.url).context["cl"].result_count for tile in waiting] == [1, 1]


def test_money_received_this_week_is_summed_by_day_and_our_own(world: World):
    long_ago = clock.now() - timedelta(days=8)
    Payment.objects.filter(pk=world.payments[0].pk).update(succeeded_at=long_ago)
    client = signed_in(world.staff[Role.OWNER])

    income = client.get(reverse("admin:index")).context["income"]
    listed = client.get(income[0]["url"]).context["cl"].result_count

    assert len(income) == 1
    assert "$324.00" in income[0]["total"]
    assert income[0]["count"] == listed == 3
    assert [day["percent"] for day in income[0]["days"] if day["is_today"]] == [100]


def test_the_next_events_are_those_of_the_merchants_own_calendar_and_not_of_the_week_alone(world: World):
    Merchant.objects.filter(pk=world.merchant.pk).update(timezone="Pacific/Kiritimati")
    Booking.objects.filter(merchant=world.merchant).update(starts_at=clock.now() + timedelta(days=60))
    tonight = world.bookings[0]
    Booking.objects.filter(pk=tonight.pk).update(starts_at=clock.now())
    Booking.objects.filter(pk=world.bookings[1].pk).update(starts_at=clock.now() + timedelta(days=6))
    client = signed_in(world.staff[Role.CLERK])

    coming = client.get(reverse("admin:index")).context["coming"]

    assert (coming["today_count"], coming["soon_count"]) == (1, 2)
    assert [event["who"] for event in coming["events"]] == [
        tonight.contact_name,
        world.bookings[1].contact_name,
    ]
    assert client.get(coming["today_url"]).context["cl"].result_count == 1
    assert client.get(coming["soon_url"]).context["cl"].result_count == 2


def test_the_sidebar_counts_the_open_desk(world: World):
    assert dashboard.open_desk_items(world.staff[Role.VIEWER]) == 5

    world.desk[0].closed_at = clock.now()
    world.desk[0].save()

    html = (
        signed_in(world.staff[Role.VIEWER]).get(reverse("admin:payments_payment_changelist")).content.decode()
    )
    assert dashboard.open_desk_items(world.staff[Role.VIEWER]) == 4
    assert html.count(reverse("admin:payments_deskitem_changelist")) == 1
