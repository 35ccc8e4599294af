"""A day is cancelled: agreed to once, one by one, resumable; one failure is listed and stops nothing."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from bookings.models import Booking, BookingState, Slot
from core import clock
from core.errors import Forbidden, Invalid
from customers.authentication.recent import ReauthenticationRequired
from customers.models import Membership, Role
from payments import bulk, cancellation, credit, errors
from payments.models import BulkCancellation, BulkItemState, BulkState, Cancellation, Refund
from payments.tests.shop import Shop


def staff(shop: Shop, role: str) -> User:
    user = User.objects.create_user(role, email=f"{role}@ember.example")
    Membership.objects.create(user=user, merchant=shop.merchant, role=role)
    return user


def day_of(shop: Shop, *, bookings: int) -> tuple[date, list[Booking]]:
    """So many bookings on one day, each with its deposit paid from credit (no Stripe needed)."""
    first = shop.book(email="guest0@example.com")
    rest = [shop.book(slot=first.slot, email=f"guest{n}@example.com") for n in range(1, bookings)]
    for booking in (first, *rest):
        credit.grant(
            customer=booking.customer, amount_minor=10_000, currency="usd", reason="x", granted_by=None
        )
        credit.spend(booking=booking, purpose="deposit", actor="customer")
    return first.event_date, [first, *rest]


def ask(shop: Shop, day: date, by: User, *, terms: str = "full", **more: Any) -> BulkCancellation:
    shown = bulk.preview(shop.merchant, day=day, terms=terms).shown
    values = {"expected": shown, "reason": "storm", "authenticated_at": clock.now(), **more}
    return bulk.request(shop.merchant, day=day, terms=terms, by=by, **values)


def states(bookings: list[Booking]) -> list[str]:
    return list(
        Booking.objects.filter(pk__in=[row.pk for row in bookings])
        .order_by("pk")
        .values_list("state", flat=True)
    )


def test_from_the_threshold_on_a_second_person_agrees_to_the_whole_once(shop: Shop) -> None:
    day, bookings = day_of(shop, bookings=5)
    manager, owner = staff(shop, Role.MANAGER), staff(shop, Role.OWNER)
    asked = ask(shop, day, manager, request_key="form")
    assert ask(shop, day, manager, request_key="form") == asked
    assert (asked.state, asked.refund_minor) == (BulkState.REQUESTED, 50_000)
    assert bulk.run_due() == 0
    with pytest.raises(errors.OwnRefund):
        bulk.decide(asked, by=manager, agreed=True, authenticated_at=clock.now())
    with pytest.raises(ReauthenticationRequired):
        bulk.decide(asked, by=owner, agreed=True, authenticated_at=None)
    bulk.decide(asked, by=owner, agreed=True, authenticated_at=clock.now())
    assert [bulk.run_due(), bulk.run_due()] == [5, 0]
    asked.refresh_from_db()
    assert asked.state == BulkState.DONE
    assert set(states(bookings)) == {BookingState.CANCELLED}
    assert set(Refund.objects.values_list("state", flat=True)) == {"succeeded"}
    assert Cancellation.objects.filter(bulk=asked, kept_minor=0).count() == 5


def test_small_days_add_up_with_each_other_and_with_the_persons_refunds(shop: Shop) -> None:
    first, [booking] = day_of(shop, bookings=1)
    later = {name: getattr(booking, name) + timedelta(days=3) for name in ("starts_at", "ends_at")}
    Slot.objects.filter(pk=booking.slot_id).update(**later)
    Booking.objects.filter(pk=booking.pk).update(**later)
    days = [first + timedelta(days=3), day_of(shop, bookings=1)[0]]
    shop.merchant.approval_from_minor = 15_000
    shop.merchant.save()
    manager = staff(shop, Role.MANAGER)
    assert [ask(shop, day, manager).state for day in days] == [BulkState.RUNNING, BulkState.REQUESTED]
    BulkCancellation.objects.update(created_at=clock.now() - timedelta(days=1), state=BulkState.DECLINED)
    shop.merchant.manager_daily_refunds_minor = 9_000
    shop.merchant.save()
    assert ask(shop, days[1], manager).state == BulkState.REQUESTED


def test_one_that_changed_since_it_was_previewed_is_listed_and_the_rest_go_on(shop: Shop) -> None:
    day, bookings = day_of(shop, bookings=3)
    asked = ask(shop, day, staff(shop, Role.OWNER))
    shop.paid(bookings[1])  # the balance came meanwhile
    bulk.run_due()
    assert list(asked.items.values_list("state", flat=True)) == ["done", "failed", "done"]
    assert "changed since" in asked.items.get(state=BulkItemState.FAILED).why
    assert states(bookings)[1] == BookingState.CONFIRMED
    asked.refresh_from_db()
    assert asked.state == BulkState.DONE


def test_killed_in_the_middle_it_goes_on_and_nothing_is_done_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no handler catches."""

    day, bookings = day_of(shop, bookings=4)
    ask(shop, day, staff(shop, Role.OWNER))
    calls = []

    def dies_on_the_third(*args: Any, **kwargs: Any) -> Cancellation:
        calls.append(args)
        if len(calls) == 3:
            raise Killed
        return original(*args, **kwargs)

    original = cancellation.cancel_in_bulk
    with monkeypatch.context() as killer:
        killer.setattr(cancellation, "cancel_in_bulk", dies_on_the_third)
        with pytest.raises(Killed):
            bulk.run_due()
    assert states(bookings).count(BookingState.CANCELLED) == 2
    assert bulk.run_due() == 2
    assert Refund.objects.count() == Cancellation.objects.count() == 4


