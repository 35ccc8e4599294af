"""Money that nobody announced: recorded by staff once, shown before, taken back with a reason."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bookings.models import BookingState
from customers.models import Merchant, Role
from payments import manual
from payments.models import Credit, DeskItem, Transfer
from payments.tests.test_admin_inbox import casey, said, staff_of
from payments.tests.test_admin_scope import signed_in
from payments.tests.test_manual import TODAY, book, merchant, standing

__all__ = ["casey", "merchant"]
pytestmark = pytest.mark.django_db
RECORD = "/admin/payments/transfer/record/"


def record(client: Client, *, booking: str = "", **typed: str) -> Any:
    """Fill the form in, look, record; the page that follows."""
    address = f"{RECORD}?booking={booking}" if booking else RECORD
    form = client.get(address).context["form"]
    kept = {name: str(form[name].value() or "") for name in form.fields} | typed
    seen = client.post(address, {**kept, "_preview": "1"})
    if not seen.context["effects"]:
        return seen
    done = {**kept, "shown": seen.context["shown"]}
    client.post(address, done)
    return client.post(address, done, follow=True)  # the same form twice


def test_cash_a_check_and_unknown_money_are_recorded_once(merchant: Merchant, casey: Client) -> None:
    booking = book(merchant)
    page = record(casey, booking=booking.code, amount="100.00", method="cash")
    assert "nothing was booked twice" in said(page)
    assert page.redirect_chain[-1][0] == reverse("admin:bookings_booking_change", args=[booking.pk])
    booking.refresh_from_db()
    assert (booking.state, Transfer.objects.count()) == (BookingState.CONFIRMED, 1)
    record(casey, amount="987.50", method="check", reference="1042", booking_="", in_full="on")
    assert DeskItem.objects.get().kind == "foreign_money"
    record(casey, amount="20.00", method="zelle", customer=booking.customer.email.upper())
    assert Credit.objects.get().remaining_minor == 2_000
    before = standing(booking)
    assert "no customer" in record(casey, amount="5.00", customer="x@y.example").content.decode()
    for nobodys, status in (("ZZZZZZZZ", 404), ("A\x00", 400)):
        assert casey.get(RECORD, {"booking": nobodys}).status_code == status
    assert standing(booking) == before
    led = casey.get(reverse("admin:bookings_booking_record_money", args=[booking.pk]))
    assert led["Location"].endswith(f"?booking={booking.code}")


def test_a_transfer_is_taken_back_by_managers_alone_with_a_reason(merchant: Merchant, casey: Client) -> None:
    booking = book(merchant)
    manual.record(
        manual.Found(
            merchant=merchant, method="check", amount_minor=10_000, currency="usd", received_on=TODAY, by=None
        ),
        booking=booking,
    )
    transfer = Transfer.objects.get()
    dialog_url = reverse("admin:payments_transfer_take_back", args=[transfer.pk])
    before = standing(booking)
    assert casey.post(dialog_url, {"reason": "It bounced"}).status_code in (403, 404)
    manager = signed_in(staff_of(merchant, "Morgan", role=Role.MANAGER))
    assert "$100.00" in manager.get(dialog_url).content.decode()
    manager.post(dialog_url, {"reason": ""})
    assert standing(booking) == before
    manager.post(dialog_url, {"reason": "It bounced"})
    transfer.refresh_from_db()
    assert (transfer.is_reversed, booking.instalments.earliest("position").paid_minor) == (True, 0)
    page = manager.get(reverse("admin:payments_transfer_change", args=[transfer.pk])).content.decode()
    assert "It bounced" in page
    assert dialog_url not in page
