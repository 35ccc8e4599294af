"""Disputes in the books: withdrawn, lost, given back; once, in any order."""

import copy

import pytest
from django.contrib.auth.models import User

from core import clock
from customers.models import Membership, Role
from payments import cancellation, credit, events, handling, refunds
from payments.models import Account, DeskItem, LedgerEntry, Payment, Refund, WebhookEvent
from payments.tests.shop import Shop


def disputed(shop: Shop) -> tuple[Payment, str]:
    payment = shop.paid(shop.book())
    dispute = shop.sandbox.control(f"charges/{payment.stripe_charge_id}/dispute", reason="fraudulent")
    return payment, str(dispute["id"])


def decide(shop: Shop, dispute_id: str, outcome: str) -> None:
    shop.sandbox.control(f"disputes/{dispute_id}/decide", outcome=outcome)


def test_won_everything_comes_back_and_nothing_is_lost(shop: Shop) -> None:
    _, dispute_id = disputed(shop)
    decide(shop, dispute_id, "won")
    shop.deliver_shuffled(seed=7, times=2)
    assert shop.tie_out().difference_minor == 0
    balances = shop.balances()
    assert balances.get(Account.DISPUTES, 0) == balances.get(Account.DISPUTE_LOSSES, 0) == 0
    assert not shop.merchant.desk_items.exists()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lost_in_any_order_is_one_loss(shop: Shop, seed: int) -> None:
    _, dispute_id = disputed(shop)
    decide(shop, dispute_id, "lost")
    told = shop.events()
    shop.deliver(told[::-1] if seed == 1 else told, times=seed)
    assert shop.tie_out().difference_minor == 0
    # The withdrawal was not in the ledger when the loss was told: that news waited.
    WebhookEvent.objects.filter(handled_at__isnull=True).update(due_at=clock.now())
    handling.work_off(events.handle)
    shop.deliver(told)
    balances = shop.balances()
    assert (balances[Account.DISPUTE_LOSSES], balances.get(Account.DISPUTES, 0)) == (10_800, 0)
    assert balances[Account.DISPUTE_FEES] == 1_500


def test_a_loss_that_is_told_after_it_was_won_is_no_loss(shop: Shop) -> None:
    _, dispute_id = disputed(shop)
    decide(shop, dispute_id, "won")
    told = shop.events()
    shop.deliver(told)
    late = copy.deepcopy(told[-1])
    assert late["type"] == "charge.dispute.closed"
    late["id"], late["data"]["object"]["status"] = "evt_told_late", "lost"
    shop.deliver([late])
    assert not WebhookEvent.objects.filter(handled_at__isnull=True).exists()
    assert not shop.balances().get(Account.DISPUTE_LOSSES)


@pytest.mark.parametrize("outcome", ["", "lost", "won"])
def test_what_a_dispute_took_does_not_become_credit_as_well(shop: Shop, outcome: str) -> None:
    payment, dispute_id = disputed(shop)
    if outcome:
        decide(shop, dispute_id, outcome)
    shop.deliver()
    assert shop.tie_out().difference_minor == 0
    WebhookEvent.objects.filter(handled_at__isnull=True).update(due_at=clock.now())
    handling.work_off(events.handle)
    booking = payment.booking
    assert booking is not None
    taken = LedgerEntry.objects.filter(payment=payment, account=Account.DISPUTES)
    assert taken.first() is not None
    cancellation.cancel(booking, actor="customer", as_credit=True)
    refunds.send_due()
    assert Refund.objects.get().state == ("succeeded" if outcome == "won" else "failed")
    kept = credit.available(booking.customer, currency="usd")
    assert kept == (10_800 if outcome == "won" else 0)
    assert DeskItem.objects.filter(kind="refund_failed").exists() == (outcome != "won")


def test_what_a_dispute_took_while_the_refund_waited_for_a_second_person_does_not_become_credit(
    shop: Shop,
) -> None:
    shop.merchant.approval_from_minor = 100
    shop.merchant.save()
    payment = shop.paid(shop.book())
    waits = refunds.request(
        payment=payment,
        amount_minor=10_000,
        cause="price_reduction",
        reason="a kind word",
        requested_by=None,
        actor="system",
        as_credit=True,
    )
    assert waits.state == "requested"
    shop.sandbox.control(f"charges/{payment.stripe_charge_id}/dispute", reason="fraudulent")
    shop.deliver()
    assert shop.tie_out().difference_minor == 0
    second = User.objects.create_user("second")
    Membership.objects.create(user=second, merchant=shop.merchant, role=Role.OWNER)
    done = refunds.approve(waits, by=second, authenticated_at=clock.now())
    assert (done.state, done.route) == ("failed", "gateway")
    assert payment.customer is not None
    assert credit.available(payment.customer, currency="usd") == 0
    assert DeskItem.objects.get().kind == "refund_failed"
    assert shop.tie_out().difference_minor == 0
