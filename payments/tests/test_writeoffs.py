"""What is not asked for any more: cash a few cents short, a rest that staff write off; to the cent, and back."""

import threading
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection

from bookings.editing import Edit
from bookings.models import Booking
from core import clock
from core.errors import DomainError, Forbidden, Invalid
from core.models import OutboxEmail
from customers.authentication.recent import ReauthenticationRequired
from customers.models import Membership, Merchant, Role
from payments import (
    alterations,
    cancellation,
    completion,
    dues,
    errors,
    manual,
    resolution,
    writeoffs,
)
from payments.models import Credit, DeskItem, PaymentState, WriteOff
from payments.tests.shop import Shop
from payments.tests.test_manual import TODAY, book, books, by, found, merchant

__all__ = ["by", "merchant"]
pytestmark = pytest.mark.django_db


def cash(booking: Booking, minor: int, *, by: User, purpose: str = "") -> manual.Outcome:
    return manual.record(
        found(booking.merchant, by=by, method="cash", amount_minor=minor), booking=booking, purpose=purpose
    )


@pytest.fixture
def owner(merchant: Merchant, by: User) -> User:
    Membership.objects.create(user=by, merchant=merchant, role=Role.OWNER)
    return by


@pytest.fixture
def booking(merchant: Merchant, owner: User) -> Booking:
    """Confirmed: of 1,087.50 the deposit of 100.00 is paid in cash, and 687.50 of the balance: 300.00 is open."""
    found = book(merchant)
    cash(found, 10_000, by=owner)
    cash(found, 68_750, by=owner)
    return fresh(found)


def fresh(booking: Booking) -> Booking:
    return Booking.objects.select_related("merchant", "customer__merchant").get(pk=booking.pk)


def write_off(booking: Booking, by: User, **more: object) -> int:
    now = {"reason": "they moved away", "authenticated_at": clock.now()}
    return writeoffs.write_off(booking, by=by, **{**now, **more})  # type: ignore[arg-type]


def over(booking: Booking) -> Booking:
    ended = clock.now() - timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(starts_at=ended - timedelta(hours=3), ends_at=ended)
    assert completion.complete_due() == 1
    return fresh(booking)


def check_sums(booking: Booking) -> None:
    """The plan sums to the price; each part's forgiveness is its log's sum, and the ledger's adjustments."""
    parts = list(booking.instalments.all())
    assert sum(part.amount_minor for part in parts) == fresh(booking).total_minor
    for part in parts:
        assert part.forgiven_minor == sum(part.write_offs.values_list("amount_minor", flat=True))
    adjusted = books(booking.merchant).get("adjustments", 0)
    assert adjusted == sum(part.forgiven_minor for part in parts)


@pytest.mark.parametrize(("minor", "open_minor"), [(9_995, 0), (9_994, 6), (9_999, 0), (10_000, 0)])
def test_cash_that_is_a_few_cents_short_settles_what_was_due_and_the_cents_are_an_adjustment(
    merchant: Merchant, by: User, minor: int, open_minor: int
) -> None:
    """odoo/odoo PR#275305."""
    booking = book(merchant)
    result = cash(booking, minor, by=by).results[0]
    deposit = booking.instalments.get(purpose="deposit")
    forgiven = 10_000 - minor if not open_minor else 0
    assert (deposit.open_minor, deposit.paid_minor, deposit.forgiven_minor) == (open_minor, minor, forgiven)
    assert (result.short_minor, result.forgiven_minor) == (open_minor, forgiven)
    assert fresh(booking).state == ("held" if open_minor else "confirmed")
    assert books(merchant).get("adjustments", 0) == forgiven
    assert books(merchant)["customer_deposits"] == -(minor + forgiven)
    assert OutboxEmail.objects.filter(key__startswith="short:").exists() == bool(open_minor)
    check_sums(booking)


