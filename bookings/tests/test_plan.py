from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.models import Purpose
from bookings.plan import PaidPart, Part, PlanPolicy, plan, surplus_minor

TODAY = date(2027, 3, 1)
EVENT = date(2027, 4, 1)
DUE = EVENT - timedelta(days=7)
POLICY = PlanPolicy(deposit_minor=10_000, balance_due_days=7)
DEPOSIT = PaidPart(Purpose.DEPOSIT, 10_000, 10_000)

parts = st.builds(
    PaidPart,
    purpose=st.sampled_from(Purpose),
    amount_minor=st.integers(0, 200_000),
    paid_minor=st.integers(0, 200_000),
    due_on=st.none() | st.dates(date(2027, 1, 1), date(2027, 12, 31)),
)
policies = st.builds(PlanPolicy, deposit_minor=st.integers(0, 50_000), balance_due_days=st.integers(0, 60))
days = st.dates(date(2027, 1, 1), date(2027, 12, 31))
totals = st.integers(0, 500_000)


def derive(
    total: int, *paid: PaidPart, today: date = TODAY, event: date = EVENT, policy: PlanPolicy = POLICY
) -> tuple[Part, ...]:
    return plan(total_minor=total, policy=policy, event_date=event, today=today, paid=paid)


@given(totals, policies, days, days, st.lists(parts, max_size=5))
def test_the_parts_always_sum_to_the_price(
    total: int, policy: PlanPolicy, event: date, today: date, paid: list[PaidPart]
) -> None:
    derived = derive(total, *paid, today=today, event=event, policy=policy)
    assert sum(part.amount_minor for part in derived) == total
    assert all(part.amount_minor >= 0 for part in derived)


@given(totals, policies, days, days, st.lists(parts, max_size=4, unique_by=lambda part: part.purpose))
def test_what_is_asked_for_is_exactly_what_is_owed(
    total: int, policy: PlanPolicy, event: date, today: date, paid: list[PaidPart]
) -> None:
    derived = derive(total, *paid, today=today, event=event, policy=policy)
    received = sum(part.paid_minor for part in paid)
    money = {part.purpose: part.paid_minor for part in paid}
    asked = 0
    for part in derived:  # a new part follows the one of the same purpose that holds the money
        asked += max(0, part.amount_minor - money.pop(part.purpose, 0))
    assert asked == max(0, total - received)
    assert surplus_minor(total_minor=total, paid=paid) == max(0, received - total)


@given(totals, policies, days, days, st.lists(parts, max_size=5))
def test_parts_with_money_stay_in_their_order(
    total: int, policy: PlanPolicy, event: date, today: date, paid: list[PaidPart]
) -> None:
    derived = derive(total, *paid, today=today, event=event, policy=policy)
    remaining = iter([part.purpose for part in derived])
    assert all(part.purpose in remaining for part in paid if part.paid_minor)


@given(totals, policies, days, days, st.data())
def test_paying_parts_in_order_never_moves_the_plan(
    total: int, policy: PlanPolicy, event: date, today: date, data: st.DataObject
) -> None:
    """However much of the plan has been paid, deriving it again asks for the same sums."""
    planned = derive(total, today=today, event=event, policy=policy)
    left = data.draw(st.integers(0, total))
    paid = []
    for part in planned:
        money = min(left, part.amount_minor)
        left -= money
        paid.append(PaidPart(part.purpose, part.amount_minor, money, part.due_on))
    again = derive(total, *paid, today=today, event=event, policy=policy)
    assert [(part.purpose, part.amount_minor) for part in again] == [
        (part.purpose, part.amount_minor) for part in planned
    ]


@given(totals, totals, policies, days, days)
def test_deriving_twice_changes_nothing(
    before: int, after: int, policy: PlanPolicy, event: date, today: date
) -> None:
    first = derive(before, today=today, event=event, policy=policy)
    paid = [
        PaidPart(part.purpose, part.amount_minor, part.amount_minor if i == 0 else 0, part.due_on)
        for i, part in enumerate(first)
    ]
    second = derive(after, *paid, today=today, event=event, policy=policy)
    if surplus_minor(total_minor=after, paid=paid):
        return
    money = [part.paid_minor for part in paid if part.paid_minor]
    stored = [
        PaidPart(part.purpose, part.amount_minor, money[i] if i < len(money) else 0, part.due_on)
        for i, part in enumerate(second)
    ]
    assert derive(after, *stored, today=today, event=event, policy=policy) == second


def test_a_deposit_now_and_the_balance_a_week_before() -> None:
    assert derive(108_750) == (Part(Purpose.DEPOSIT, 10_000, None), Part(Purpose.BALANCE, 98_750, DUE))


