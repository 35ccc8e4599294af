"""The demonstration's year: a month of it with every fate, killed and gone on with, and the plan of a whole one."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.db.models import Sum

from bookings.models import Booking, BookingEdit
from core import clock
from core.models import OutboxEmail
from customers.models import Merchant
from payments import (
    balance,
    demo,
    demo_bookings,
    demo_calendar,
    demo_fates,
    demo_sandbox,
    demo_year,
    endpoints,
)
from payments.demo_calendar import Fate, Plan
from payments.models import (
    Account,
    BalanceTransaction,
    Claim,
    CreditUse,
    CreditUseKind,
    DeskItem,
    DeskKind,
    GatewayAccount,
    LedgerEntry,
    Payment,
    PaymentAttempt,
    Receipt,
    Refund,
    RefundCause,
    RefundRoute,
    StatementLine,
    WebhookEvent,
)
from tests.fixtures import Sandbox

DAYS = 22


def one_of_each(*, first: date, last: date, count: int) -> list[Plan]:
    """Every fate once, booked in the first days, so that the days after the event still belong to the month."""
    return [
        Plan(
            number=number,
            person=number % 10,
            booked_on=first + timedelta(days=number // 8),
            minute=600 + number,
            event_on=first + timedelta(days=9 + number // 3),
            guests=12,
            menu=number,
            fate=fate,
        )
        for number, fate in enumerate(Fate)
    ]


def live() -> demo_bookings.Made:
    owner = User.objects.get(username=demo.OWNER)
    return demo_year.make(Merchant.objects.get(), staff=owner, told=lambda done, total: None, days=DAYS)


def everything() -> dict[str, Any]:
    models = (PaymentAttempt, Receipt, WebhookEvent, LedgerEntry, BalanceTransaction, OutboxEmail)
    return {
        "bookings": list(Booking.objects.order_by("pk").values_list("pk", "state")),
        "payments": list(Payment.objects.order_by("pk").values_list("pk", "state", "received_minor")),
        "refunds": list(Refund.objects.order_by("pk").values_list("pk", "state", "total_minor")),
        "counts": [model.objects.count() for model in models],
        "desk": Counter(DeskItem.objects.values_list("kind", flat=True)),
    }


@pytest.mark.django_db
def test_a_month_is_lived_through_in_its_own_time_the_books_agree_and_a_killed_run_goes_on(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints.forget()
    call_command("seed_demo", stdout=StringIO())
    monkeypatch.setattr(demo_calendar, "plans", one_of_each)
    entered: list[str] = []
    real = demo_sandbox.Sandbox.pay

    def killed(self: demo_sandbox.Sandbox, intent_id: str, **card: Any) -> bool:
        entered.append(intent_id)
        done = real(self, intent_id, **card)
        if len(entered) == 3:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(demo_sandbox.Sandbox, "pay", killed)
    with pytest.raises(KeyboardInterrupt):
        live()
    assert abs(clock.now() - datetime.now(tz=UTC)) < timedelta(seconds=5)
    assert sandbox.control("clock", method="GET")["offset"] == 0

    made = live()
    assert made.difference_minor == 0
    assert sum(made.states.values()) == len(Fate)
    assert made.states["expired"] >= 2  # never paid, and declined for good
    assert LedgerEntry.objects.aggregate(total=Sum("amount_minor"))["total"] == 0
    tie_out = balance.tie_out(GatewayAccount.objects.get(), currency="usd")
    assert (tie_out.difference_minor, tie_out.not_posted, tie_out.awaiting) == (0, (), ())

    yesterday = datetime.now(tz=UTC) - timedelta(hours=1)
    for rows, moment in (
        (Booking.objects.all(), "created_at"),
        (Payment.objects.all(), "created_at"),
        (Payment.objects.filter(received_minor__gt=0), "succeeded_at"),
        (Receipt.objects.all(), "emailed_at"),
        (
            LedgerEntry.objects.filter(transaction__description__startswith="Payment"),
            "transaction__occurred_at",
        ),
    ):
        assert not rows.filter(**{f"{moment}__isnull": True}).exists(), moment
        assert not rows.filter(**{f"{moment}__gte": yesterday}).exists(), moment
    assert made.states["completed"] > 15
    assert (made.states["cancelled"], made.states.get("held", 0)) == (3, 0)
    claims = Counter(Claim.objects.values_list("state", flat=True))
    assert claims["confirmed"] >= 7
    assert claims["rejected"] == 1
    lines = Counter(StatementLine.objects.values_list("state", flat=True))
    assert lines["matched"] >= 5
    assert (lines["unmatched"], lines["ignored"]) == (1, 1)  # one is nobody's, one the bank's fee
    assert BookingEdit.objects.count() == 3
    assert CreditUse.objects.filter(kind=CreditUseKind.SPENT).exists()
    routes = set(Refund.objects.values_list("cause", "route", "state"))
    assert routes >= {
        (RefundCause.CANCELLATION, RefundRoute.GATEWAY, "succeeded"),
        (RefundCause.CANCELLATION, RefundRoute.MANUAL, "succeeded"),
        (RefundCause.CANCELLATION, RefundRoute.CREDIT, "succeeded"),
        (RefundCause.PRICE_REDUCTION, RefundRoute.MANUAL, "succeeded"),
        (RefundCause.PRICE_REDUCTION, RefundRoute.GATEWAY, "succeeded"),
        (RefundCause.PRICE_REDUCTION, RefundRoute.GATEWAY, "failed"),
    }
    assert Refund.objects.filter(decided_by__isnull=False).exists()
    assert LedgerEntry.objects.filter(account=Account.DISPUTE_LOSSES).exists()
    assert LedgerEntry.objects.filter(account=Account.REVENUE).values("booking").distinct().count() > 15
    assert BalanceTransaction.objects.filter(type="payout").count() >= 2
    assert BalanceTransaction.objects.filter(type="adjustment").count() == 3  # two disputes, one won back
    assert DeskItem.objects.filter(kind=DeskKind.SURPLUS).count() == 2
    assert Payment.objects.values("customer").distinct().count() < Payment.objects.values("booking").count()
    assert not mail.outbox

    before = everything()
    assert live() == made
    assert everything() == before


def test_a_year_has_its_count_its_seasons_weekends_and_people_who_come_again() -> None:
    first, last = date(2025, 12, 1), date(2026, 10, 26)
    plans = demo_calendar.plans(first=first, last=last, count=1_200)
    assert len(plans) == 1_200
    assert plans == demo_calendar.plans(first=first, last=last, count=1_200)
    assert all(first <= plan.booked_on <= last and plan.booked_on < plan.event_on for plan in plans)
    assert 50 < sum(plan.event_on > last for plan in plans) < 300
    weekdays = Counter(plan.event_on.weekday() for plan in plans)
    assert min(weekdays[5], weekdays[6]) > 1.5 * max(weekdays[day] for day in range(4))
    months = Counter(plan.event_on.month for plan in plans)
    assert min(months[6], months[7], months[8]) > 1.3 * max(months[2], months[3])
    assert 700 < len({plan.email for plan in plans}) < 1_100
    assert all(plan.email.endswith("@example.com") for plan in plans)
    assert {plan.fate for plan in plans} == set(Fate)


def test_every_fate_has_its_story_and_nothing_follows_on_the_day_of_the_booking() -> None:
    assert set(demo_fates.ON_THE_DAY) == set(Fate) == {fate for fate, _ in demo_calendar.FATES}
    for plan in demo_calendar.plans(first=date(2026, 1, 1), last=date(2026, 3, 1), count=100):
        assert all(day > plan.booked_on for day, _ in demo_fates.later(plan))