def test_the_tolerance_is_for_cash_and_a_setting_and_reaches_over_all_that_is_open(
    merchant: Merchant, by: User
) -> None:
    zelle, whole, exact = book(merchant), book(merchant), book(merchant)
    manual.record(found(merchant, by=by, amount_minor=9_997), booking=zelle)
    assert zelle.instalments.get(purpose="deposit").open_minor == 3
    cash(whole, 108_747, by=by, purpose="full")
    [part] = dues.shown(whole)
    assert (part.purpose, part.amount_minor, part.paid_minor, part.open_minor) == (
        "full",
        108_750,
        108_747,
        0,
    )
    merchant.cash_tolerance_minor = 0
    merchant.save()
    exact.merchant = merchant
    cash(exact, 9_999, by=by)
    assert exact.instalments.get(purpose="deposit").open_minor == 1


def test_the_rest_of_cash_that_came_in_parts_may_be_short_too_and_taken_back_it_is_open_again(
    merchant: Merchant, by: User
) -> None:
    booking = book(merchant)
    cash(booking, 5_000, by=by)
    last = cash(booking, 4_998, by=by)
    assert booking.instalments.get(purpose="deposit").open_minor == 0
    manual.reverse(last.transfer, reason="a torn note", by=by)
    deposit = booking.instalments.get(purpose="deposit")
    assert (deposit.open_minor, deposit.forgiven_minor) == (5_000, 0)
    assert books(merchant) == {"clearing:cash": 5_000, "customer_deposits": -5_000} | {
        name: minor for name, minor in books(merchant).items() if name.startswith("platform")
    }
    check_sums(booking)


def test_unplaced_cash_that_the_desk_places_settles_as_well(merchant: Merchant, owner: User) -> None:
    booking = book(merchant)
    manual.unplaced(found(merchant, by=owner, method="cash", amount_minor=9_997))
    resolution.resolve(DeskItem.objects.get(), action="place", by=owner, reason="hers", booking=booking)
    assert booking.instalments.get(purpose="deposit").open_minor == 0
    assert fresh(booking).state == "confirmed"
    check_sums(booking)


def test_the_rest_is_written_off_before_the_event_once_and_asked_for_again(
    booking: Booking, owner: User
) -> None:
    assert write_off(booking, owner, request_key="k", expected_minor=30_000) == 30_000
    assert write_off(booking, owner, request_key="k", expected_minor=30_000) == 30_000
    with pytest.raises(errors.NothingToPay):
        write_off(booking, owner)
    assert WriteOff.objects.count() == 1
    assert books(booking.merchant)["customer_deposits"] == -108_750
    with pytest.raises(errors.AlreadyPaid):
        dues.next_due(booking)
    check_sums(booking)
    done = over(booking)
    assert books(booking.merchant).get("accounts_receivable", 0) == 0
    completion.undo(done, actor="user:1", reason="it was moved")
    assert [writeoffs.ask_again(done, by=owner, reason="they paid after all") for _ in range(2)] == [
        30_000,
        0,
    ]
    assert books(booking.merchant)["customer_deposits"] == -78_750
    check_sums(booking)


def test_after_the_event_it_is_taken_off_what_is_owed(booking: Booking, owner: User) -> None:
    done = over(booking)
    assert books(booking.merchant)["accounts_receivable"] == 30_000
    write_off(done, owner)
    assert books(booking.merchant).get("accounts_receivable", 0) == 0
    completion.undo(done, actor="user:1", reason="it was moved")
    assert books(booking.merchant)["customer_deposits"] == -108_750
    completion.complete(fresh(booking), actor="system")
    writeoffs.ask_again(fresh(booking), by=owner, reason="they pay")
    assert books(booking.merchant)["accounts_receivable"] == 30_000
    cash(fresh(booking), 30_000, by=owner)
    assert not {"accounts_receivable", "adjustments"} & set(books(booking.merchant))
    check_sums(booking)


def test_what_was_written_off_never_becomes_credit_a_refund_or_money_kept(
    booking: Booking, owner: User
) -> None:
    write_off(booking, owner)
    alterations.edit(booking=fresh(booking), edit=Edit(adults=9), actor="user:1")  # 108.75 less
    assert not Credit.objects.exists()
    assert sum(part.forgiven_minor for part in booking.instalments.all()) == 30_000 - 10_875
    check_sums(booking)
    alterations.edit(
        booking=fresh(booking), edit=Edit(adults=5), actor="user:1"
    )  # 543.75: less than was paid
    assert Credit.objects.get().remaining_minor == 78_750 - 54_375
    check_sums(booking)
    cancelled = cancellation.cancel(fresh(booking), actor="customer")
    assert (cancelled.paid_minor, cancelled.refund_minor) == (54_375, 54_375)


