"""Everything at once: events by many workers, and reconcile, pages, staff and the hold's end at the same moment.

Whatever the order, what was done once in order is what is there in the end.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import pytest
import stripe
from django.db import connection

from bookings.models import Booking, BookingState
from core import clock
from core.errors import DomainError
from payments import errors, handling, inbox, mirror, receipts, reconcile, refunds, tasks
from payments.models import (
    DeskItem,
    EventState,
    LedgerTransaction,
    Payment,
    PaymentState,
    Receipt,
    RefundCause,
    WebhookEvent,
)
from payments.tests.shop import Shop
from tests.chaos import trade

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WORKERS = 8
ROUNDS = 3


@pytest.fixture
def shop(open_to_threads: Shop, settings) -> Shop:
    settings.DOORBELL_ENABLED = False
    mirror.learn_accounts()
    open_to_threads.account.refresh_from_db()
    return open_to_threads


def at_once(*works: Callable[[], object]) -> list[Exception]:
    """Do all of these at the same moment, each on its own connection. Refusals are returned, bugs raised."""
    refused: list[Exception] = []
    bugs: list[Exception] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except DomainError as refusal:
            refused.append(refusal)
        except Exception as bug:  # noqa: BLE001 - told in the test's own thread
            bugs.append(bug)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if bugs:
        raise bugs[0]
    return refused


def work_off() -> None:
    handling.work_off(tasks.handle)


def work_off_the_rest() -> None:
    """What waited for another event is due now. No event may have failed on the way."""
    for _ in range(5):
        states = set(WebhookEvent.objects.values_list("state", flat=True))
        assert states <= {*trade.DONE, EventState.PENDING}, _troubles()
        if states <= trade.DONE:
            return
        trade.make_due()
        work_off()
    raise AssertionError(list(WebhookEvent.objects.exclude(state__in=trade.DONE).values("type", "outcome")))


def _troubles() -> list[tuple[str, str]]:
    troubles = WebhookEvent.objects.filter(state__in=[EventState.FAILED, EventState.DEAD])
    return list(troubles.values_list("type", "last_error"))


def deliver(shop: Shop, found: Sequence[dict]) -> None:
    for event in found:
        assert shop.post(event) == 200


def handled_in_order(shop: Shop, *, kinds: Iterable[str] = trade.KINDS) -> dict[int, str]:
    """A trade whose events came once and in order."""
    made = trade.make(shop, kinds=kinds)
    deliver(shop, shop.events())
    work_off()
    work_off_the_rest()
    trade.assert_books_are_straight(shop)
    return made


def assert_same(shop: Shop, *, once: dict[int, str], disturbed: dict[int, str]) -> None:
    trade.assert_books_are_straight(shop)
    for kind in set(once.values()):
        expected = trade.told(booking for booking, its in once.items() if its == kind)
        assert trade.told(booking for booking, its in disturbed.items() if its == kind) == expected, kind
    settled = Payment.objects.filter(state=PaymentState.SUCCEEDED)
    assert Receipt.objects.count() == settled.count()
    assert LedgerTransaction.objects.filter(source_key__startswith="ch:").count() == settled.count()


def test_events_twice_and_in_reverse_and_by_eight_workers_at_once_change_nothing_more(
    shop: Shop, monkeypatch
):
    """One more worker is only slow: the leases of all that it has claimed ended, and others took them over."""
    once = handled_in_order(shop)
    disturbed = trade.make(shop)
    found = shop.events()[::-1]
    deliver(shop, found + found)
    claimed = inbox.claim(batch=len(found))
    trade.make_due()

    def slow_worker() -> None:
        for event in claimed:
            handling._one(event, handle=tasks.handle)

    at_once(slow_worker, *[work_off] * WORKERS)
    work_off_the_rest()
    assert_same(shop, once=once, disturbed=disturbed)
    newest = WebhookEvent.objects.order_by("-id")[: len(found)]
    assert set(newest.values_list("deliveries", flat=True)) == {2}


def test_events_that_arrive_while_they_are_worked_off_change_nothing_more(shop: Shop):
    kinds = [kind for kind in trade.KINDS if "refunded" in kind]
    once = handled_in_order(shop, kinds=kinds)
    disturbed = trade.make(shop, kinds=kinds)
    found = shop.events()
    arriving = threading.Event()
    arriving.set()

    def post(events: Sequence[dict]) -> None:
        try:
            deliver(shop, events)
        finally:
            arriving.clear()

    def keep_working() -> None:
        while arriving.is_set():
            work_off()

    at_once(lambda: post(found), lambda: post(found[::-1]), *[keep_working] * (WORKERS - 2))
    work_off_the_rest()
    assert_same(shop, once=once, disturbed=disturbed)


def lapse(booking: Booking) -> None:
    past = clock.now() - timedelta(seconds=1)
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=past)


def at_any_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconcile asks for every open payment, however new."""
    monkeypatch.setattr(reconcile, "ASK_AFTER", timedelta(0))
    monkeypatch.setattr(reconcile, "ASK_WAITING_AFTER", timedelta(0))


