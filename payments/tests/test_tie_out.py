"""The tie-out while money moves: a worker that posts, and a charge that comes, between its statements."""

from collections.abc import Mapping
from threading import Thread
from typing import Any

import pytest
from django.db import InternalError, connection

from payments import balance, gateway, ledger
from payments.models import BalanceTransaction, GatewayAccount
from payments.tests.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere(work: Any) -> None:
    """Do it on another connection, as a worker would, and wait for it."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    worker = Thread(target=run)
    worker.start()
    worker.join()


def test_a_worker_that_posts_between_the_statements_makes_no_difference(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.paid(shop.book())
    real_balances, real_post = ledger.balances, balance.post_due
    monkeypatch.setattr(balance.reading, "post_due", lambda account: 0)  # this process is slow to post

    def balances(**of: Any) -> Mapping[str, int]:
        found = real_balances(**of)
        elsewhere(lambda: real_post(GatewayAccount.objects.get(pk=shop.account.pk)))
        return found

    monkeypatch.setattr(ledger, "balances", balances)
    between = shop.tie_out()
    assert not BalanceTransaction.objects.filter(posted_at__isnull=True).exists()
    assert len(between.not_posted) == 1
    assert between.difference_minor == 0

    monkeypatch.setattr(ledger, "balances", real_balances)
    assert shop.tie_out().not_posted == ()
    assert shop.tie_out().difference_minor == 0


def test_a_charge_between_the_list_and_the_balance_makes_no_difference(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.start(shop.book(slot=booking.slot)).payment
    real = gateway.balance
    confirmed: list[Any] = []

    def asked(account: GatewayAccount, *, currency: str) -> int:
        if not confirmed:
            confirmed.append(shop.confirm(payment))
        return real(account, currency=currency)

    monkeypatch.setattr(gateway, "balance", asked)
    between = shop.tie_out()
    assert confirmed
    assert between.stripe_minor == 2 * 10_457
    assert between.difference_minor == 0


def test_nothing_can_be_written_inside_the_snapshot(shop: Shop) -> None:
    with pytest.raises(InternalError, match="read-only"), balance.comparing._snapshot():
        GatewayAccount.objects.update(stripe_account_id="acct_written")
    assert not GatewayAccount.objects.filter(stripe_account_id="acct_written").exists()