def test_a_cancellation_takes_back_what_was_written_off(booking: Booking, owner: User) -> None:
    write_off(booking, owner)
    done = cancellation.cancel(
        fresh(booking), actor="x", by=owner, reason="storm", percent=0, authenticated_at=clock.now()
    )
    assert (done.paid_minor, done.kept_minor) == (78_750, 78_750)
    assert books(booking.merchant)["cancellation_income"] == -78_750
    assert "customer_deposits" not in books(booking.merchant)
    check_sums(booking)


def test_more_guests_after_it_ask_for_what_they_add_alone(booking: Booking, owner: User) -> None:
    write_off(booking, owner)
    alterations.edit(booking=fresh(booking), edit=Edit(adults=11), actor="user:1")
    assert dues.next_due(booking).amount_minor == 10_875
    check_sums(booking)


def test_who_may_not_and_what_is_too_much_changes_nothing(
    merchant: Merchant, booking: Booking, owner: User
) -> None:
    clerk = User.objects.create_user("clerk")
    Membership.objects.create(user=clerk, merchant=merchant, role=Role.CLERK)
    for refusal, who, more in (
        (Forbidden, clerk, {}),
        (Invalid, owner, {"reason": " "}),
        (errors.PriceChanged, owner, {"expected_minor": 29_999}),
        (ReauthenticationRequired, owner, {"authenticated_at": None}),
    ):
        with pytest.raises(refusal):
            write_off(booking, who, **more)
    with pytest.raises(errors.NotPossible):
        write_off(book(merchant), owner)  # held: it ends by itself
    payment = manual.start(booking, method="zelle", actor="customer")
    said = manual.claim(payment, sender_name="Ada", sent_on=TODAY, actor="customer")
    with pytest.raises(errors.NotPossible, match="on its way"):
        write_off(booking, owner)
    manual.withdraw(said, actor="customer")
    merchant.approval_from_minor = 50_000
    merchant.save()
    write_off(booking, owner)
    other = book(merchant)
    cash(other, 10_000, by=owner)
    cash(other, 76_250, by=owner)
    with pytest.raises(
        errors.LimitExceeded, match=r"by you today would come to \$525.00. From \$500.00 on nobody"
    ):
        write_off(fresh(other), owner)
    assert WriteOff.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_staff_at_once_write_it_off_once(merchant: Merchant, owner: User) -> None:
    booking = book(merchant)
    cash(booking, 10_000, by=owner)
    cash(booking, 68_750, by=owner)
    said: list[str] = []

    def act() -> None:
        try:
            said.append(str(write_off(fresh(booking), owner)))
        except DomainError as refusal:
            said.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["30000", "NothingToPay"]
    check_sums(booking)


class Killed(BaseException):
    """What no handler catches."""


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_card_form_open_at_that_moment_is_ended_or_what_it_pays_after_a_kill_is_credit_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    by = User.objects.create_user("casey")
    Membership.objects.create(user=by, merchant=shop.merchant, role=Role.OWNER)
    Merchant.objects.filter(pk=shop.merchant.pk).update(approval_from_minor=1_000_000)
    booking = shop.book()
    shop.paid(booking)
    card = shop.start(fresh(booking)).payment

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        if is_killed:
            dying.setattr(cancellation, "end_open_cards", die)
        with pytest.raises(Killed) if is_killed else nullcontext():
            write_off(fresh(booking), by)
    card.refresh_from_db()
    if not is_killed:
        assert card.state == PaymentState.CANCELED
        with pytest.raises(Exception, match="canceled"):
            shop.confirm(card)
    else:
        shop.confirm(card)
        for _ in range(2):
            shop.deliver()
        card.refresh_from_db()
        assert (card.state, card.placed_minor, card.credit_minor) == (
            PaymentState.SUCCEEDED,
            0,
            card.received_minor,
        )
        assert DeskItem.objects.get().payment == card
    check_sums(booking)
    assert shop.tie_out().difference_minor == 0
