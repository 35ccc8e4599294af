"""The desk: evidence as people read it, actions as dialogs, done once by those who may. And a customer's credit."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from bookings.models import BookingState
from bookings.tests.factories import CustomerFactory
from core import clock
from customers.models import Merchant, Role
from payments import credit, manual
from payments.models import Credit, DeskItem, Payment, Transfer
from payments.tests.test_admin_inbox import said, staff_of
from payments.tests.test_admin_scope import signed_in
from payments.tests.test_manual import TODAY, book, merchant, standing

__all__ = ["merchant"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(merchant: Merchant) -> Client:
    return signed_in(staff_of(merchant, "Morgan", role=Role.MANAGER))


def unplaced(merchant: Merchant, *, minor: int = 5_000, reference: str = "") -> DeskItem:
    """Cash of nobody known, on the desk."""
    found = manual.Found(
        merchant=merchant,
        method="cash",
        amount_minor=minor,
        currency="usd",
        received_on=TODAY,
        by=None,
        reference=reference,
    )
    manual.unplaced(found)
    return DeskItem.objects.latest("pk")


def page_of(item: DeskItem) -> str:
    return reverse("admin:payments_deskitem_change", args=[item.pk])


def action_of(item: DeskItem, action: str) -> str:
    return reverse("admin:payments_deskitem_resolve", args=[item.pk, action])


def test_an_item_tells_what_happened_in_amounts_and_links_and_what_each_action_would_do(
    merchant: Merchant, manager: Client
) -> None:
    item = unplaced(merchant, reference="envelope 7")
    page = manager.get(page_of(item)).content.decode()
    transfer = Transfer.objects.get()
    for words in (
        "Money that belongs to no booking",
        "$50.00",
        "envelope 7",
        reverse("admin:payments_transfer_change", args=[transfer.pk]),
        "Place it on a booking",
        "becomes the customer&#x27;s credit",
        action_of(item, "income"),
    ):
        assert words in page, words
    assert "received_minor" not in page
    listed = manager.get(reverse("admin:payments_deskitem_changelist")).content.decode()
    assert "Money without a booking" in listed


def test_money_is_placed_by_the_code_once_and_the_closed_item_says_who_and_how(
    merchant: Merchant, manager: Client
) -> None:
    booking, item = book(merchant), unplaced(merchant, minor=10_000)
    before = standing(booking)
    assert manager.get(action_of(item, "place")).status_code == 200
    for wrong in ({}, {"booking": "ZZZZZZZZ", "reason": "x"}, {"booking": booking.code, "reason": ""}):
        assert manager.post(action_of(item, "place"), wrong).status_code == 200
        assert standing(booking) == before
    assert manager.post(action_of(item, "spend"), {"reason": "x"}).status_code == 404  # not offered
    sent = {"booking": booking.code.lower(), "reason": "She told us on the phone"}
    assert "$100.00 placed" in said(manager.post(action_of(item, "place"), sent, follow=True))
    after = standing(booking)
    assert booking.state == BookingState.CONFIRMED
    assert "Morgan was faster" in said(manager.post(action_of(item, "place"), sent, follow=True))
    assert standing(booking) == after
    page = manager.get(page_of(item)).content.decode()
    for words in ("Closed", "Morgan", "She told us on the phone", "Back to the desk"):
        assert words in page
    assert action_of(item, "place") not in page
    assert "Close\n" not in page  # unfold's way back, which sounds like an action here


def test_money_becomes_the_credit_of_the_customer_who_is_named(merchant: Merchant, manager: Client) -> None:
    item = unplaced(merchant)
    other = CustomerFactory.create(email="elsewhere@example.com")
    mine = CustomerFactory.create(merchant=merchant, email="mine@example.com")
    wrong = manager.post(action_of(item, "credit"), {"customer": other.email, "reason": "x"})
    assert "no customer with this address" in wrong.content.decode()
    assert not Credit.objects.exists()
    manager.post(action_of(item, "credit"), {"customer": "MINE@example.com", "reason": "His own"})
    assert credit.available(mine, currency="usd") == 5_000


def test_viewers_clerks_and_others_resolve_nothing(merchant: Merchant) -> None:
    item = unplaced(merchant)
    rival = Merchant.objects.create(name="Rival", slug="rival", email="r@rival.example")
    clients = [
        signed_in(staff_of(merchant, "Vic", role=Role.VIEWER)),
        signed_in(staff_of(merchant, "Clio", role=Role.CLERK)),
        signed_in(staff_of(rival, "Rita", role=Role.OWNER)),
    ]
    for client in clients:
        assert client.post(action_of(item, "income"), {"reason": "mine"}).status_code == 404
    assert action_of(item, "income") not in clients[0].get(page_of(item)).content.decode()
    item.refresh_from_db()
    assert (item.closed_at, Payment.objects.get().unallocated_minor) == (None, 5_000)


def large(merchant: Merchant) -> DeskItem:
    """Card money of nobody known, from which on a recent sign-in is asked for."""
    minor = merchant.reauthenticate_from_minor
    payment = Payment.objects.create(
        merchant=merchant,
        method="card",
        state="succeeded",
        currency="usd",
        amount_minor=minor,
        total_minor=minor,
        received_minor=minor,
        unallocated_minor=minor,
        stripe_charge_id="ch_none",
    )
    return DeskItem.objects.create(
        merchant=merchant, kind="foreign_money", key="large", payment=payment, summary="Money of nobody"
    )


def test_a_large_refund_leads_to_prove_who_one_is_and_keeps_what_was_typed(
    merchant: Merchant, manager: Client
) -> None:
    item = large(merchant)
    answer = manager.post(action_of(item, "refund"), {"reason": "Sent to us by mistake"})
    assert answer.status_code == 302
    assert "/staff/" in answer["Location"]
    assert not Payment.objects.get().refunds.exists()
    again = manager.get(action_of(item, "refund"))
    assert again.context["form"]["reason"].value() == "Sent to us by mistake"
    item.refresh_from_db()
    assert item.closed_at is None


# A customer's credit ----------------------------------------------------------------------------------------------


def dialog_of(customer: Any, name: str) -> str:
    return reverse(f"admin:customers_customer_{name}", args=[customer.pk])


def test_credit_is_given_once_with_a_reason_and_used_for_what_is_due_next(
    merchant: Merchant, manager: Client
) -> None:
    booking = book(merchant)
    customer = booking.customer
    form = manager.get(dialog_of(customer, "give_credit")).context["form"]
    sent = {"amount": "30.00", "reason": "", "request_key": form["request_key"].value()}
    manager.post(dialog_of(customer, "give_credit"), sent)
    assert not Credit.objects.exists()
    for _ in range(2):
        given = manager.post(dialog_of(customer, "give_credit"), {**sent, "reason": "Late"}, follow=True)
    assert "$30.00 given" in said(given)
    assert Credit.objects.get().remaining_minor == 3_000
    page = manager.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    assert "$30.00" in page
    assert "Late" in page
    [(value, words)] = (
        manager.get(dialog_of(customer, "use_credit")).context["form"].fields["booking"].choices
    )
    assert words == f"{booking.code}, deposit: $30.00"
    used = manager.post(dialog_of(customer, "use_credit"), {"booking": value}, follow=True)
    assert "$30.00 of credit used" in said(used)
    after = standing(booking)
    again = manager.post(dialog_of(customer, "use_credit"), {"booking": value})
    assert "has changed" in again.content.decode()
    assert standing(booking) == after
    assert booking.instalments.earliest("position").paid_minor == 3_000


def test_clerks_give_no_credit_and_what_is_expired_is_not_used(merchant: Merchant) -> None:
    booking = book(merchant)
    clerk = signed_in(staff_of(merchant, "Clio"))
    answer = clerk.post(dialog_of(booking.customer, "give_credit"), {"amount": "5", "reason": "x"})
    assert answer.status_code in (403, 404)
    assert not Credit.objects.exists()
    giver = User.objects.create_user("giver")
    credit.grant(
        customer=booking.customer,
        amount_minor=500,
        currency="usd",
        reason="x",
        granted_by=giver,
        request_key="k",
    )
    Credit.objects.update(expires_on=clock.today(merchant.timezone) - timedelta(days=1))
    assert not clerk.get(dialog_of(booking.customer, "use_credit")).context["form"].fields["booking"].choices
