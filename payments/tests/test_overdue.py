"""What staff do about an overdue payment: record, remind, give time, cancel, write off; and it closes by itself."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings import access
from bookings.editing import Edit
from bookings.models import Booking, BookingEdit
from core import clock
from core.errors import Forbidden, Invalid
from core.models import OutboxEmail
from customers.models import Membership, Merchant, Role
from payments import alterations, cancellation, deferrals, errors, manual, reminders, resolution, writeoffs
from payments.models import DeskItem, WriteOff
from payments.tests.test_admin_booking_dialogs import send
from payments.tests.test_admin_scope import signed_in
from payments.tests.test_manual import book, by, merchant
from payments.tests.test_writeoffs import cash, fresh, over

__all__ = ["by", "merchant"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(merchant: Merchant, by: User) -> User:
    by.is_staff, by.email = True, "casey@ember.example"
    by.save()
    Membership.objects.create(user=by, merchant=merchant, role=Role.OWNER)
    return by


@pytest.fixture
def booking(merchant: Merchant, owner: User) -> Booking:
    """The deposit is paid; the balance of 187.50 was due a week ago, and a person was told."""
    found = book(merchant, adults=2)
    cash(found, 10_000, by=owner)
    due = clock.today(found.timezone) - timedelta(days=7)
    found.instalments.filter(purpose="balance").update(due_on=due)
    sweep(found)
    return fresh(found)


def sweep(booking: Booking, *, days: int = 0) -> int:
    """Remind at noon of the merchant's day, so many days from now."""
    day = clock.today(booking.timezone) + timedelta(days=days)
    noon = datetime.combine(day, time(12), tzinfo=booking.local(clock.now()).tzinfo)
    with time_machine.travel(noon.astimezone(UTC), tick=False):
        return reminders.remind_due()


def open_items() -> list[DeskItem]:
    return list(DeskItem.objects.filter(closed_at__isnull=True))


def told(booking: Booking, start: str) -> list[str]:
    return list(OutboxEmail.objects.filter(key__startswith=start).values_list("subject", flat=True))


def test_an_item_offers_what_staff_would_do_with_its_effect_and_no_note(
    booking: Booking, owner: User
) -> None:
    [item] = open_items()
    found = resolution.choices(item)
    assert [choice.action for choice in found] == ["record", "remind", "more_time", "cancel", "write_off"]
    rest = f"${booking.instalments.get(purpose='balance').open_minor / 100:.2f}"
    assert f"{rest} is not asked for any more" in found[-1].effect
    with pytest.raises(errors.NotPossible, match="done on the booking's page"):
        resolution.resolve(item, action="write_off", by=owner, reason="x")
    page = signed_in(owner).get(reverse("admin:payments_deskitem_change", args=[item.pk]))
    for name in ("record_money", "remind_now", "more_time", "cancel_booking", "write_off"):
        assert reverse(f"admin:bookings_booking_{name}", args=[booking.pk]) in page.content.decode()
    Merchant.objects.update(approval_from_minor=1)
    desk = signed_in(owner).get(reverse("admin:payments_deskitem_change", args=[item.pk])).content.decode()
    assert (address("write_off", booking) in desk, "nobody may alone" in desk) == (False, True)


def test_paid_in_part_it_stays_and_paid_it_closes_by_itself(booking: Booking, owner: User) -> None:
    rest = booking.instalments.get(purpose="balance").open_minor
    cash(booking, 5_000, by=owner)
    assert len(open_items()) == 1
    paid = cash(booking, rest - 5_000, by=owner)
    [item] = DeskItem.objects.all()
    assert (item.closed_by, item.resolution) == (owner, "Nothing of it is open any more")
    manual.reverse(paid.transfer, reason="a bad note", by=owner)
    sweep(booking, days=3)
    assert sorted(item.kind for item in open_items()) == ["money_reversed", "overdue"]


@pytest.mark.parametrize("how", ["cancelled", "written off", "more time", "fewer guests"])
def test_what_was_decided_closes_it_and_says_so(booking: Booking, owner: User, how: str) -> None:
    if how == "cancelled":
        cancellation.cancel(booking, actor=f"user:{owner.pk}", by=owner, reason="no money")
    elif how == "written off":
        writeoffs.write_off(booking, by=owner, reason="old friends", authenticated_at=clock.now())
    elif how == "more time":
        deferrals.defer(booking, until=later(booking), by=owner, reason="payday")
    else:
        alterations.edit(booking=booking, edit=Edit(adults=0, children=1), actor=f"user:{owner.pk}")
    [item] = DeskItem.objects.filter(kind="overdue")
    assert (item.closed_at is not None, item.closed_by) == (True, owner)
    if how == "written off":
        assert item.resolution == "Written off. old friends"


def later(booking: Booking, days: int = 5) -> Any:
    return clock.today(booking.timezone) + timedelta(days=days)


