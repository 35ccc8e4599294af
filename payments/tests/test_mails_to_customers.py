"""Mails to customers say what is true where they are read: the event's hour at its place, the way that was paid, whom
an answer reaches.
"""

import re
from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from bookings.models import Booking
from bookings.tests.factories import SlotFactory, booked
from core import clock
from core.models import OutboxEmail
from customers.models import Membership, Role
from payments import cancellation, credit, notices, receipt_pdf, receipts
from payments.models import Receipt
from payments.tests.customer_world import visitor
from payments.tests.test_manual import book, by, claimed, confirm, merchant

__all__ = ["by", "merchant"]
pytestmark = pytest.mark.django_db


def mail(kind: str) -> OutboxEmail:
    return OutboxEmail.objects.get(key__startswith=f"{kind}:")


def both(kind: str) -> tuple[str, str]:
    found = mail(kind)
    return found.text, re.sub("<[^>]*>", "", found.html)


def change(booking: Booking) -> None:
    before = {"total_minor": 1, "starts_at": booking.starts_at.isoformat()}
    notices.changed(booking, before=before, credit_minor=0, key="changed:1")


def test_every_mail_names_the_events_hour_at_its_place(merchant):
    booking = booked(merchant=merchant, slot=SlotFactory.create(merchant=merchant))
    part = booking.instalments.get(purpose="balance")
    change(booking)
    notices.reminder(booking, part, kind="before", is_overdue=False)
    cancellation.cancel(booking, actor="customer")
    for kind in ("held", "changed", "reminder", "cancelled"):
        for words in both(kind):
            assert f"{booking.local(booking.starts_at):%-I:%M %p}" in words, kind
            assert "2:00 AM" not in words, kind  # the same moment in UTC


def test_an_answer_to_a_mail_reaches_the_caterer_whose_name_it_bears(merchant):
    booking = book(merchant)
    change(booking)
    claimed(booking)
    for kind in ("held", "changed", "claim"):
        assert (mail(kind).reply_to, mail(kind).sender_name) == (merchant.email, merchant.name), kind


def test_a_changed_booking_is_told_what_its_page_asks_for(merchant):
    change(book(merchant))
    for words in both("changed"):
        assert "$108.00 by card" in words
        assert "$100.00 by Zelle" in words


def test_a_held_date_is_paid_by_any_way_that_is_offered(merchant):
    book(merchant)
    for words in both("held"):
        assert "$108.00 by card" in words
        assert "$100.00 by Zelle" in words


def test_a_hold_that_crosses_midnight_is_told_with_its_day_and_zone_and_one_of_today_with_its_zone(merchant):
    with clock.movable() as put_to:
        for day, (hour, words) in enumerate(((23, "Saturday, January 5, 12:"), (12, "until 1:")), start=4):
            put_to(datetime(2030, 1, day, hour, 40, tzinfo=ZoneInfo("America/Los_Angeles")))
            booking = book(merchant)
            OutboxEmail.objects.exclude(key=f"held:{booking.public_id}").delete()
            for told in both("held"):
                assert re.search(rf"{words}\d\d [AP]M Pacific Time", told), told
    claimed(book(merchant))
    for told in both("claim"):
        assert re.search(r"until \w+, \w+ \d+, \d+:\d\d [AP]M Pacific Time", told)


@pytest.mark.parametrize(
    ("method", "amount", "fee"), [("zelle", 10_000, ""), ("venmo", 10_300, "Of which Venmo fee")]
)
def test_a_receipt_names_the_way_that_was_paid(merchant, by, method, amount, fee):
    confirm(claimed(book(merchant), method=method), by=by, amount_minor=amount)
    receipts.send_due()
    for words in both("receipt"):
        assert re.search(f"Paid with:? ?{method.title()}", words)
        assert "card processing" not in words
        assert fee in words


def test_a_receipt_for_credit_does_not_say_that_money_came(merchant, by):
    booking = book(merchant)
    credit.grant(customer=booking.customer, amount_minor=5_000, currency="usd", reason="sorry", granted_by=by)
    credit.spend(booking=booking, purpose="deposit", actor="customer")
    receipts.send_due()
    for words in both("receipt"):
        assert "$50.00 of your credit" in words
        assert "We received" not in words
        assert "Received" not in words


def test_a_receipts_paper_names_guests_place_and_hour_as_the_page_does(merchant, by):
    slot = SlotFactory.create(merchant=merchant)
    booking = booked(merchant=merchant, slot=slot, adults=1, children=1)
    confirm(claimed(booking), by=by)
    paper = PdfReader(BytesIO(receipt_pdf.render(Receipt.objects.get()))).pages[0].extract_text()
    assert "Guests 1 adult and 1 child" in paper
    assert "San Francisco, CA 94110" in paper
    assert f"{booking.local(booking.starts_at):%-I:%M %p}" in paper
    assert "by Zelle" in paper


def test_a_receipt_tells_the_fee_apart_on_its_page_in_its_mail_and_on_its_paper(merchant, by):
    booking = book(merchant)
    confirm(claimed(booking, method="venmo"), by=by, amount_minor=10_300)
    receipts.send_due()
    receipt = Receipt.objects.get()
    paper = PdfReader(BytesIO(bytes(receipt.pdf or b""))).pages[0].extract_text()
    page = visitor(booking).get(f"/b/{booking.code}/receipts/{receipt.label}").content.decode()
    for told in (paper, re.sub("<[^>]*>", "", page)):
        assert re.search(r"Deposit\s*\$100\.00\s*Venmo fee\s*\$3\.00\s*Received\s*\$103\.00", told)
    for told in both("receipt"):
        assert re.search(r"Received:?\s*\$103\.00\s*Of which Venmo fee:?\s*\$3\.00", told)


def test_what_staff_decide_otherwise_is_not_told_as_the_policys(merchant, by):
    Membership.objects.create(user=by, merchant=merchant, role=Role.MANAGER)
    booking = book(merchant)
    confirm(claimed(booking), by=by)
    booking = Booking.objects.get(pk=booking.pk)
    cancellation.cancel(booking, actor=f"user:{by.pk}", by=by, reason="The garden is closed", percent=30)
    for words in both("cancelled"):
        assert "$70.00" in words
        assert "policy" not in words
    page = visitor(booking).get(f"/b/{booking.code}").content.decode()
    assert "$70.00" in page
    assert "as agreed in" not in page
