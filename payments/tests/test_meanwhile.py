"""What changes while money is on its way: plans, prices, other people's decisions. It ends where it belongs, once."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum
from pytest_django import Settings

from bookings import details
from bookings.editing import Edit
from bookings.models import Booking, BookingState, Purpose, Slot
from bookings.tests.factories import MerchantFactory, SlotFactory
from core import clock
from core.errors import ConcurrentChange
from core.models import OutboxEmail
from customers.models import Membership, Role
from payments import alterations, bulk, changes, checkout, errors, keys, manual, refunds, reminders
from payments.models import (
    BulkCancellation,
    BulkItemState,
    BulkState,
    DeskItem,
    DeskKind,
    GatewayAccount,
    Payment,
    RefundCause,
    RefundState,
)
from payments.tests.shop import Shop


def slot(shop: Shop, *, days: int) -> Slot:
    return SlotFactory.create(merchant=shop.merchant, starts_at=clock.now() + timedelta(days=days))


def takes_zelle(shop: Shop) -> User:
    shop.merchant.zelle_name, shop.merchant.zelle_contact = "Ember LLC", "pay@ember.example"
    shop.merchant.save()
    return User.objects.create_user("casey")


def read(booking: Booking) -> Booking:
    return Booking.objects.select_related("merchant", "customer").get(pk=booking.pk)


def edited(booking: Booking, **what: object) -> Booking:
    alterations.edit(booking=read(booking), edit=Edit(**what), actor="user:1")  # type: ignore[arg-type]
    return read(booking)


def parts(booking: Booking) -> list[tuple[str, int, int]]:
    rows = booking.instalments.filter(amount_minor__gt=0).order_by("position")
    return [(row.purpose, row.amount_minor, row.paid_minor) for row in rows]


@pytest.mark.parametrize(("days", "to"), [(50, 3), (3, 50)])
def test_a_transfer_sent_before_the_day_moved_pays_what_the_new_plan_asks_for(
    shop: Shop, days: int, to: int
) -> None:
    by = takes_zelle(shop)
    booking = shop.book(slot=slot(shop, days=days))
    payment = manual.start(read(booking), method="zelle", actor="customer")
    today = clock.today(booking.timezone)
    said = manual.claim(payment, sender_name="Ada Example", sent_on=today, actor="customer")
    edited(booking, slot_public_id=slot(shop, days=to).public_id)
    outcome = manual.confirm(said, amount_minor=payment.total_minor, received_on=today, by=by)
    booking = read(booking)
    assert (outcome.results[0].placed_minor, outcome.credit_minor) == (payment.amount_minor, 0)
    assert parts(booking) == [(Purpose.FULL, 108_750, payment.amount_minor)]
    # A deposit is less than the whole that is due at once now.
    assert booking.state == (BookingState.HELD if to == 3 else BookingState.CONFIRMED)


def test_the_old_amount_of_a_card_form_does_not_confirm_a_booking_that_became_dearer(shop: Shop) -> None:
    booking = shop.book(slot=slot(shop, days=3))
    shop.confirm(shop.start(booking).payment)  # its webhook has not come yet
    booking = edited(booking, adults=12)
    shop.deliver()
    booking.refresh_from_db()
    assert (booking.state, parts(booking)) == (BookingState.HELD, [(Purpose.FULL, 130_500, 108_750)])
    assert DeskItem.objects.get().kind == DeskKind.AMOUNT_MISMATCH
    shop.paid(booking)
    booking.refresh_from_db()
    assert (booking.state, parts(booking)) == (BookingState.CONFIRMED, [(Purpose.FULL, 130_500, 130_500)])
    assert shop.tie_out().difference_minor == 0


def test_a_payment_in_full_stays_one_when_the_price_falls_after_it(shop: Shop) -> None:
    payment = shop.paid(shop.book(), purpose="full")
    edited(shop.merchant.bookings.get(), adults=8)
    payment.refresh_from_db()
    assert payment.credit_minor
    assert not payment.is_part_of_whole


@pytest.mark.parametrize("claimed", [False, True])
def test_all_of_it_sent_by_somebody_who_was_told_of_the_deposit_pays_all_of_it(
    shop: Shop, claimed: bool
) -> None:
    by = takes_zelle(shop)
    booking = shop.book()
    today = clock.today(booking.timezone)
    payment = manual.start(read(booking), method="zelle", actor="customer")
    if claimed:
        manual.claim(payment, sender_name="Ada Example", sent_on=today, actor="customer")
    found = manual.Found(
        merchant=shop.merchant,
        method="zelle",
        amount_minor=booking.total_minor,
        currency="usd",
        received_on=today,
        by=by,
    )
    outcome = manual.record(found, booking=read(booking), purpose=Purpose.FULL)
    assert (outcome.results[0].payment, outcome.credit_minor) == (payment, 0)
    assert parts(booking) == [(Purpose.FULL, 108_750, 108_750)]


def test_a_move_for_a_fee_does_not_keep_the_whole_price_from_going_back(shop: Shop) -> None:
    shop.merchant.approval_from_minor = 1_000_000
    shop.merchant.save()
    booking = shop.book()
    shop.paid(booking)
    booking = edited(booking, slot_public_id=slot(shop, days=60).public_id, fee_minor=5_000)
    shop.paid(booking)
    for payment in Payment.objects.order_by("pk"):
        refunds.request(
            payment=payment,
            amount_minor=refunds.refundable(payment),
            cause=RefundCause.PRICE_REDUCTION,
            reason="the kitchen burnt down",
            requested_by=None,
            actor="system",
        )
    booking.refresh_from_db()
    assert (booking.total_minor, booking.tax_minor) == (0, 0)
    assert booking.lines.aggregate(total=Sum("amount_minor"))["total"] == 0


def test_a_refund_of_money_that_is_placed_at_this_moment_waits_for_its_bookings_lock(shop: Shop) -> None:
    payment = shop.paid(shop.book())
    known_before = Payment.objects.get(pk=payment.pk)
    known_before.booking = None  # as it was read, before staff placed it
    with pytest.raises(ConcurrentChange):
        refunds.request(
            payment=known_before,
            amount_minor=1_000,
            cause=RefundCause.PRICE_REDUCTION,
            reason="late",
            requested_by=None,
            actor="system",
        )
    assert not payment.refunds.exclude(state=RefundState.FAILED).exists()


def beside(work: Callable[[], object], *, waits: Callable[[], object]) -> None:
    """`waits` begins in a process beside while `work` holds its locks, and goes on when that is committed."""

    def other() -> None:
        try:
            waits()
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    with transaction.atomic():
        work()
        thread.start()
        while thread.is_alive() and not _somebody_waits():
            thread.join(timeout=0.02)
    thread.join()


def _somebody_waits() -> bool:
    """Whether a process waits for another's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE NOT granted AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_who_pays_while_an_edit_is_stored_agrees_to_the_lines_of_the_price_that_is_asked(
    open_to_threads: Shop,
) -> None:
    shop = open_to_threads
    booking = read(shop.book())
    shop.start(booking)  # Stripe knows its customer
    Payment.objects.update(state="canceled")
    beside(
        lambda: changes.edit(booking=booking, edit=Edit(adults=12), actor="user:1"),
        waits=lambda: checkout.start(booking=booking, mode="element", actor="customer"),
    )
    agreed = Payment.objects.latest("pk").agreement
    assert sum(line["amount_minor"] for line in agreed["lines"]) == agreed["total_minor"] == 130_500


