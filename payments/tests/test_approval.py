"""Refunds above the threshold: a second person, never the requester; small ones add up; nothing moves before."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from core import clock
from core.errors import Forbidden, Invalid
from core.models import OutboxEmail
from customers.authentication.recent import ReauthenticationRequired
from customers.models import Membership, Role
from payments import credit, errors, refunds
from payments.models import Account, Payment, Refund, RefundState
from payments.tests.shop import Shop


def member(shop: Shop, name: str, role: str = Role.MANAGER) -> User:
    user = User.objects.create_user(name, email=f"{name}@ember.example")
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    return user


@pytest.fixture
def balance(shop: Shop) -> Payment:
    """987.50 and its fee, paid."""
    booking = shop.book()
    shop.paid(booking)
    return shop.paid(booking)


def ask(payment: Payment, minor: int, by: User | None, **more: Any) -> Refund:
    values = {
        "cause": "price_reduction",
        "reason": "smoke in the garden",
        "authenticated_at": clock.now(),
        **more,
    }
    return refunds.request(payment=payment, amount_minor=minor, requested_by=by, actor="test", **values)


def paid(payment: Payment) -> int:
    assert payment.instalment is not None
    payment.instalment.refresh_from_db()
    return payment.instalment.paid_minor


def test_below_the_threshold_it_goes_at_once_and_from_it_on_a_second_person_agrees(
    shop: Shop, balance: Payment
) -> None:
    asker, second = member(shop, "asker"), member(shop, "second")
    refund = ask(balance, 50_000, asker)  # and 40.00 of fee
    assert refund.state == RefundState.REQUESTED
    assert not shop.stripe.v1.refunds.list({"charge": balance.stripe_charge_id})["data"]
    assert paid(balance) == 98_750
    assert balance.booking is not None
    balance.booking.refresh_from_db()
    assert balance.booking.total_minor == 108_750  # nothing fell before somebody agreed
    assert list(
        OutboxEmail.objects.filter(key__startswith="refund_to_approve").values_list("to", flat=True)
    ) == ["second@ember.example"]
    refund = refunds.approve(refund, by=second, authenticated_at=clock.now())
    shop.deliver()
    assert refund.state == RefundState.SUCCEEDED
    assert (refund.decided_by, paid(balance)) == (second, 48_750)
    assert refunds.approve(refund, by=second, authenticated_at=clock.now()).pk == refund.pk
    assert len(shop.stripe.v1.refunds.list({"charge": balance.stripe_charge_id})["data"]) == 1
    assert shop.tie_out().difference_minor == 0


def test_the_requester_cannot_approve_and_neither_can_who_has_no_permission(
    shop: Shop, balance: Payment
) -> None:
    asker = member(shop, "asker", Role.OWNER)
    refund = ask(balance, 60_000, asker)
    with pytest.raises(errors.OwnRefund):
        refunds.approve(refund, by=asker, authenticated_at=clock.now())
    for role in (Role.CLERK, Role.VIEWER):
        with pytest.raises(Forbidden):
            refunds.approve(refund, by=member(shop, role, role), authenticated_at=clock.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(decided_by=asker)
    refund.refresh_from_db()
    assert refund.state == RefundState.REQUESTED


def test_small_refunds_of_one_booking_add_up_whoever_asks(shop: Shop, balance: Payment) -> None:
    states = [ask(balance, 15_000, member(shop, f"person{n}")).state for n in range(4)]
    assert states == [*[RefundState.SUCCEEDED] * 3, RefundState.REQUESTED]


def test_small_refunds_of_one_person_add_up_over_bookings_and_only_for_the_day(shop: Shop) -> None:
    asker = member(shop, "asker")
    shop.merchant.approval_from_minor = 20_000
    shop.merchant.save()
    first = shop.book()
    others = [shop.book(slot=first.slot, email=f"guest{number}@example.com") for number in range(2)]
    payments = [shop.paid(booking) for booking in (first, *others)]
    states = [ask(payment, 9_000, asker).state for payment in payments]
    assert states == [RefundState.SUCCEEDED, RefundState.SUCCEEDED, RefundState.REQUESTED]
    Refund.objects.update(created_at=clock.now() - timedelta(days=1))
    assert ask(payments[0], 500, asker).state == RefundState.SUCCEEDED


def test_declined_nothing_moved_and_the_money_can_be_refunded_again(shop: Shop, balance: Payment) -> None:
    asker, second = member(shop, "asker"), member(shop, "second")
    refund = ask(balance, 60_000, asker)
    with pytest.raises(Invalid):
        refunds.decline(refund, by=second, reason=" ")
    refund = refunds.decline(refund, by=second, reason="they were served")
    balance.refresh_from_db()
    assert (refund.state, balance.refunding_minor, paid(balance)) == (RefundState.DECLINED, 0, 98_750)
    assert OutboxEmail.objects.get(key__startswith="refund_declined").to == "asker@ember.example"
    assert not shop.merchant.desk_items.exists()
    with pytest.raises(errors.AlreadyDecided):
        refunds.approve(refund, by=second, authenticated_at=clock.now())
    assert refunds.refundable(balance) == 98_750


def test_who_asked_withdraws_the_request_and_the_money_can_be_refunded_again(
    shop: Shop, balance: Payment
) -> None:
    asker, second = member(shop, "asker"), member(shop, "second")
    refund = refunds.decline(ask(balance, 60_000, asker), by=asker, reason="the wrong booking")
    balance.refresh_from_db()
    assert (refund.state, refund.decided_by, refund.decision_reason) == (
        RefundState.CANCELED,
        None,
        "the wrong booking",
    )
    assert (balance.refunding_minor, refunds.refundable(balance)) == (0, 98_750)
    assert not OutboxEmail.objects.filter(key__startswith="refund_declined").exists()
    with pytest.raises(errors.AlreadyDecided):
        refunds.approve(refund, by=second, authenticated_at=clock.now())


def test_money_that_waits_for_approval_is_not_promised_twice_but_real_money_wins(
    shop: Shop, balance: Payment
) -> None:
    refund = ask(balance, 60_000, member(shop, "asker"))
    with pytest.raises(errors.RefundTooLarge):
        ask(balance, 60_000, member(shop, "other"))
    shop.stripe.v1.refunds.create({"charge": balance.stripe_charge_id, "amount": 100_000})
    shop.deliver(times=2)
    refund.refresh_from_db()
    assert refund.state == RefundState.CANCELED
    assert Refund.objects.latest("pk").total_minor == 100_000
    assert "dashboard meanwhile" in OutboxEmail.objects.get(key__startswith="refund_declined").text
    balance.refresh_from_db()
    assert (balance.refunded_minor, balance.refunding_minor) == (100_000, 0)
    assert shop.tie_out().difference_minor == 0


def test_a_large_refund_wants_a_recent_sign_in(shop: Shop, balance: Payment) -> None:
    asker, second = member(shop, "asker"), member(shop, "second")
    for stale in (None, clock.now() - timedelta(minutes=16)):
        with pytest.raises(ReauthenticationRequired):
            ask(balance, 20_000, asker, authenticated_at=stale)
    assert not Refund.objects.exists()
    refund = ask(balance, 60_000, asker)
    with pytest.raises(ReauthenticationRequired):
        refunds.approve(refund, by=second)
    assert ask(balance, 10_000, asker, authenticated_at=None).state == RefundState.REQUESTED


def test_a_managers_day_has_a_limit_and_an_owners_has_none(shop: Shop, balance: Payment) -> None:
    shop.merchant.manager_daily_refunds_minor = 15_000
    shop.merchant.save()
    manager, owner = member(shop, "manager"), member(shop, "owner", Role.OWNER)
    balance.merchant.refresh_from_db()
    ask(balance, 10_000, manager)
    with pytest.raises(errors.LimitExceeded, match=r"\$42.00"):
        ask(balance, 10_000, manager)
    assert ask(balance, 10_000, owner).state == RefundState.SUCCEEDED


def test_as_credit_the_money_stays_here_and_can_be_sent_back_later(shop: Shop, balance: Payment) -> None:
    refund = ask(balance, 10_000, None, as_credit=True)
    assert (refund.state, refund.total_minor) == (RefundState.SUCCEEDED, 10_800)
    assert balance.booking is not None
    assert credit.available(balance.booking.customer, currency="usd") == 10_800
    balance.refresh_from_db()
    assert (balance.refunded_minor, balance.credit_minor, paid(balance)) == (0, 10_800, 88_750)
    assert shop.balances()[Account.CUSTOMER_CREDIT] == -10_800
    assert refunds.refundable(balance) == 88_750
    back = ask(balance, 10_800, None, cause="surplus")
    shop.deliver()
    assert back.state == RefundState.SUCCEEDED
    rest = ask(balance, 20_000, None)
    assert (rest.fee_minor, rest.state) == (1_600, RefundState.SUCCEEDED)
    shop.deliver()
    assert shop.tie_out().difference_minor == 0
    assert shop.balances().get(Account.CUSTOMER_CREDIT, 0) == 0


def test_credit_that_was_spent_returns_to_the_credit_it_came_from(shop: Shop) -> None:
    booking = shop.book()
    lot = credit.grant(
        customer=booking.customer, amount_minor=15_000, currency="usd", reason="sorry", granted_by=None
    )
    payment = credit.spend(booking=booking, purpose="deposit", actor="customer")
    refund = ask(payment, 4_000, None)
    lot.refresh_from_db()
    payment.refresh_from_db()
    assert (refund.state, lot.remaining_minor) == (RefundState.SUCCEEDED, 9_000)
    assert (payment.refunded_minor, paid(payment)) == (4_000, 6_000)
    assert shop.balances()[Account.CUSTOMER_CREDIT] == -9_000
    with pytest.raises(errors.RefundTooLarge):
        ask(payment, 6_001, None)


def test_two_at_once_see_each_others_requests(open_to_threads: Shop) -> None:
    shop = open_to_threads
    shop.merchant.approval_from_minor = 10_000
    shop.merchant.save()
    asker = member(shop, "asker")
    first = shop.paid(shop.book())
    assert first.booking is not None
    second = shop.paid(shop.book(slot=first.booking.slot, email="other@example.com"))
    states: list[str] = []

    def act(payment: Payment) -> None:
        try:
            states.append(ask(payment, 5_000, asker).state)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[payment]) for payment in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == [RefundState.REQUESTED, RefundState.SUCCEEDED]


def test_a_process_that_dies_after_approval_leaves_it_to_the_sweep(
    shop: Shop, balance: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    from payments.refunds import executing

    asker, second = member(shop, "asker"), member(shop, "second")
    refund = ask(balance, 60_000, asker)
    with monkeypatch.context() as died:
        died.setattr(executing, "send", lambda refund: refund)
        refunds.approve(refund, by=second, authenticated_at=clock.now())
    refund.refresh_from_db()
    assert refund.state == RefundState.APPROVED
    assert [refunds.send_due(), refunds.send_due()] == [1, 0]
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