def test_a_bug_in_one_is_listed_and_tried_again_when_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, bookings = day_of(shop, bookings=2)
    owner = staff(shop, Role.OWNER)
    asked = ask(shop, day, owner)
    original = cancellation.cancel_in_bulk

    def fails_once(booking: Booking, **kwargs: Any) -> Cancellation:
        if booking.pk == bookings[0].pk:
            raise ZeroDivisionError
        return original(booking, **kwargs)

    with monkeypatch.context() as broken:
        broken.setattr(cancellation, "cancel_in_bulk", fails_once)
        bulk.run_due()
    assert states(bookings) == [BookingState.CONFIRMED, BookingState.CANCELLED]
    assert bulk.retry(asked, by=owner) == 1
    assert bulk.run_due() == 1
    assert set(states(bookings)) == {BookingState.CANCELLED}


def test_two_workers_share_the_day(open_to_threads: Shop) -> None:
    shop = open_to_threads
    day, bookings = day_of(shop, bookings=6)
    owner = staff(shop, Role.OWNER)
    shop.merchant.approval_from_minor = 10**6
    shop.merchant.save()
    ask(shop, day, owner)
    done: list[int] = []

    def work() -> None:
        try:
            done.append(bulk.run_due())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 6
    assert Refund.objects.count() == 6
    assert set(states(bookings)) == {BookingState.CANCELLED}


def test_who_may_not_and_figures_that_changed_stop_it(shop: Shop) -> None:
    day, bookings = day_of(shop, bookings=2)
    clerk, owner = staff(shop, Role.CLERK), staff(shop, Role.OWNER)
    with pytest.raises(Forbidden):
        ask(shop, day, clerk)
    with pytest.raises(Invalid):
        ask(shop, day, owner, reason=" ")
    with pytest.raises(ReauthenticationRequired):
        ask(shop, day, owner, authenticated_at=None)
    with pytest.raises(errors.PriceChanged):
        ask(shop, day, owner, expected="something else")
    assert not BulkCancellation.objects.exists()
    assert set(states(bookings)) == {BookingState.CONFIRMED}


def test_declined_nothing_is_cancelled(shop: Shop) -> None:
    day, bookings = day_of(shop, bookings=5)
    asked = ask(shop, day, staff(shop, Role.MANAGER))
    bulk.decide(asked, by=staff(shop, Role.OWNER), agreed=False, authenticated_at=clock.now())
    assert bulk.run_due() == 0
    assert set(states(bookings)) == {BookingState.CONFIRMED}
