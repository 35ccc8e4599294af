"""The demonstration's bookings: every state through the use cases, and nothing new the second time."""

import signal
from collections import Counter
from datetime import datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Sum
from pytest_django import Settings

from bookings import demo as catalogue
from bookings import slots
from bookings.models import Booking, BookingState
from core import clock
from core.models import OutboxEmail
from customers.models import Merchant
from payments import balance, credit, demo_cast, demo_sandbox, demo_times, demo_year, endpoints, inbox
from payments.demo_cast import Story
from payments.models import (
    Account,
    Claim,
    DeskItem,
    DeskKind,
    GatewayAccount,
    LedgerEntry,
    LedgerTransaction,
    LineState,
    Payment,
    PaymentAttempt,
    PaymentState,
    Receipt,
    Refund,
    RefundState,
    StatementLine,
)
from tests.fixtures import Sandbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_endpoints() -> None:
    endpoints.forget()


def seed() -> str:
    out = StringIO()
    call_command("seed_demo", "--bookings", stdout=out)
    return out.getvalue()


def everything() -> dict[str, Any]:
    """What a second run must leave as it is."""
    return {
        "bookings": list(Booking.objects.order_by("pk").values_list("pk", "state", "hold_expires_at")),
        "payments": list(Payment.objects.order_by("pk").values_list("pk", "state", "received_minor")),
        "refunds": list(Refund.objects.order_by("pk").values_list("pk", "state", "total_minor")),
        "counts": [model.objects.count() for model in (DeskItem, Receipt, PaymentAttempt)],
        # Stripe's own movements come when Stripe makes them, some seconds late.
        "ledger": list(
            LedgerTransaction.objects.exclude(source_key__startswith="bt:").values_list("source_key")
        ),
        "emails": OutboxEmail.objects.count(),
        "lines": list(StatementLine.objects.order_by("pk").values_list("pk", "state")),
    }


def of(story: Story) -> list[Booking]:
    emails = [guest.email for guest in demo_cast.guests() if guest.story is story]
    return list(Booking.objects.filter(contact_email__in=emails))


def test_every_story_ends_where_it_says_the_books_agree_and_a_second_run_changes_nothing(
    sandbox: Sandbox,
) -> None:
    told = seed()
    others = (BookingState.HELD, BookingState.EXPIRED, BookingState.CANCELLED, BookingState.COMPLETED)
    for guest in demo_cast.guests():
        last_words = str(guest.story).rpartition(":")[2] + str(guest.story).partition(",")[0]
        wanted = next((state for state in others if state in last_words), "confirmed")
        assert Booking.objects.get(contact_email=guest.email).state == wanted, guest
    assert Counter(Booking.objects.values_list("state", flat=True)) == {
        "held": 10,
        "expired": 4,
        "confirmed": 41,
        "cancelled": 2,
        "completed": 2,
    }
    assert "4 expired" in told
    assert "$0.00" in told.splitlines()[-1]

    assert Counter(DeskItem.objects.values_list("kind", flat=True)) == {
        DeskKind.NO_CAPACITY: 1,
        DeskKind.SURPLUS: 3,
        DeskKind.FOREIGN_MONEY: 1,
        DeskKind.REFUND_FAILED: 1,
        DeskKind.OVERDUE: 2,
    }
    assert Counter(Refund.objects.values_list("state", flat=True)) == {
        RefundState.SUCCEEDED: 6,
        RefundState.REQUESTED: 1,  # A large one waits for a second person.
        RefundState.APPROVED: 1,  # To be sent by hand.
        RefundState.FAILED: 1,
    }
    assert Counter(Claim.objects.values_list("state", flat=True)) == {
        "open": 1,
        "rejected": 1,
        "confirmed": 4,
    }
    assert Claim.objects.get(state="open").proof
    lines = Counter(StatementLine.objects.values_list("state", flat=True))
    assert lines[LineState.UNMATCHED] == 3
    assert lines[LineState.MATCHED] == 3
    earned = LedgerEntry.objects.filter(account=Account.REVENUE).values("booking").distinct()
    assert earned.count() == 2
    assert LedgerEntry.objects.filter(account=Account.ACCOUNTS_RECEIVABLE).exists()
    for story in (Story.CREDIT, Story.FEWER_GUESTS, Story.ZELLE_SURPLUS):
        (booking,) = of(story)
        assert credit.available(booking.customer, currency="usd"), story
    assert PaymentAttempt.objects.count() == 5
    (asked,) = of(Story.ASKED_3DS)
    assert asked.payments.get().state == PaymentState.REQUIRES_ACTION
    (unknown,) = of(Story.UNKNOWN_THEN_PAID)
    assert unknown.payments.get().changes.filter(to_state=PaymentState.UNKNOWN).exists()
    for booking in of(Story.PAID):
        assert not any(instalment.open_minor for instalment in booking.instalments.all())

    assert not inbox.waiting().exists()
    settled = Payment.objects.filter(booking__isnull=False, received_minor__gt=0)
    assert Receipt.objects.count() == settled.count()  # left to the workers to be sent
    assert LedgerEntry.objects.aggregate(total=Sum("amount_minor"))["total"] == 0
    tie_out = balance.tie_out(GatewayAccount.objects.get(), currency="usd")
    assert (tie_out.difference_minor, tie_out.not_posted, tie_out.awaiting) == (0, (), ())

    before = everything()
    assert seed().splitlines()[-1] == told.splitlines()[-1]
    assert everything() == before
    endpoints_at_stripe = sandbox.control("objects?type=webhook_endpoint", method="GET")["data"]
    assert {endpoint["status"] for endpoint in endpoints_at_stripe} <= {"enabled"}