def test_more_time_is_a_new_day_that_is_told_kept_and_reminded_of_anew(booking: Booking, owner: User) -> None:
    before = booking.instalments.get(purpose="balance")
    assert deferrals.defer(booking, until=later(booking), by=owner, reason="payday")
    assert deferrals.defer(booking, until=later(booking), by=owner, reason="payday") == []
    part = booking.instalments.get(purpose="balance")
    assert (part.due_on, part.open_minor) == (later(booking), before.open_minor)
    edit = BookingEdit.objects.get()
    assert (edit.before["plan"][1]["due_on"], edit.after["plan"][1]["due_on"]) == (
        str(before.due_on),
        str(part.due_on),
    )
    assert told(booking, "more-time:") == [f"You have more time to pay for {booking.code}"]
    assert sweep(booking, days=3) == 1  # three days before the new day
    assert (sweep(booking, days=9), len(open_items())) == (1, 1)
    # Later than the policy's day, it outlives a change of the guests.
    deferrals.defer(booking, until=later(booking, 26), by=owner, reason="payday")
    alterations.edit(booking=fresh(booking), edit=Edit(adults=3), actor="customer")
    assert booking.instalments.get(purpose="balance").due_on == later(booking, 26)


def test_no_day_that_is_past_or_after_the_event_is_given_and_clerks_give_none(
    merchant: Merchant, booking: Booking, owner: User
) -> None:
    for day in (later(booking, 0), booking.event_date + timedelta(days=1)):
        with pytest.raises(Invalid, match="Choose a day after today"):
            deferrals.defer(booking, until=day, by=owner, reason="x")
    with pytest.raises(Invalid, match="Say why"):
        deferrals.defer(booking, until=later(booking), by=owner, reason=" ")
    clerk = User.objects.create_user("clerk")
    Membership.objects.create(user=clerk, merchant=merchant, role=Role.CLERK)
    with pytest.raises(Forbidden):
        deferrals.defer(booking, until=later(booking), by=clerk, reason="x")
    assert not BookingEdit.objects.exists()
    assert len(open_items()) == 1


def test_a_reminder_by_hand_goes_once_a_day_and_never_while_a_payment_is_on_its_way(
    booking: Booking, owner: User
) -> None:
    reminders.remind_now(booking, by=owner)
    with pytest.raises(errors.NotPossible, match="today already"):
        reminders.remind_now(booking, by=owner)
    assert len(told(booking, "reminder:")) == 2  # the sweep's, and this one
    assert len(open_items()) == 1
    payment = manual.start(booking, method="zelle", actor="customer")
    manual.claim(payment, sender_name="Ada", sent_on=clock.today(booking.timezone), actor="customer")
    with pytest.raises(errors.NotPossible, match="on its way"):
        reminders.remind_now(booking, by=owner)


def test_what_is_due_at_once_is_reminded_of_a_day_later_and_after_the_event_a_person_is_told(
    booking: Booking, owner: User
) -> None:
    DeskItem.objects.all().delete()
    booking.instalments.filter(purpose="balance").update(due_on=None)
    assert [sweep(booking, days=day) for day in (0, 2, 3)] == [0, 1, 0]
    assert told(booking, "reminder:")[-1] == f"The balance for {booking.code} is due now"
    assert not open_items()
    done = over(booking)
    assert [sweep(done), sweep(done)] == [0, 0]
    [item] = open_items()
    assert item.summary == f"The balance of {booking.code} is overdue"
    assert [choice.action for choice in resolution.choices(item)] == [
        "record",
        "remind",
        "more_time",
        "write_off",
    ]
    writeoffs.write_off(done, by=owner, reason="they moved away", authenticated_at=clock.now())
    assert not open_items()


def address(name: str, booking: Booking) -> str:
    return reverse(f"admin:bookings_booking_{name}", args=[booking.pk])


def test_the_bookings_dialogs_do_what_they_show(merchant: Merchant, booking: Booking, owner: User) -> None:
    client: Client = signed_in(owner)
    shown = client.get(address("remind_now", booking)).content.decode()
    assert booking.contact_email in shown
    send(client, address("remind_now", booking))
    assert len(told(booking, "reminder:")) == 2
    day = later(booking)
    send(client, address("more_time", booking), until=day.isoformat())
    assert booking.instalments.get(purpose="balance").due_on == day
    rest = booking.instalments.get(purpose="balance").open_minor
    send(client, address("write_off", booking))
    assert WriteOff.objects.get().amount_minor == rest
    mine = Client().get(f"/b/{booking.code}?t={access.issue(booking)}", follow=True).content.decode()
    assert "Nothing more to pay" in mine
    page = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert "Written off" in page
    assert f"→ {day}" in page
    assert address("ask_again", booking) in page
    assert address("write_off", booking) not in page
    send(client, address("ask_again", booking))
    assert booking.instalments.get(purpose="balance").open_minor == rest
    merchant.approval_from_minor = 1
    merchant.save()
    refused = client.get(address("write_off", booking))
    assert "nobody may alone" in refused.content.decode()
    assert refused.context["effect"] is None
    page = client.get(reverse("admin:bookings_booking_change", args=[booking.pk])).content.decode()
    assert (address("write_off", booking) in page, "nobody may alone" in page) == (False, True)
