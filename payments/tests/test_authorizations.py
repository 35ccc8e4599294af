"""A card promises money: captured in full or in part, released, lapsed; twice, at once, with answers that get lost."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from bookings.models import Booking, BookingState
from core import clock
from payments import authorizations, errors, events, handling, reconcile
from payments.models import (
    Authorization,
    Capture,
    DeskItem,
    LedgerTransaction,
    Payment,
    PaymentState,
    Receipt,
)
from payments.tests.customer_world import text, visitor
from payments.tests.shop import Shop
from payments.tests.test_sql_counts import at_most

DAY = 86_400
STAFF = "user:7"


def authorized(shop: Shop, booking: Booking | None = None, *, deliver: bool = True) -> Payment:
    """The deposit of 100.00 + 8.00, promised by a card."""
    booking = booking or shop.book()
    payment = shop.authorize(booking).payment
    shop.confirm(payment)
    if deliver:
        shop.deliver()
    payment.refresh_from_db()
    return payment


def capture(payment: Payment, amount_minor: int | None = None) -> Payment:
    return authorizations.capture(payment=payment, actor=STAFF, amount_minor=amount_minor, reason="Fits us")


def captured_at_stripe(shop: Shop, payment: Payment) -> tuple[str, int]:
    intent = shop.stripe.v1.payment_intents.retrieve(payment.stripe_payment_intent_id)
    return intent["status"], intent["amount_received"]


def held_for() -> timedelta:
    """How long the only booking is still held."""
    end = Booking.objects.get().hold_expires_at
    assert end is not None
    return end - clock.now()


def books_of(payment: Payment) -> int:
    return LedgerTransaction.objects.filter(source_key=f"ch:{payment.stripe_charge_id}").count()


def test_pages_ask_nothing_again_of_what_a_card_has_promised(shop: Shop) -> None:
    """Neither in the plan nor as the next step; the cancel page says what becomes of it."""
    booking = authorized(shop).booking
    assert booking is not None
    guest = visitor(booking)
    page = text(guest.get(f"/b/{booking.code}"))
    for words in (
        "Your card is authorized for it",
        "charged when we confirm the booking.",
        "Pay the balance",
    ):
        assert words in page, words
    for untrue in ("Pay what is due", "Due now"):
        assert untrue not in page, untrue
    assert "its authorization of $108.00 is released" in text(guest.get(f"/b/{booking.code}/cancel"))


def test_a_promise_keeps_the_date_and_posts_nothing_and_its_capture_confirms_once(shop: Shop):
    payment = authorized(shop)
    booking = Booking.objects.get()
    row = Authorization.objects.get()
    assert (payment.state, payment.received_minor) == (PaymentState.AUTHORIZED, 0)
    assert (booking.state, booking.hold_expires_at) == (BookingState.HELD, row.capture_before)
    assert payment.card_last4 == "4242"
    assert not LedgerTransaction.objects.exists()
    with pytest.raises(errors.AlreadyAuthorized):
        shop.start(booking)

    for _ in range(2):  # medusajs/medusa#13301, #6370
        paid = capture(payment)
        shop.deliver(times=2)
    booking.refresh_from_db()
    paid.refresh_from_db()
    assert (paid.state, paid.received_minor, booking.state) == ("succeeded", 10_800, "confirmed")
    assert captured_at_stripe(shop, payment) == ("succeeded", 10_800)
    assert (books_of(paid), Receipt.objects.count(), DeskItem.objects.count()) == (1, 1, 0)
    with pytest.raises(errors.NotCapturable, match="captured already"):
        capture(payment, 5_000)
    with pytest.raises(errors.NotVoidable):
        authorizations.void(payment=payment, actor=STAFF)


def test_a_capture_in_part_is_meant_so_and_leaves_the_rest_open(shop: Shop):
    payment = authorized(shop)
    for wrong in (0, 10_001):
        with pytest.raises(errors.CaptureTooLarge):
            capture(payment, wrong)
    assert captured_at_stripe(shop, payment) == ("requires_capture", 0)

    paid = capture(payment, 4_000)
    shop.deliver_shuffled(seed=3, times=2)
    booking = Booking.objects.get()
    deposit = booking.instalments.get(purpose="deposit")
    assert (paid.received_minor, paid.placed_minor, paid.received_fee_minor) == (4_320, 4_000, 320)
    assert (deposit.paid_minor, deposit.open_minor, paid.credit_minor) == (4_000, 6_000, 0)
    assert booking.state == BookingState.CONFIRMED
    assert not DeskItem.objects.exists()
    assert paid.changes.filter(actor=STAFF, reason__contains="$43.20").count() == 1
    reconcile.read_balances()
    assert shop.tie_out().difference_minor == 0
    rest = shop.paid(booking)
    assert rest.placed_minor == 6_000


def test_all_that_is_open_can_be_promised_and_captured(shop: Shop):
    booking = shop.book()
    payment = shop.authorize(booking, purpose="full").payment
    shop.confirm(payment)
    shop.deliver()
    assert authorizations.largest_capture(payment) == 108_750
    payment = capture(payment)
    assert (payment.state, payment.placed_minor) == (PaymentState.SUCCEEDED, 108_750)
    assert [part.open_minor for part in booking.instalments.all()] == [0, 0]


def test_a_release_gives_the_date_its_ordinary_hold_and_the_card_its_money(shop: Shop):
    payment = authorized(shop)
    for _ in range(2):
        released = authorizations.void(payment=payment, actor=STAFF, reason="No cook that day")
        shop.deliver(times=2)
    booking = Booking.objects.get()
    assert released.state == PaymentState.CANCELED
    assert captured_at_stripe(shop, payment) == ("canceled", 0)
    assert booking.state == BookingState.HELD
    assert timedelta() < held_for() <= timedelta(minutes=45)
    assert released.changes.filter(actor=STAFF, reason__contains="No cook that day").count() == 1
    with pytest.raises(errors.NotCapturable):
        capture(payment)
    assert not LedgerTransaction.objects.exists()
    assert shop.start(booking).client_secret


@pytest.mark.parametrize("dropped", ["charge.expired", "payment_intent.canceled", "both"])
def test_what_nobody_captures_lapses_whichever_news_comes(shop: Shop, dropped: str):
    payment = authorized(shop)
    shop.sandbox.advance(seconds=8 * DAY)
    shop.deliver([event for event in shop.events() if dropped not in ("both", event["type"])])
    if dropped == "both":
        Payment.objects.update(updated_at=clock.now() - timedelta(hours=1))
        reconcile.ask_for_payments()
    payment.refresh_from_db()
    assert payment.state == PaymentState.EXPIRED
    assert held_for() <= timedelta(minutes=45)
    with pytest.raises(errors.NotCapturable):
        capture(payment)


@pytest.mark.parametrize(
    ("kind", "is_known"),
    [
        ("hangup_after", False),
        ("hangup_before", False),
        ("error_500_before", True),
        ("error_500_after", True),
    ],
)
def test_a_capture_whose_answer_is_lost_is_carried_out_once(shop: Shop, settings, kind: str, is_known: bool):
    settings.STRIPE_MAX_RETRIES = 0
    payment = authorized(shop)
    shop.fault(kind, path="/v1/payment_intents/*/capture")
    if is_known:
        assert capture(payment, 4_000).state == PaymentState.SUCCEEDED
    else:
        with pytest.raises(errors.GatewayUnknown):
            capture(payment, 4_000)
        payment.refresh_from_db()
        assert payment.state == PaymentState.AUTHORIZED
        assert reconcile.ask_for_payments() == 0  # The request may still be on its way.
        Payment.objects.update(updated_at=clock.now() - timedelta(minutes=3))
        assert reconcile.ask_for_payments() == 1
    payment.refresh_from_db()
    shop.deliver()
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 4_320)
    assert captured_at_stripe(shop, payment) == ("succeeded", 4_320)
    assert (books_of(payment), DeskItem.objects.count()) == (1, 0)


def test_a_release_whose_answer_is_lost_is_carried_out_later(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    payment = authorized(shop)
    shop.fault("hangup_before", path="/v1/payment_intents/*/cancel")
    with pytest.raises(errors.GatewayUnknown):
        authorizations.void(payment=payment, actor=STAFF)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    Payment.objects.update(updated_at=clock.now() - timedelta(minutes=3))
    reconcile.ask_for_payments()
    payment.refresh_from_db()
    assert payment.state == PaymentState.CANCELED
    assert captured_at_stripe(shop, payment) == ("canceled", 0)


def test_capturing_what_was_canceled_at_stripe_says_so_and_takes_nothing(shop: Shop):
    payment = authorized(shop)
    shop.stripe.v1.payment_intents.cancel(payment.stripe_payment_intent_id)
    with pytest.raises(errors.NotCapturable, match="over"):
        capture(payment)
    payment.refresh_from_db()
    assert (payment.state, payment.received_minor) == (PaymentState.CANCELED, 0)


def test_what_was_captured_in_the_dashboard_is_found_and_not_released(shop: Shop):
    payment = authorized(shop)
    shop.stripe.v1.payment_intents.capture(payment.stripe_payment_intent_id)
    with pytest.raises(errors.NotVoidable):
        authorizations.void(payment=payment, actor=STAFF)
    payment.refresh_from_db()
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 10_800)


def test_the_end_of_a_hold_waits_for_the_promise_even_when_no_news_of_it_came(shop: Shop):
    payment = authorized(shop, deliver=False)
    assert payment.state == PaymentState.PENDING
    Booking.objects.update(hold_expires_at=clock.now() - timedelta(minutes=1))
    assert reconcile.expire_holds() == 0
    booking = Booking.objects.get()
    assert booking.state == BookingState.HELD
    assert held_for() > timedelta(days=6)
    assert captured_at_stripe(shop, payment) == ("requires_capture", 0)
    assert not DeskItem.objects.exists()
    assert capture(payment).state == PaymentState.SUCCEEDED


def test_a_promise_for_what_was_paid_otherwise_or_whose_booking_ended_is_not_captured(shop: Shop):
    payment = authorized(shop)
    booking = Booking.objects.get()
    booking.instalments.filter(purpose="deposit").update(paid_minor=10_000)
    with pytest.raises(errors.AlreadyPaid):
        capture(payment)
    booking.instalments.filter(purpose="deposit").update(paid_minor=0)
    Booking.objects.update(state=BookingState.CANCELLED)
    with pytest.raises(errors.NotCapturable, match="ended"):
        capture(payment)
    assert captured_at_stripe(shop, payment) == ("requires_capture", 0)
    assert authorizations.void(payment=payment, actor=STAFF).state == PaymentState.CANCELED


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_captures_and_releases_at_the_same_moment_end_in_one_of_them(open_to_threads: Shop):
    shop = open_to_threads
    payment = authorized(shop)
    doing: list[Callable[[], Any]] = [
        lambda: capture(Payment.objects.get(pk=payment.pk)),
        lambda: authorizations.void(payment=Payment.objects.get(pk=payment.pk), actor=STAFF),
    ] * 2
    at_once(doing)
    shop.deliver()
    payment.refresh_from_db()
    status, taken = captured_at_stripe(shop, payment)
    assert (status, payment.state, payment.received_minor) in (
        ("succeeded", PaymentState.SUCCEEDED, taken),
        ("canceled", PaymentState.CANCELED, 0),
    )
    assert books_of(payment) == (1 if taken else 0) or not payment.stripe_charge_id
    assert not DeskItem.objects.exists()


def at_once(doing: list[Callable[[], Any]]) -> list[Exception]:
    """Do these in threads at the same moment; what was refused."""
    refused: list[Exception] = []
    start = threading.Barrier(len(doing))

    def run(do: Callable[[], Any]) -> None:
        start.wait()
        try:
            do()
        except errors.DomainError as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[do]) for do in doing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_another_way_to_pay_takes_the_place_of_an_authorization_that_no_card_gave_yet(shop: Shop):
    booking = shop.book()
    promised = shop.authorize(booking).payment
    charged = shop.start(booking).payment
    promised.refresh_from_db()
    assert (promised.state, promised.capture) == (PaymentState.CANCELED, Capture.MANUAL)
    assert (charged.capture, charged.pk != promised.pk) == (Capture.AUTOMATIC, True)
    with pytest.raises(errors.NotVoidable):
        authorizations.void(payment=charged, actor=STAFF)


def test_noting_a_promise_and_capturing_it_cost_a_bounded_number_of_statements(shop: Shop):
    payment = shop.authorize(shop.book()).payment
    shop.confirm(payment)
    for event in shop.events():
        if event["type"] == "payment_intent.amount_capturable_updated":
            assert shop.post(event) == 200
    with at_most(16):
        handling.work_off(events.handle)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    with at_most(24):
        assert capture(payment).state == PaymentState.SUCCEEDED
