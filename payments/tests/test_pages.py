"""A booking's own pages without a browser: who may see them, what they say, and what a click on "Pay" does."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from bookings import access, lifecycle
from bookings.models import Booking
from bookings.tests.factories import MerchantFactory, booked
from core import clock
from payments import receipts, refunds
from payments.models import Payment, PaymentState, Refund, RefundCause, RefundState
from payments.page_declines import ADVICE
from payments.page_money import shown_refunds
from payments.tests.shop import Shop

JSON = {"Accept": "application/json"}
PAY_PAGE_QUERIES = 10
STATUS_PAGE_QUERIES = 9


def refund(payment: Payment, *, reason: str = "fewer guests", amount_minor: int = 1_000) -> Refund:
    return refunds.request(
        payment=Payment.objects.get(pk=payment.pk),
        amount_minor=amount_minor,
        cause=RefundCause.PRICE_REDUCTION,
        reason=reason,
        requested_by=None,
        actor="test",
    )


def visitor(booking: Booking) -> Client:
    """A browser that came by the booking's link."""
    client = Client()
    answer = client.get(f"/b/{booking.code}?t={access.issue(booking)}")
    assert (answer.status_code, answer["Location"]) == (302, f"/b/{booking.code}")
    return client


def click(client: Client, booking: Booking, **changes: str) -> Any:
    sent = {"purpose": "deposit", "shown": "10800", "mode": "element", **changes}
    return client.post(f"/b/{booking.code}/pay/start", sent, headers=JSON)


def test_a_stranger_with_the_code_sees_the_same_page_as_for_no_booking(shop: Shop) -> None:
    booking = shop.book()
    other = visitor(shop.book(slot=booking.slot, email="else@example.com"))
    for client in (Client(), other):
        for path in ("", "/pay", "/paid", "/receipts/R-000001", "/receipts/R-000001/pdf"):
            known = client.get(f"/b/{booking.code}{path}")
            unknown = client.get(f"/b/NOSUCH11{path}")
            assert known.status_code == unknown.status_code == 404
            assert "Please open your booking by its link" in known.content.decode()
        assert click(client, booking).status_code == 404
    assert not Payment.objects.exists()


def test_a_forged_or_foreign_token_opens_nothing(shop: Shop) -> None:
    booking = shop.book()
    other = shop.book(slot=booking.slot, email="else@example.com")
    for token in ("nonsense", access.issue(other)):
        client = Client()
        assert client.get(f"/b/{booking.code}?t={token}", follow=True).status_code == 404


def test_another_merchants_booking_is_not_shown_on_this_merchants_host(shop: Shop) -> None:
    elsewhere = booked(merchant=MerchantFactory.create(host="other.example.com"))
    client = Client()
    assert client.get(f"/b/{elsewhere.code}?t={access.issue(elsewhere)}", follow=True).status_code == 404


def test_booking_pages_are_kept_in_no_cache_and_by_no_search_engine(shop: Shop) -> None:
    booking = shop.book()
    answer = visitor(booking).get(f"/b/{booking.code}")
    assert "no-store" in answer["Cache-Control"]
    assert b'content="noindex"' in answer.content


def test_looking_at_the_pay_page_makes_nothing_at_stripe(shop: Shop) -> None:
    booking = shop.book()
    page = visitor(booking).get(f"/b/{booking.code}/pay").content.decode()
    assert "$108.00" in page
    assert "Zelle" not in page  # The caterer has not said where to.
    assert not Payment.objects.exists()
    assert shop.events() == []