@pytest.mark.parametrize("other", ["edit", "details", "reminder"])
def test_what_waits_for_a_move_to_end_finds_the_booking_as_it_is_then(
    open_to_threads: Shop, other: str
) -> None:
    shop = open_to_threads
    booking = read(shop.book())
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.CONFIRMED)
    garden = shop.merchant.menus.create(name="Garden", adult_price_minor=5_000, child_price_minor=1)
    edit = Edit(slot_public_id=slot(shop, days=60).public_id, menu_id=garden.pk)
    part = booking.instalments.latest("position")
    todo: dict[str, Callable[[], object]] = {
        "edit": lambda: changes.edit(booking=read(booking), edit=Edit(adults=12), actor="user:1"),
        "details": lambda: details.change(booking, details.Details(values={"city": "Oakland"})),
        "reminder": lambda: reminders._remind(part, kind=reminders.BEFORE),
    }
    beside(lambda: changes.edit(booking=booking, edit=edit, actor="user:1"), waits=todo[other])
    booking = read(booking)
    assert booking.menu == garden
    done = {
        "edit": booking.adults == 12,
        "details": booking.city == "Oakland",
        "reminder": OutboxEmail.objects.filter(key__startswith="reminder:").exists(),
    }
    assert done[other]


def test_what_is_to_be_tried_again_at_the_moment_a_day_is_finished_is_not_forgotten(
    open_to_threads: Shop,
) -> None:
    shop = open_to_threads
    booking = shop.book()
    by = User.objects.create_user("robin")
    Membership.objects.create(user=by, merchant=shop.merchant, role=Role.OWNER)
    day = BulkCancellation.objects.create(
        merchant=shop.merchant,
        day=booking.event_date,
        terms="full",
        reason="storm",
        state=BulkState.RUNNING,
        requested_by=by,
        refund_minor=0,
    )
    day.items.create(booking=booking, state=BulkItemState.FAILED)
    beside(lambda: bulk.retry(day, by=by), waits=lambda: bulk._finish(day))
    day.refresh_from_db()
    assert (day.state, day.items.get().state) == (BulkState.RUNNING, BulkItemState.WAITING)


def test_two_merchants_that_are_given_keys_of_one_account_at_once_do_not_share_it(
    open_to_threads: Shop, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    shop, good = open_to_threads, settings.STRIPE_SECRET_KEY
    other = GatewayAccount.objects.create(merchant=MerchantFactory.create())
    monkeypatch.setattr(
        keys, "_owner_of", lambda account, secret_key: "acct_one"
    )  # no call inside a transaction
    refused: list[dict[str, str]] = []

    def too_late() -> None:
        try:
            keys.change(other, secret_key=good)
        except keys.KeysRefused as refusal:
            refused.append(refusal.fields)

    beside(lambda: keys.change(shop.account, secret_key=good), waits=too_late)
    assert "Another business here" in refused[0]["secret_key"]
    assert GatewayAccount.objects.filter(stripe_account_id="acct_one").count() == 1


def test_saying_that_a_transfer_was_sent_does_not_release_what_a_card_promised(shop: Shop) -> None:
    takes_zelle(shop)
    booking = shop.book()
    promised = shop.authorize(booking).payment
    shop.confirm(promised)
    shop.deliver()
    payment = manual.start(read(booking), method="zelle", actor="customer")
    with pytest.raises(errors.AlreadyAuthorized):
        manual.claim(payment, sender_name="Ada", sent_on=clock.today(booking.timezone), actor="customer")
    promised.refresh_from_db()
    assert promised.state == "authorized"
    assert not payment.claims.exists()
