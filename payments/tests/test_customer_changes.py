"""The customer's pages that change a booking: pick the amount, use credit, change guests, move the date, cancel.

Each is shown first and done only as shown; strangers and other merchants' visitors find nothing.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from bookings import access, editing
from bookings.models import Booking, BookingState, Purpose, Slot
from bookings.tests.factories import AddOnFactory, CustomerFactory, MerchantFactory, SlotFactory, booked
from core import clock
from payments import credit
from payments.models import Payment, PaymentState
from payments.tests.customer_world import expected, fresh, signed_in, starts_in, stored, text, visitor
from payments.tests.shop import Shop

HTMX = {"HX-Request": "true"}
CHANGE_QUERIES, MOVE_QUERIES = 15, 11


@pytest.fixture
def booking(shop: Shop) -> Booking:
    """The deposit is paid by card."""
    made = shop.book()
    shop.paid(made)
    return fresh(made)


def guests(booking: Booking, adults: int, **more: object) -> dict[str, Any]:
    return {"adults": adults, "children": 0, "menu": booking.menu_id, "based_on": mark(booking), **more}


def mark(booking: Booking) -> str:
    return editing.mark(fresh(booking))


def give_credit(booking: Booking, minor: int) -> None:
    credit.grant(
        customer=booking.customer, amount_minor=minor, currency="usd", reason="Sorry", granted_by=None
    )


def later(shop: Shop, *, days: int = 60, capacity: int = 1) -> Slot:
    return SlotFactory.create(
        merchant=shop.merchant, starts_at=clock.now() + timedelta(days=days), capacity=capacity
    )


def test_strangers_and_another_merchants_visitors_find_nothing_to_change(
    shop: Shop, booking: Booking, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    elsewhere = MerchantFactory.create(host="other.example.com")
    other = shop.book(slot=booking.slot, email="else@example.com")
    foreign = booked(merchant=elsewhere)
    before = stored(booking)
    for client in (Client(), visitor(other), signed_in(other.customer), visitor(foreign)):
        for path in ("change", "move", "cancel", "pay/credit"):
            address = f"/b/{booking.code}/{path}"
            if path != "pay/credit":
                assert client.get(address).status_code == 404
            sent = {"expected": "108750", "expected_refund": "100|10000|0|"}
            assert client.post(address, {**guests(booking, 9), **sent}).status_code == 404
    assert (
        visitor(booking).get(f"/b/{booking.code}/cancel", headers={"host": "other.example.com"}).status_code
        == 404
    )
    assert stored(booking) == before


def test_the_payer_picks_everything_at_once_by_card_and_by_transfer(shop: Shop) -> None:
    shop.merchant.zelle_contact, shop.merchant.zelle_name = "pay@ember.example", "Ember LLC"
    shop.merchant.save()
    booking = shop.book()
    guest = visitor(booking)
    page = text(guest.get(f"/b/{booking.code}/pay"))
    for words in ("Pay the deposit", "Then $1,066.50 by", "Everything at once", "$1,174.50"):
        assert words in page, words
    page = text(guest.get(f"/b/{booking.code}/pay?purpose=full"))
    for words in (
        "Pay the whole price",
        'value="117450"',
        "All that is open, paid at once",
        "pay/zelle?purpose=full",
    ):
        assert words in page, words
    assert "The event is near" not in page
    zelle = text(guest.get(f"/b/{booking.code}/pay/zelle?purpose=full"))
    assert "$1,087.50" in zelle and "Everything at once" in zelle  # noqa: PT018
    sent = {"purpose": "full", "shown": "10800", "mode": "element"}
    stale = guest.post(f"/b/{booking.code}/pay/start", sent)
    assert stale["Location"] == f"/b/{booking.code}/pay?problem=changed&purpose=full"
    assert not Payment.objects.exists()
    guest.post(
        f"/b/{booking.code}/pay/start", {**sent, "shown": "117450"}, headers={"Accept": "application/json"}
    )
    payment = Payment.objects.get()
    assert (payment.purpose, payment.amount_minor, payment.total_minor) == ("full", 108_750, 117_450)
    shop.confirm(payment)
    shop.deliver(times=2)
    page = text(guest.get(f"/b/{booking.code}"))
    assert "Everything is paid." in page
    assert page.count('class="plan-part') == 1  # The balance, taken in, is a row of 0 that nobody sees.
    assert booking.instalments.filter(amount_minor=0).count() == 1


def test_near_the_event_all_is_due_and_the_page_says_why(shop: Shop) -> None:
    booking = shop.book(slot=later(shop, days=3))
    page = text(visitor(booking).get(f"/b/{booking.code}/pay"))
    assert "The event is near, so all of it is due now." in page
    assert "Everything at once" not in page


def test_credit_is_shown_and_spent_by_its_signed_in_customer_alone(shop: Shop) -> None:
    booking = shop.book()
    give_credit(booking, 4_000)
    sent = {"purpose": "deposit", "shown": "4000"}
    before = stored(booking)
    guest = visitor(booking)
    assert "credit" not in text(guest.get(f"/b/{booking.code}/pay")).lower()
    refused = guest.post(f"/b/{booking.code}/pay/credit", sent)
    assert refused["Location"] == f"/account/sign-in?next=%2Fb%2F{booking.code}%2Fpay"
    ada = signed_in(booking.customer)
    assert ada.get(f"/b/{booking.code}/pay/credit").status_code == 405
    for wrong in ({"purpose": "balance", "shown": "4000"}, {"purpose": "deposit", "shown": "9999"}, {}):
        assert ada.post(f"/b/{booking.code}/pay/credit", wrong)["Location"] == f"/b/{booking.code}/pay"
    assert stored(booking) == before
    assert "You have $40.00 credit" in text(ada.get("/account/"))
    stale = shop.start(booking).payment  # A card form that is open for all of the deposit.
    assert "Use $40.00 of it" in text(ada.get(f"/b/{booking.code}/pay"))
    for _ in range(2):
        assert ada.post(f"/b/{booking.code}/pay/credit", sent)["Location"] == f"/b/{booking.code}/pay"
    assert Payment.objects.filter(method="credit").count() == 1
    stale.refresh_from_db()
    assert stale.state == PaymentState.CANCELED
    page = text(ada.get(f"/b/{booking.code}/pay"))
    assert "Pay the rest of the deposit" in page
    assert "$64.80" in page  # 60.00 and 8 %
    assert "Use $" not in page
    assert fresh(booking).state == BookingState.HELD
    shop.paid(booking)
    assert fresh(booking).state == BookingState.CONFIRMED
    give_credit(booking, 200_000)
    ada.post(f"/b/{booking.code}/pay/credit", {"purpose": "balance", "shown": "98750"})
    assert "Everything is paid." in text(ada.get(f"/b/{booking.code}"))
    assert credit.available(booking.customer, currency="usd") == 101_250


def test_a_change_is_previewed_then_done_at_the_price_that_was_shown(
    shop: Shop, booking: Booking, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    add_on = AddOnFactory.create(merchant=shop.merchant, name="Gyoza", price_minor=500)
    guest, address = visitor(booking), f"/b/{booking.code}/change"
    before = stored(booking)
    with django_assert_num_queries(CHANGE_QUERIES):
        assert "The price stays the same" in text(guest.get(address))
    wanted = guests(booking, 12, **{f"add_on_{add_on.pk}": "on"})
    for headers in ({}, HTMX):
        page = text(guest.post(address, {**wanted, "preview": "1"}, headers=headers))
        for words in ("12 × $100.00", "12 × $5.00", "$282.75 more than before", "$1,370.25", "$1,371.87"):
            assert words in page, words  # 1,270.25 open, and 8 %
        assert ("<html" in page) == (headers == {})
    assert stored(booking) == before
    for stale in ("108750", "", "x", "-1", "٩"):
        answer = guest.post(address, {**wanted, "expected": stale})
        assert (answer.status_code, "another one now" in text(answer)) == (409, True)
    wrong = guest.post(address, {**guests(booking, 0), "expected": "0"})
    assert wrong.status_code == 422
    assert guest.post(address, {"adults": "many", "preview": "1"}, headers=HTMX).status_code == 200
    assert stored(booking) == before
    for _ in range(2):
        answer = guest.post(address, {**wanted, "expected": expected(page)})
        assert answer["Location"] == f"/b/{booking.code}"
    booking = fresh(booking)
    assert (booking.total_minor, booking.edits.count()) == (137_025, 1)
    shown = text(guest.get(f"/b/{booking.code}"))
    assert "Your booking is changed." in shown and "12 adults" in shown  # noqa: PT018


def test_what_another_tab_changed_meanwhile_is_shown_and_not_replaced(shop: Shop, booking: Booking) -> None:
    add_on = AddOnFactory.create(merchant=shop.merchant, name="Gyoza", price_minor=500)
    guest, address, slot = visitor(booking), f"/b/{booking.code}/change", later(shop)
    old = {"based_on": expected(text(guest.get(address)), name="based_on")}
    wanted = {**guests(booking, 12), **old}
    seen = text(guest.post(address, {**wanted, "preview": "1"}))
    first = {**guests(booking, 10, **{f"add_on_{add_on.pk}": "on"}), **old}
    page = text(guest.post(address, {**first, "preview": "1"}))
    assert expected(page, name="based_on") == old["based_on"]
    assert guest.post(address, {**first, "expected": expected(page)}).status_code == 302
    before = stored(booking)
    move = {"slot": str(slot.public_id), "expected": "114188", **old}
    for path, sent in ((address, {**wanted, "expected": expected(seen)}), (f"/b/{booking.code}/move", move)):
        for more in ({}, {"preview": "1"}, {"based_on": ""}):
            answer = guest.post(path, {**sent, **more})
            assert answer.status_code == 409, (path, more)
            assert "changed meanwhile" in text(answer)
            assert expected(text(answer), name="based_on") == mark(booking)
        panel = text(guest.post(path, {**sent, "preview": "1"}, headers=HTMX))
        assert "changed meanwhile" in panel
        assert "<button" not in panel
    shown = text(guest.post(address, {**wanted, "expected": expected(seen)}))
    assert re.search(rf'name="add_on_{add_on.pk}"[^>]* checked', shown)
    assert 'value="10"' in shown
    assert guest.post(address, {**first, "expected": expected(page)}).status_code == 302  # A second click.
    assert stored(booking) == before


def test_fewer_guests_than_were_paid_for_leave_credit_and_the_page_says_so(
    shop: Shop, booking: Booking
) -> None:
    shop.paid(booking)
    guest, address = visitor(booking), f"/b/{booking.code}/change"
    page = text(guest.post(address, {**guests(booking, 9), "preview": "1"}))
    assert "$108.75 of what you paid becomes credit" in page
    assert "Nothing is left to pay" in page
    guest.post(address, {**guests(booking, 9), "expected": expected(page)})
    assert credit.available(booking.customer, currency="usd") == 10_875
    shown = text(guest.get(f"/b/{booking.code}"))
    assert "$108.75 is kept for you as credit" in shown
    assert "Use $" not in shown


def test_after_the_agreed_day_guests_and_date_are_for_staff_and_the_page_says_whom_to_ask(
    shop: Shop, booking: Booking
) -> None:
    guest, slot = visitor(booking), later(shop)
    assert "Change guests or menu" in text(guest.get(f"/b/{booking.code}"))
    booking = starts_in(booking, days=6)
    before = stored(booking)
    for path, sent in (
        ("change", guests(booking, 9, expected="97875")),
        ("move", {"slot": str(slot.public_id), "expected": "108750"}),
    ):
        assert guest.get(f"/b/{booking.code}/{path}")["Location"] == f"/b/{booking.code}"
        assert guest.post(f"/b/{booking.code}/{path}", sent)["Location"] == f"/b/{booking.code}"
    assert stored(booking) == before
    page = text(guest.get(f"/b/{booking.code}"))
    assert "cannot be changed here so late" in page  # it never could: that day was over when it was booked
    Booking.objects.filter(pk=booking.pk).update(created_at=clock.now() - timedelta(days=30))
    page = text(guest.get(f"/b/{booking.code}"))
    assert "could be changed here until" in page
    assert "Change guests or menu" not in page
    assert "Cancel the booking" in page
    starts_in(booking, hours=-1)
    assert "Cancel the booking" not in text(guest.get(f"/b/{booking.code}"))


def test_the_date_moves_with_its_deposit_and_the_agreed_fee_and_asks_nothing_again(
    shop: Shop, booking: Booking, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Booking.objects.filter(pk=booking.pk).update(
        agreement={**booking.agreement, "move": {"days_before": 7, "fee_minor": 2_500}}
    )
    slot, full = later(shop), later(shop, days=70)
    shop.book(slot=full, email="else@example.com")
    guest, address = visitor(booking), f"/b/{booking.code}/move"
    with django_assert_num_queries(MOVE_QUERIES):
        page = text(guest.get(address))
    assert "$25.00 is added" in page
    assert str(slot.public_id) in page
    assert str(booking.slot.public_id) not in page
    before = stored(booking)
    sent = {"slot": str(slot.public_id), "based_on": mark(booking)}
    for headers in ({}, HTMX):
        page = text(guest.post(address, {**sent, "preview": "1"}, headers=headers))
        for words in (
            "Moved to another day",
            "$25.00 more than before",
            "$1,112.50",
            "Paid, and it stays paid",
        ):
            assert words in page, words
    for refused, status in (
        ({"slot": "x"}, 422),
        ({**sent, "slot": str(full.public_id), "expected": "111250"}, 409),
        ({**sent, "expected": "108750"}, 409),
    ):
        assert guest.post(address, refused).status_code == status
    assert stored(booking) == before
    for _ in range(2):
        guest.post(address, {**sent, "expected": expected(page)})
    booking = fresh(booking)
    assert (booking.slot_id, booking.total_minor, booking.edits.count()) == (slot.pk, 111_250, 1)
    parts = [(part.purpose, part.open_minor) for part in booking.instalments.order_by("position")]
    assert parts == [(Purpose.DEPOSIT, 0), (Purpose.BALANCE, 101_250)]
    assert "You are booked" in text(guest.get(f"/b/{booking.code}"))


def test_a_time_that_goes_while_the_page_is_open_is_told_and_nothing_moves(
    shop: Shop, booking: Booking
) -> None:
    slot = later(shop)
    guest, address = visitor(booking), f"/b/{booking.code}/move"
    sent = {"slot": str(slot.public_id), "based_on": mark(booking)}
    page = text(guest.post(address, {**sent, "preview": "1"}))
    shop.book(slot=slot, email="quick@example.com")
    before = stored(booking)
    answer = guest.post(address, {**sent, "expected": expected(page)})
    assert answer.status_code == 409
    assert str(slot.public_id) not in text(answer)
    assert stored(booking) == before


def test_another_customer_of_the_merchant_who_is_signed_in_spends_nothing(shop: Shop) -> None:
    """Even on a booking whose link they opened: a co-host's credit is not the customer's, nor the other way."""
    booking = shop.book()
    give_credit(booking, 4_000)
    cohost = signed_in(CustomerFactory.create(merchant=shop.merchant))
    cohost.get(visitor_link(booking))
    before = stored(booking)
    assert "Use $" not in text(cohost.get(f"/b/{booking.code}/pay"))
    answer = cohost.post(f"/b/{booking.code}/pay/credit", {"purpose": "deposit", "shown": "4000"})
    assert answer["Location"].startswith("/account/sign-in")
    assert stored(booking) == before


def visitor_link(booking: Booking) -> str:
    return f"/b/{booking.code}?t={access.issue(booking)}"
