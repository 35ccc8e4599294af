"""A customer cancels on their page: shown to the cent, done exactly so and once; or not, because it changed."""

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from bookings.models import Booking, BookingState
from payments import cancellation, credit, refunds
from payments.models import Cancellation, Credit, Refund, RefundRoute, RefundState
from payments.tests.customer_world import expected, fresh, starts_in, stored, text, visitor
from payments.tests.shop import Shop

CANCEL_QUERIES = 20


@pytest.fixture
def booking(shop: Shop) -> Booking:
    """The deposit is paid by card."""
    made = shop.book()
    shop.paid(made)
    return fresh(made)


def test_cancelling_shows_every_figure_and_does_exactly_those_once(
    shop: Shop, booking: Booking, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shop.paid(booking)
    booking = starts_in(booking, days=10, hours=2)
    guest, address = visitor(booking), f"/b/{booking.code}/cancel"
    with django_assert_num_queries(CANCEL_QUERIES):
        page = text(guest.get(address))
    for words in (
        "Your event is in 10 days. $587.25 comes back.",
        "7 to 13 days before",
        "your notice",
        "Visa ending 4242",
        "$543.75",  # of 1,087.50, kept as much
        "$43.50",  # the fees' share
        "/refunds-policy/1",
        "As credit for another booking",
    ):
        assert words in page, words
    before = stored(booking)
    figures = {name: expected(page, name) for name in ("expected_refund", "expected_credit")}
    for wrong in (
        {},
        {"expected_refund": "100|108750|0|"},
        {**figures, "expected_credit": "", "as": "credit"},
    ):
        answer = guest.post(address, wrong)
        assert (answer.status_code, "nothing was cancelled" in text(answer)) == (409, True)
    assert stored(booking) == before
    for _ in range(2):
        answer = guest.post(address, {**figures, "as": "refund", "reason": "Grandma is\x00 ill"})
        assert answer["Location"] == f"/b/{booking.code}"
    done = Cancellation.objects.get()
    assert (done.refund_minor, done.kept_minor, done.reason) == (54_375, 54_375, "Grandma is ill")
    page = text(guest.get(f"/b/{booking.code}"))
    for words in (
        "This booking is cancelled",
        "On its way, or being prepared",
        "$587.25",
        "Kept, of the price",
    ):
        assert words in page, words
    assert "Sent back to you" not in page
    refunds.send_due()
    shop.deliver()
    assert "Sent back to you" in text(guest.get(f"/b/{booking.code}"))
    assert "Not paid" not in text(guest.get(f"/b/{booking.code}"))


def test_the_policy_changes_its_bracket_overnight_and_the_open_page_is_refused(
    shop: Shop, booking: Booking
) -> None:
    booking = starts_in(booking, days=20)
    guest, address = visitor(booking), f"/b/{booking.code}/cancel"
    figures = {"expected_refund": expected(text(guest.get(address)), "expected_refund")}
    starts_in(booking, days=3)
    answer = guest.post(address, figures)
    assert answer.status_code == 409
    assert "nothing comes back" in text(answer)
    assert fresh(booking).state == BookingState.CONFIRMED
    assert not Refund.objects.exists()


def test_what_comes_back_may_stay_as_credit_at_once(shop: Shop, booking: Booking) -> None:
    guest, address = visitor(booking), f"/b/{booking.code}/cancel"
    figures = {"expected_credit": expected(text(guest.get(address)), "expected_credit"), "as": "credit"}
    guest.post(address, figures)
    refunds.send_due()
    refund = Refund.objects.get()
    assert (refund.route, refund.state) == (RefundRoute.CREDIT, RefundState.SUCCEEDED)
    assert credit.available(booking.customer, currency="usd") == refund.total_minor
    assert "Kept as credit" in text(guest.get(f"/b/{booking.code}"))
    assert Credit.objects.count() == 1


def test_a_held_booking_is_cancelled_without_figures_and_a_reinstated_one_says_so(
    shop: Shop, booking: Booking
) -> None:
    held = shop.book(slot=booking.slot, email="else@example.com")
    guest = visitor(held)
    page = text(guest.get(f"/b/{held.code}/cancel"))
    assert "Nothing was paid, so nothing is owed either way." in page
    assert "How it comes back" not in page
    guest.post(f"/b/{held.code}/cancel", {"expected_refund": expected(page, "expected_refund")})
    assert "Nothing was paid, so nothing is owed." in text(guest.get(f"/b/{held.code}"))
    shown = cancellation.preview(booking).shown
    cancellation.cancel(booking, actor="customer", expected=shown)
    cancellation.reinstate(fresh(booking), actor="user:1", reason="They called")
    page = text(visitor(booking).get(f"/b/{booking.code}"))
    assert "This booking was cancelled and stands again" in page
    assert "The cancellation" not in page