@pytest.mark.parametrize("total", [1, 9_999, 10_000])
def test_a_price_within_the_deposit_is_paid_at_once(total: int) -> None:
    assert derive(total) == (Part(Purpose.FULL, total, None),)


def test_one_cent_above_the_deposit_leaves_one_cent_for_later() -> None:
    assert derive(10_001) == (Part(Purpose.DEPOSIT, 10_000, None), Part(Purpose.BALANCE, 1, DUE))


def test_booked_on_the_day_the_balance_is_due_it_is_still_split_and_a_day_later_not() -> None:
    assert [part.purpose for part in derive(50_000, today=DUE)] == [Purpose.DEPOSIT, Purpose.BALANCE]
    assert derive(50_000, today=DUE + timedelta(days=1)) == (Part(Purpose.FULL, 50_000, None),)


def test_without_a_deposit_all_is_asked_for_at_once() -> None:
    assert derive(50_000, policy=PlanPolicy(0, 7)) == (Part(Purpose.FULL, 50_000, None),)


def test_a_free_booking_has_nothing_to_pay() -> None:
    assert derive(0) == ()


def test_the_deposit_is_deducted_not_asked_for_again() -> None:
    """CASES 20: 150 % must never be asked."""
    balance = PaidPart(Purpose.BALANCE, 98_750, 0, DUE)
    assert derive(108_750, DEPOSIT, balance) == (
        Part(Purpose.DEPOSIT, 10_000, None),
        Part(Purpose.BALANCE, 98_750, DUE),
    )


def test_rescheduling_after_the_deposit_moves_only_the_balance() -> None:
    """CASES 25."""
    later = EVENT + timedelta(days=30)
    balance = PaidPart(Purpose.BALANCE, 98_750, 0, DUE)
    assert derive(108_750, DEPOSIT, balance, event=later) == (
        Part(Purpose.DEPOSIT, 10_000, None),
        Part(Purpose.BALANCE, 98_750, later - timedelta(days=7)),
    )


def test_rescheduling_a_paid_booking_asks_for_nothing() -> None:
    balance = PaidPart(Purpose.BALANCE, 98_750, 98_750, DUE)
    derived = derive(108_750, DEPOSIT, balance, event=EVENT + timedelta(days=30))
    assert [part.amount_minor for part in derived] == [10_000, 98_750]


def test_more_guests_after_the_deposit_raise_the_balance() -> None:
    balance = PaidPart(Purpose.BALANCE, 98_750, 0, DUE)
    assert [part.amount_minor for part in derive(120_000, DEPOSIT, balance)] == [10_000, 110_000]


def test_more_guests_after_all_was_paid_are_an_extra_part() -> None:
    balance = PaidPart(Purpose.BALANCE, 98_750, 98_750, DUE)
    assert derive(120_000, DEPOSIT, balance)[2:] == (Part(Purpose.ADDON, 11_250, DUE),)
    full = PaidPart(Purpose.FULL, 108_750, 108_750)
    assert derive(120_000, full)[1:] == (Part(Purpose.ADDON, 11_250, DUE),)


def test_a_short_deposit_is_still_asked_for_up_to_what_was_agreed() -> None:
    short = PaidPart(Purpose.DEPOSIT, 10_000, 6_000)
    balance = PaidPart(Purpose.BALANCE, 98_750, 0, DUE)
    assert [part.amount_minor for part in derive(108_750, short, balance)] == [10_000, 98_750]


def test_a_balance_paid_before_the_deposit_leaves_the_deposit_open() -> None:
    deposit = PaidPart(Purpose.DEPOSIT, 10_000, 0)
    balance = PaidPart(Purpose.BALANCE, 98_750, 98_750, DUE)
    assert derive(108_750, deposit, balance) == (
        Part(Purpose.DEPOSIT, 10_000, None),
        Part(Purpose.BALANCE, 98_750, DUE),
    )


def test_a_price_below_what_was_paid_shrinks_the_last_part_and_tells_the_surplus() -> None:
    paid = [DEPOSIT, PaidPart(Purpose.BALANCE, 98_750, 98_750, DUE)]
    assert [part.amount_minor for part in derive(50_000, *paid)] == [10_000, 40_000]
    assert surplus_minor(total_minor=50_000, paid=paid) == 58_750


def test_an_overdue_balance_stays_overdue_and_a_new_part_is_due_now() -> None:
    after = DUE + timedelta(days=2)
    overdue = PaidPart(Purpose.BALANCE, 98_750, 0, DUE)
    assert derive(108_750, DEPOSIT, overdue, today=after)[1].due_on == DUE
    paid = PaidPart(Purpose.BALANCE, 98_750, 98_750, DUE)
    assert derive(120_000, DEPOSIT, paid, today=after)[2].due_on is None