def test_a_click_gets_the_clients_secret_and_a_second_click_the_same(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    first, second = click(client, booking).json(), click(client, booking).json()
    assert first == second
    assert first["client_secret"].startswith("pi_")
    payment = Payment.objects.get()
    assert first["return_path"] == f"/b/{booking.code}/paid?payment={payment.public_id}"


def test_an_amount_that_changed_under_an_open_page_is_shown_again_not_charged(shop: Shop) -> None:
    booking = shop.book()
    answer = click(visitor(booking), booking, shown="9999").json()
    assert answer == {"next": f"/b/{booking.code}/pay?problem=changed"}
    assert not Payment.objects.exists()


def test_checkout_is_a_redirect_to_stripe(shop: Shop) -> None:
    booking = shop.book()
    sent = {"purpose": "deposit", "shown": "10800", "mode": "hosted"}
    answer = visitor(booking).post(f"/b/{booking.code}/pay/start", sent)
    assert answer.status_code == 302
    assert "/c/pay/" in answer["Location"]


def test_a_lost_answer_says_that_trying_again_is_safe_and_trying_again_works(
    shop: Shop, settings: Any
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    client = visitor(booking)
    shop.fault("timeout_after", path="/v1/payment_intents")
    answer = click(client, booking)
    assert answer.status_code == 503
    assert "not be charged twice" in answer.json()["title"]
    assert Payment.objects.get().state == PaymentState.UNKNOWN
    assert "Trying again is safe" in client.get(f"/b/{booking.code}").content.decode()
    assert click(client, booking).json()["client_secret"].startswith("pi_")
    assert Payment.objects.count() == 1


def test_the_return_page_asks_and_does_not_decide(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    click(client, booking)
    payment = Payment.objects.get()
    back = f"/b/{booking.code}/paid?payment={payment.public_id}&redirect_status=succeeded"
    assert "We are confirming your payment" in client.get(back).content.decode()
    status = f"/b/{booking.code}/payments/{payment.public_id}/status"
    assert (client.get(status).json()["state"], client.get(status).json()["next"]) == ("pending", "")
    assert Booking.objects.get(pk=booking.pk).state == "held"
    shop.confirm(payment)
    shop.deliver()
    assert client.get(status).json()["next"] == f"/b/{booking.code}"
    assert client.get(back)["Location"] == f"/b/{booking.code}"


def test_a_failed_return_leads_back_to_the_pay_page_with_words(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    click(client, booking)
    back = f"/b/{booking.code}/paid?payment={Payment.objects.get().public_id}&redirect_status=failed"
    page = client.get(back, follow=True).content.decode()
    assert "The payment did not go through" in page


def test_after_the_deposit_the_page_confirms_and_offers_the_balance(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    shop.paid(booking)
    receipts.send_due()
    page = client.get(f"/b/{booking.code}").content.decode()
    for words in (
        "You are booked",
        "Visa ending 4242",
        "of which $8.00 card processing",
        "Pay the balance, $1,066.50",
    ):
        assert words in page, words
    assert click(client, booking).json() == {"next": f"/b/{booking.code}"}
    pdf = client.get(f"/b/{booking.code}/receipts/R-000001/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert "$108.00" in client.get(f"/b/{booking.code}/receipts/R-000001").content.decode()


def test_a_receipt_can_be_read_before_it_was_mailed(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    shop.paid(booking)
    assert client.get(f"/b/{booking.code}/receipts/r-1/pdf").content.startswith(b"%PDF")


def test_an_ended_hold_says_that_nothing_is_owed_and_takes_no_payment(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=clock.now() - timedelta(minutes=1))
    assert "The time to pay has run out" in client.get(f"/b/{booking.code}").content.decode()
    assert client.get(f"/b/{booking.code}/pay")["Location"] == f"/b/{booking.code}"
    assert click(client, booking).json() == {"next": f"/b/{booking.code}"}
    booking.refresh_from_db()
    lifecycle.expire(booking, actor="system")
    assert "Nothing is owed" in client.get(f"/b/{booking.code}").content.decode()


def test_refunds_are_told_as_they_stand(shop: Shop) -> None:
    booking = shop.book()
    client = visitor(booking)
    payment = shop.paid(booking)
    refund(payment, amount_minor=4_000)
    page = client.get(f"/b/{booking.code}").content.decode()
    for words in ("-$43.20", "Refunded", "Paid, $43.20 refunded", "$64.80"):
        assert words in page, words
    refund(payment, amount_minor=6_000)
    page = client.get(f"/b/{booking.code}").content.decode()
    assert "-$64.80" in page
    assert "Paid, " not in page  # Nothing is left of the deposit, in the plan neither.


@pytest.mark.parametrize("state", list(RefundState))
def test_every_state_of_a_refund_has_its_words(shop: Shop, state: RefundState) -> None:
    booking = shop.book()
    payment = shop.paid(booking)
    Refund.objects.create(
        payment=payment,
        state=state,
        cause=RefundCause.PRICE_REDUCTION,
        reason="fewer guests",
        currency="usd",
        amount_minor=4_000,
        fee_minor=320,
        total_minor=4_320,
    )
    told = shown_refunds(payment, booking=booking)
    if state in (RefundState.DECLINED, RefundState.CANCELED):
        assert told == []
    else:
        assert (told[0].label == "Refunded") == (state == RefundState.SUCCEEDED)
        unpromised = (RefundState.FAILED, RefundState.REQUESTED)
        assert (told[0].signed_minor is None) == (state in unpromised)


def test_the_pages_ask_the_database_the_same_number_of_times_however_much_happened(
    shop: Shop, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    booking = shop.book()
    client = visitor(booking)
    with django_assert_num_queries(PAY_PAGE_QUERIES):
        client.get(f"/b/{booking.code}/pay")
    payment = shop.paid(booking)
    for number in range(3):
        refund(payment, reason=f"guest {number} stays at home")
        with django_assert_num_queries(STATUS_PAGE_QUERIES):
            client.get(f"/b/{booking.code}")
        with django_assert_num_queries(
            PAY_PAGE_QUERIES + 2
        ):  # Refunds and credit of the payment that is there now.
            client.get(f"/b/{booking.code}/pay")


def test_every_piece_of_advice_says_what_to_do_and_that_nothing_was_charged() -> None:
    for code, advice in ADVICE.items():
        assert "Please" in advice["text"], code
        assert "charged" in advice["text"], code