@pytest.mark.parametrize("lapsed", [False, True], ids=["held", "hold over"])
def test_webhooks_reconcile_the_page_and_the_holds_end_settle_a_payment_once(
    shop: Shop, monkeypatch, lapsed: bool
):
    at_any_age(monkeypatch)
    for _ in range(ROUNDS):
        _settled_by_everybody(shop, lapsed=lapsed)
    assert Receipt.objects.count() == ROUNDS
    assert DeskItem.objects.count() == 0
    assert LedgerTransaction.objects.filter(source_key__startswith="ch:").count() == ROUNDS
    trade.assert_books_are_straight(shop)


def _settled_by_everybody(shop: Shop, *, lapsed: bool) -> None:
    booking = trade.book(shop)
    shop.confirm(shop.start(booking).payment)
    if lapsed:
        lapse(booking)
    deliver(shop, shop.events())

    def come_back() -> None:
        shop.start(booking, purpose="deposit")

    refused = at_once(
        work_off,
        work_off,
        come_back,
        come_back,
        reconcile.ask_for_payments,
        reconcile.expire_holds,
        reconcile.read_balances,
    )
    assert {type(one) for one in refused} <= {errors.AlreadyPaid, errors.NothingToPay, errors.HoldEnded}
    assert len(refused) == 2, "the page was told twice that nothing is to be paid"
    work_off_the_rest()
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    payment = Payment.objects.get(booking=booking)
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 10_800)
    assert payment.changes.filter(to_state="succeeded").count() == 1


def test_paying_in_the_moment_the_hold_ends_either_confirms_or_is_refused(shop: Shop):
    paid = [_paid_at_the_end_of_the_hold(shop) for _ in range(ROUNDS)]
    assert Receipt.objects.count() == sum(paid)
    assert DeskItem.objects.count() == 0
    trade.assert_books_are_straight(shop)


def _paid_at_the_end_of_the_hold(shop: Shop) -> bool:
    booking = trade.book(shop)
    payment = shop.start(booking).payment
    lapse(booking)
    refusals: list[str | None] = []

    def pay() -> None:
        try:
            shop.confirm(payment)
        except stripe.InvalidRequestError as refusal:
            refusals.append(refusal.code)

    at_once(pay, reconcile.expire_holds)
    deliver(shop, shop.events())
    at_once(work_off, reconcile.expire_holds)
    work_off_the_rest()
    assert set(refusals) <= {"payment_intent_unexpected_state"}, "it was canceled a moment before"
    booking.refresh_from_db()
    assert booking.state == (BookingState.EXPIRED if refusals else BookingState.CONFIRMED)
    return not refusals


def test_a_refund_requested_while_its_payments_events_come_takes_its_part_once(shop: Shop):
    for _ in range(ROUNDS):
        _refunded_while_events_come(shop)
    assert DeskItem.objects.count() == 0
    trade.assert_books_are_straight(shop)


def _refunded_while_events_come(shop: Shop) -> None:
    booking = trade.book(shop)
    shop.confirm(shop.start(booking).payment)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking)
    payment = Payment.objects.get(booking=booking)
    deliver(shop, shop.events())

    def by_form() -> None:
        trade.refund_part(payment, key="form")

    def by_dashboard() -> None:
        shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id, "amount": 2_700})

    at_once(work_off, work_off, by_form, by_form, by_dashboard, reconcile.read_balances)
    deliver(shop, shop.events()[::-1])
    at_once(work_off, work_off, reconcile.read_balances)
    work_off_the_rest()
    payment.refresh_from_db()
    assert payment.refunds.count() == 2
    assert (payment.refunded_minor, payment.refunding_minor) == (5_400, 0)
    assert booking.instalments.get(purpose="deposit").paid_minor == 5_000


def test_a_payment_settled_while_all_of_it_is_refunded_never_goes_below_zero(shop: Shop):
    payment = shop.paid(trade.book(shop))

    def refund_all() -> None:
        refunds.request(
            payment=payment,
            amount_minor=10_000,
            cause=RefundCause.PRICE_REDUCTION,
            reason="Rained off",
            requested_by=None,
            actor="user:1",
        )

    def refund_at_stripe() -> None:
        with contextlib.suppress(stripe.InvalidRequestError):  # when ours were faster
            shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id, "amount": 10_800})

    at_once(refund_all, refund_all, refund_at_stripe)
    deliver(shop, shop.events())
    at_once(work_off, work_off, reconcile.read_balances)
    trade.make_due()
    work_off()
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.refunding_minor) == (10_800, 0)
    assert len(shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id}).data) == 1
    trade.assert_books_are_straight(shop)


def test_receipts_sent_by_many_workers_at_once_go_out_once_each(shop: Shop):
    for _ in range(3):
        shop.paid(trade.book(shop))
    at_once(*[receipts.send_due] * 4)
    assert Receipt.objects.filter(emailed_at__isnull=False).count() == 3
    numbers = sorted(Receipt.objects.values_list("number", flat=True))
    assert numbers == [1, 2, 3]
