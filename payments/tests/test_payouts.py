"""What Stripe pays out is at the bank in the books once it arrived, and at Stripe again when the bank returns it."""

from typing import Any

import pytest

from payments import balance, gateway, reconcile
from payments.models import Account
from payments.tests.shop import Shop

PAID_MINOR = 10_800
TWO_WEEKS_SECONDS = 14 * 86400


@pytest.fixture
def payout(shop: Shop) -> dict[str, Any]:
    """All that a deposit left available, on its way to the bank."""
    shop.paid(shop.book())
    shop.sandbox.advance(seconds=TWO_WEEKS_SECONDS)
    made: dict[str, Any] = shop.sandbox.control("payouts", currency="usd")
    assert 0 < made["amount"] < PAID_MINOR
    return made


def arrives(shop: Shop, payout: dict[str, Any]) -> None:
    shop.sandbox.control(f"payouts/{payout['id']}/arrive")


def comes_back(shop: Shop, payout: dict[str, Any]) -> None:
    shop.sandbox.control(f"payouts/{payout['id']}/fail", failure_code="account_closed")


def books(shop: Shop) -> tuple[int, int, int]:
    """Minor units at Stripe, on the way, and at the bank, after everything that Stripe's balance tells."""
    reconcile.read_balances()
    tie_out = shop.tie_out()
    assert (tie_out.difference_minor, tie_out.not_posted) == (0, ())
    found = shop.balances()
    return (
        found.get(Account.CLEARING_STRIPE, 0),
        found.get(Account.PAYOUTS_IN_TRANSIT, 0),
        found.get(Account.BANK, 0),
    )


def test_it_is_on_its_way_and_then_at_the_bank_however_often_that_is_told(
    shop: Shop, payout: dict[str, Any]
) -> None:
    shop.deliver()
    assert books(shop) == (0, payout["amount"], 0)
    arrives(shop, payout)
    shop.deliver(times=2)
    assert books(shop) == (0, 0, payout["amount"])


def test_one_that_comes_back_is_at_stripe_again_and_no_longer_at_the_bank(
    shop: Shop, payout: dict[str, Any]
) -> None:
    arrives(shop, payout)
    shop.deliver()
    comes_back(shop, payout)
    shop.deliver(times=2)
    assert books(shop) == (payout["amount"], 0, 0)


def test_one_that_never_arrived_was_never_at_the_bank(shop: Shop, payout: dict[str, Any]) -> None:
    comes_back(shop, payout)
    shop.deliver()
    assert books(shop) == (payout["amount"], 0, 0)
    assert Account.BANK not in shop.balances()


def test_told_in_the_wrong_order_it_ends_as_stripe_has_it(shop: Shop, payout: dict[str, Any]) -> None:
    arrives(shop, payout)
    comes_back(shop, payout)
    shop.deliver(reversed(shop.events()))
    assert books(shop) == (payout["amount"], 0, 0)


def test_an_arrival_booked_after_the_bank_had_sent_it_back_is_put_right_by_the_sweep(
    shop: Shop, payout: dict[str, Any]
) -> None:
    arrives(shop, payout)
    (seen,) = gateway.payouts(shop.account, since=shop.merchant.created_at)
    comes_back(shop, payout)
    shop.deliver()
    balance.note(shop.account, seen)  # by a worker that had asked before, and was slow
    assert books(shop) == (payout["amount"], -payout["amount"], payout["amount"])
    for _ in range(2):
        reconcile.read_balances(late=True)
    assert books(shop) == (payout["amount"], 0, 0)


@pytest.mark.parametrize("returned", [False, True])
def test_what_no_webhook_told_is_found_by_the_sweep(
    shop: Shop, payout: dict[str, Any], returned: bool
) -> None:
    arrives(shop, payout)
    reconcile.read_balances(late=True)
    assert books(shop) == (0, 0, payout["amount"])
    if returned:
        comes_back(shop, payout)
        for _ in range(2):
            reconcile.read_balances(late=True)
        assert books(shop) == (payout["amount"], 0, 0)
