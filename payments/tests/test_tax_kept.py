"""Where the place taxes what is kept of a cancelled booking, the tax is within it, at the booking's own rate."""

import pytest

from bookings.models import Booking
from core.models import OutboxEmail
from payments import cancellation, completion, ledger, refunds
from payments.models import Account, Cancellation, Payment
from payments.tests.customer_world import text, visitor
from payments.tests.shop import Shop
from payments.tests.test_cancellation import cancel, in_days
from payments.tests.test_completion import over

KEPT, TAX = 54_375, 4_375  # half of 1,087.50, of which 87.50 is tax


@pytest.fixture
def booking(shop: Shop) -> Booking:
    """Paid whole by card, agreed to while the merchant's setting was on."""
    shop.merchant.tax_kept = True
    shop.merchant.save()
    booking = shop.book()
    shop.paid(booking)
    shop.paid(booking)
    shop.merchant.tax_kept = False  # for later bookings only
    shop.merchant.save()
    return Booking.objects.get(pk=booking.pk)


def of_the_books(shop: Shop) -> tuple[int, int, int]:
    """(earned, tax, deposits), as people read them."""
    balances = shop.balances()
    names = (Account.CANCELLATION_INCOME, Account.TAX_PAYABLE, Account.CUSTOMER_DEPOSITS)
    return tuple(-balances.get(name, 0) for name in names)  # type: ignore[return-value]


def test_the_tax_is_split_off_as_the_preview_says_and_given_back_when_reinstated(
    shop: Shop, booking: Booking
) -> None:
    booking = in_days(booking, 10)
    seen = cancellation.preview(booking)
    assert (seen.kept_minor, seen.kept_tax_minor) == (KEPT, TAX)
    page = text(visitor(booking).get(f"/b/{booking.code}/cancel"))
    assert "of which $43.75 tax" in page
    done = cancel(booking, expected=seen.shown)
    assert (done.kept_minor, done.kept_tax_minor) == (KEPT, TAX)
    assert of_the_books(shop) == (KEPT - TAX, TAX, KEPT)  # what goes back is a deposit until it moves
    mail = OutboxEmail.objects.get(key__startswith="cancelled")
    for words in (mail.text, mail.html, text(visitor(booking).get(f"/b/{booking.code}"))):
        assert "of which $43.75 tax" in words
    refunds.send_due()
    shop.deliver()
    assert of_the_books(shop) == (KEPT - TAX, TAX, 0)
    assert cancellation.reinstate(booking, actor="user:1", reason="they came back")
    assert of_the_books(shop) == (0, 0, KEPT)
    assert shop.tie_out().difference_minor == 0


def test_money_that_goes_back_later_takes_its_tax_along(shop: Shop, booking: Booking) -> None:
    cancel(in_days(booking, 1))
    assert of_the_books(shop) == (100_000, 8_750, 0)
    payment = Payment.objects.latest("pk")
    refunds.request(
        payment=payment, amount_minor=5_000, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )
    shop.deliver()
    assert of_the_books(shop) == (103_750 - 8_348, 8_348, 0)
    refunds.request(
        payment=payment, amount_minor=20_000, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )  # fmt: skip
    shop.deliver()
    assert of_the_books(shop) == (83_750 - 6_739, 6_739, 0)
    assert shop.tie_out().difference_minor == 0


def test_a_booking_made_while_the_setting_was_off_keeps_no_tax(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    shop.merchant.tax_kept = True
    shop.merchant.save()
    done = cancel(in_days(booking, 1))
    assert (done.kept_minor, done.kept_tax_minor) == (10_000, 0)
    assert of_the_books(shop) == (10_000, 0, 0)


def test_a_tax_of_what_was_kept_is_no_tax_of_the_event(shop: Shop, booking: Booking) -> None:
    cancel(in_days(booking, 1))
    assert cancellation.reinstate(booking, actor="t", reason="it takes place after all")
    booking = over(booking)
    assert completion.complete(booking, actor="t")
    assert of_the_books(shop) == (0, 8_750, 0)
    assert completion.undo(booking, actor="t", reason="no")
    assert of_the_books(shop) == (0, 0, 108_750)
    assert ledger.booking_balance(booking, account=Account.REVENUE) == 0
    assert Cancellation.objects.get().reinstated_at is not None
