"""An event that is over: deposits become revenue and tax, what is missing is owed; once, and undone by a reversal."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from bookings.models import Booking, BookingState
from bookings.tests.factories import SlotFactory
from core import clock
from core.errors import Invalid
from payments import cancellation, completion, credit, manual, refunds
from payments.models import Account
from payments.tests.shop import Shop


def over(booking: Booking) -> Booking:
    ended = clock.now() - timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(starts_at=ended - timedelta(hours=3), ends_at=ended)
    return Booking.objects.get(pk=booking.pk)


def some(balances: dict[str, int]) -> dict[str, int]:
    wanted = ("customer_deposits", "accounts_receivable", "revenue", "tax_payable")
    return {name: balances[name] for name in wanted if balances.get(name)}


def test_what_was_paid_is_earned_once_and_what_was_not_is_owed(shop: Shop) -> None:
    paid = shop.book()
    shop.paid(paid)
    shop.paid(paid)
    owing = shop.book(slot=paid.slot, email="owing@example.com")
    shop.paid(owing)
    assert completion.complete_due() == 0  # both are still ahead
    over(paid), over(owing)
    assert [completion.complete_due(), completion.complete_due()] == [2, 0]
    assert some(shop.balances()) == {
        "accounts_receivable": 98_750,
        "revenue": -200_000,
        "tax_payable": -17_500,
    }
    owing.refresh_from_db()
    assert owing.state == BookingState.COMPLETED
    shop.paid(owing)
    assert some(shop.balances()) == {"revenue": -200_000, "tax_payable": -17_500}
    assert shop.tie_out().difference_minor == 0


def test_undone_and_done_again_leaves_the_books_as_done_once(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    booking = over(booking)
    completion.complete(booking, actor="system")
    done = shop.balances()
    with pytest.raises(Invalid):
        completion.undo(booking, actor="user:1", reason=" ")
    assert completion.undo(booking, actor="user:1", reason="it was moved")
    assert not completion.undo(booking, actor="user:1", reason="it was moved")
    assert some(shop.balances()) == {"customer_deposits": -10_000}
    assert completion.complete(booking, actor="system")
    assert shop.balances() == done | {}


def test_credit_and_price_reductions_after_the_event_come_out_as_the_books_say(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    completion.complete(over(booking), actor="system")
    refunds.request(
        payment=payment,
        amount_minor=5_000,
        cause="price_reduction",
        reason="cold",
        requested_by=None,
        actor="t",
    )
    shop.deliver()
    assert some(shop.balances()) == {"revenue": -95_402, "tax_payable": -8_348}
    refunds.request(
        payment=payment, amount_minor=2_000, cause="price_reduction", reason="late", requested_by=None, actor="t",
        as_credit=True,
    )  # fmt: skip
    assert credit.available(booking.customer, currency="usd") == 2_160
    assert some(shop.balances()).get("customer_deposits", 0) == 0
    assert shop.balances()[Account.CUSTOMER_CREDIT] == -2_160


@pytest.mark.parametrize("state", ["held", "expired", "cancelled"])
def test_only_confirmed_bookings_are_done(shop: Shop, state: str) -> None:
    booking = over(shop.book())
    Booking.objects.filter(pk=booking.pk).update(state=state)
    assert completion.complete_due() == 0
    assert not completion.complete(booking, actor="system")
    assert shop.balances() == {}


@pytest.mark.parametrize("as_credit", [False, True])
def test_earned_money_that_goes_back_at_the_same_price_is_owed_again(shop: Shop, as_credit: bool) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    completion.complete(over(booking), actor="system")
    refunds.request(
        payment=payment, amount_minor=5_000, cause="dispute_prevention", reason="they insist", requested_by=None,
        actor="t", as_credit=as_credit,
    )  # fmt: skip
    shop.deliver()
    assert some(shop.balances()) == {"accounts_receivable": 5_000, "revenue": -100_000, "tax_payable": -8_750}
    assert completion.undo(booking, actor="user:1", reason="it was moved")
    assert some(shop.balances()) == {"customer_deposits": -103_750}
    assert shop.tie_out().difference_minor == 0


def bounced(shop: Shop) -> tuple[Booking, Booking]:
    """A check for a booking that was paid became credit, paid another's deposit, and then turned out to be none."""
    by = User.objects.create_user("casey")
    first = shop.book()
    other = shop.book(
        slot=SlotFactory.create(merchant=shop.merchant, starts_at=first.starts_at + timedelta(days=1))
    )
    paid = manual.Found(
        merchant=shop.merchant,
        method="check",
        amount_minor=108_750,
        currency="usd",
        received_on=clock.today(shop.merchant.timezone),
        by=by,
        reference="1",
    )
    manual.record(paid, booking=first, purpose="full")
    check = manual.record(replace(paid, amount_minor=10_000, reference="2"), booking=first)
    credit.spend(booking=other, purpose="deposit", actor="customer")
    manual.reverse(check.transfer, reason="it bounced", by=by)
    return first, other


def test_what_bounced_stays_owed_when_the_event_is_undone(shop: Shop) -> None:
    booking, _ = bounced(shop)
    assert completion.complete(over(booking), actor="system")
    completion.undo(booking, actor="user:1", reason="it was moved")
    books = some(shop.balances())
    assert books == {"accounts_receivable": 10_000, "customer_deposits": -118_750}


def test_credit_whose_money_bounced_pays_what_is_owed_for_it_when_it_comes_back(shop: Shop) -> None:
    _, other = bounced(shop)
    cancellation.cancel(other, actor="customer")
    assert credit.available(other.customer, currency="usd") == 0
    assert some(shop.balances()) == {"customer_deposits": -108_750}
    assert not shop.balances().get(Account.CUSTOMER_CREDIT)
