"""A booking's dialogs in the console: shown first, done by POST with exactly what was shown, by those who may."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings.models import Booking, BookingState, Slot
from bookings.tests.factories import SlotFactory
from core import clock
from customers.models import Membership, Role
from payments import completion, credit
from payments.models import Payment, Refund, RefundState
from payments.tests.shop import Shop

NAMES = ("cancel_booking", "refund_booking", "move_booking", "edit_booking")


def staff(shop: Shop, role: str = Role.MANAGER, name: str = "") -> tuple[User, Client]:
    user = User.objects.create_user(name or f"one-{role}", is_staff=True)
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    client = Client()
    client.force_login(user)
    return user, client


def address(name: str, booking: Booking) -> str:
    return reverse(f"admin:bookings_booking_{name}", args=[booking.pk])


def send(client: Client, url: str, **entries: str):
    """What a person does: opens it, types, looks at the figures, confirms them."""
    form = client.get(url).context["form"]
    sent = {
        bound.name: "" if bound.value() is None else str(bound.value())
        for bound in form
        if bound.name != "shown"
    }
    sent = (
        {name: value for name, value in sent.items() if value not in ("False",)}
        | {"reason": "storm"}
        | entries
    )
    looked = client.post(url, {**sent, "_preview": "1"})
    return client.post(url, {**sent, "shown": looked.context["shown"], "_do": "1"})


def by_credit(shop: Shop, booking: Booking, minor: int = 10_000, purpose: str = "deposit") -> Payment:
    credit.grant(customer=booking.customer, amount_minor=minor, currency="usd", reason="x", granted_by=None)
    return credit.spend(booking=booking, purpose=purpose, actor="customer")


@pytest.fixture
def booking(shop: Shop) -> Booking:
    """Confirmed, its deposit of 100.00 paid from credit."""
    booking = shop.book(
        slot=SlotFactory.create(merchant=shop.merchant, starts_at=clock.now() + timedelta(days=40))
    )
    by_credit(shop, booking)
    booking.refresh_from_db()
    return booking


def test_cancelling_shows_the_bracket_and_what_is_kept_and_does_exactly_that(shop: Shop, booking: Booking):
    _, client = staff(shop)
    html = client.get(address("cancel_booking", booking)).content.decode()
    assert "100 % back" in html
    assert "Cancel, $100.00 back" in html
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    answer = send(client, address("cancel_booking", booking), percent="30")
    assert answer.status_code == 302
    done = booking.cancellations.get()
    assert (done.percent, done.overruled, done.kept_minor, done.reason) == (30, True, 7_000, "storm")
    booking.refresh_from_db()
    assert booking.state == BookingState.CANCELLED
    page = client.get(reverse("admin:bookings_booking_change", args=[booking.pk]))
    assert "cancelled; its time is free" in page.content.decode()
    answer = send(client, address("reinstate", booking))
    booking.refresh_from_db()
    assert (answer.status_code, booking.state) == (302, BookingState.CONFIRMED)


def test_figures_that_changed_since_they_were_shown_cancel_nothing(shop: Shop, booking: Booking):
    _, client = staff(shop)
    url = address("cancel_booking", booking)
    sent = {"request_key": "k", "way": "back", "percent": "", "reason": "storm"}
    shown = client.get(url).context["shown"]
    by_credit(shop, booking, 98_750, "balance")
    answer = client.post(url, {**sent, "shown": shown})
    assert "The figures have changed" in answer.content.decode()
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert not Refund.objects.exists()


def test_a_booking_is_refunded_as_a_whole_and_above_the_threshold_all_of_it_waits(
    shop: Shop, booking: Booking
):
    shop.merchant.approval_from_minor = 6_000
    shop.merchant.save()
    _, client = staff(shop)
    url = address("refund_booking", booking)
    below = send(client, url, amount="20.00")
    assert below.status_code == 302
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    html = client.get(url).content.decode()
    assert "$80.00" in html
    assert "Of it shares of method fees" in html


def test_a_dialog_that_is_not_offered_says_so_and_has_no_button(shop: Shop, booking: Booking):
    _, client = staff(shop)
    for name in ("complete", "undo_completion", "reinstate", "ask_again"):
        page = client.get(address(name, booking))
        assert "This booking is confirmed: this cannot be done" in page.content.decode(), name
        assert page.context["effect"] is None


def test_staff_who_change_too_much_read_words_for_staff(shop: Shop, booking: Booking):
    _, client = staff(shop, Role.CLERK)
    many = send(client, address("edit_booking", booking), adults="201").content.decode()
    assert ("We serve up to 200 guests" in many, "write to us" in many) == (True, False)


def test_moving_waives_the_fee_only_when_it_is_said_and_editing_shows_the_new_price(
    shop: Shop, booking: Booking
):
    booking.agreement = {**booking.agreement, "move": {"days_before": 7, "fee_minor": 2_500}}
    booking.save()
    _, client = staff(shop, Role.CLERK)
    free = Slot.objects.create(
        merchant=shop.merchant,
        starts_at=booking.starts_at + timedelta(days=2),
        ends_at=booking.ends_at + timedelta(days=2),
        capacity=2,
    )
    assert send(client, address("move_booking", booking), slot=str(free.public_id)).status_code == 302
    booking.refresh_from_db()
    assert (booking.slot_id, booking.total_minor) == (free.pk, 111_250)
    back = Slot.objects.create(
        merchant=shop.merchant,
        starts_at=booking.starts_at + timedelta(days=2),
        ends_at=booking.ends_at + timedelta(days=2),
        capacity=2,
    )
    assert (
        send(client, address("move_booking", booking), slot=str(back.public_id), waive="on").status_code
        == 302
    )
    booking.refresh_from_db()
    assert (booking.slot_id, booking.total_minor) == (back.pk, 111_250)
    assert send(client, address("edit_booking", booking), adults="12").status_code == 302
    booking.refresh_from_db()
    assert (booking.adults, booking.total_minor) == (12, 133_000)


def test_an_event_is_done_and_not_done_after_all(shop: Shop, booking: Booking):
    _, client = staff(shop)
    Booking.objects.filter(pk=booking.pk).update(
        starts_at=clock.now() - timedelta(hours=5), ends_at=clock.now() - timedelta(hours=1)
    )
    assert send(client, address("complete", booking)).status_code == 302
    booking.refresh_from_db()
    assert booking.state == BookingState.COMPLETED
    assert not completion.complete(booking, actor="system")
    assert send(client, address("undo_completion", booking)).status_code == 302
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED


def test_who_may_not_has_no_button_and_no_dialog(shop: Shop, booking: Booking):
    for role, allowed in ((Role.VIEWER, set()), (Role.CLERK, {"move_booking", "edit_booking"})):
        _, client = staff(shop, role)
        page = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
        for name in NAMES:
            assert (f"/{name}/" in page) == (name in allowed)
            answer = client.post(address(name, booking), {"reason": "x"})
            assert answer.status_code == (200 if name in allowed else 403)
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert not Refund.objects.exists()