def test_a_run_that_was_killed_is_taken_up_where_it_stood(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = ((Story.DEPOSIT, 1), (Story.LATE_TAKEN, 1))
    monkeypatch.setattr(demo_cast, "STORIES", stories)
    real = demo_sandbox.Sandbox.pay

    def killed(*args: Any, **kwargs: Any) -> bool:
        real(*args, **kwargs)
        raise KeyboardInterrupt

    for _ in range(3):  # as many cards as are entered
        monkeypatch.setattr(demo_sandbox.Sandbox, "pay", killed)
        with pytest.raises(KeyboardInterrupt):
            seed()
        monkeypatch.setattr(demo_sandbox.Sandbox, "pay", real)
    told = seed()
    assert "2 confirmed, 1 expired" in told
    assert Payment.objects.filter(booking__isnull=False, received_minor__gt=0).count() == 3
    assert seed() == told


def test_nothing_but_the_sandbox_is_paid(sandbox: Sandbox, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "https://api.stripe.com"
    with pytest.raises(CommandError, match="sandbox alone"):
        seed()
    assert not Booking.objects.exists()


def test_a_run_that_is_told_to_end_puts_back_what_it_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    put_back = []

    def live(*_: Any, **__: Any) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            put_back.append("the clocks")

    monkeypatch.setattr(demo_year, "make", live)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit):
        call_command("seed_demo", "--year", stdout=StringIO())
    assert put_back == ["the clocks"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_production_database_gets_no_sign_ins_of_the_demonstration(settings: Settings) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(CommandError, match="development"):
        call_command("seed_demo")
    assert not Merchant.objects.exists()
    assert not User.objects.exists()


def test_a_merchant_with_keys_of_its_own_is_left_alone(sandbox: Sandbox) -> None:
    call_command("seed_demo", stdout=StringIO())
    GatewayAccount.objects.update(secret_key="sk_test_" + "0" * 24)
    with pytest.raises(CommandError, match="not charged at the sandbox"):
        seed()
    assert not Booking.objects.exists()


def test_where_another_merchant_is_if_empty_makes_no_bookings_either(sandbox: Sandbox) -> None:
    call_command("create_merchant", "Ours", "ours", "--email", "ours@example.com", stdout=StringIO())
    out = StringIO()
    call_command("seed_demo", "--if-empty", "--bookings", stdout=out)
    assert out.getvalue() == ""
    assert not Booking.objects.exists()


def test_guests_are_plainly_invented_and_each_is_another() -> None:
    emails = [guest.email for guest in (*demo_cast.guests(), demo_cast.TAKER)]
    assert len(set(emails)) == len(emails)
    assert all(email.endswith("@example.com") for email in emails)
    assert {story for story, _ in demo_cast.STORIES} == set(Story)


@pytest.mark.parametrize("weekday", range(7))
def test_on_every_weekday_there_is_a_time_within_the_week_for_each_who_wants_one(weekday: int) -> None:
    monday = datetime(2026, 11, 30, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles"))
    soon = [guest for guest in demo_cast.guests() if guest.story in demo_times.SOON_ONES]
    with clock.movable() as put_to:
        put_to(monday + timedelta(days=weekday))
        free = slots.free(merchant=catalogue.prepare(), limit=500)
        times = demo_times.fitting(free, guest=soon[0])
    assert sum(time.places for time in times) >= len(soon)
    assert not set(times) & set(free[: demo_times.LEFT_FREE])
