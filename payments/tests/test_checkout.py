"""Starting a card payment: twice, at the same time, in two ways, with answers that come late, never, or as errors."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from bookings.models import Booking, BookingState
from payments import checkout, errors, gateway, reconcile
from payments.models import (
    DeskItem,
    DeskKind,
    LedgerTransaction,
    Payment,
    PaymentState,
    Receipt,
)
from payments.tests.shop import Shop


def intents(shop: Shop) -> list[str]:
    return [intent["id"] for intent in shop.stripe.v1.payment_intents.list({"limit": 100})["data"]]


def test_starting_twice_takes_up_the_same_payment(shop: Shop):
    booking = shop.book()
    first, second = shop.start(booking), shop.start(booking)
    assert first.payment == second.payment
    assert first.client_secret == second.client_secret
    assert len(intents(shop)) == 1


@pytest.mark.parametrize("mode", ["element", "hosted"])
def test_a_booking_whose_code_is_all_digits_can_be_paid_by_card(shop: Shop, mode: str):
    """Card networks refuse a statement text without a letter."""
    booking = shop.book()
    type(booking).objects.filter(pk=booking.pk).update(code="12340033")
    booking.refresh_from_db()
    assert shop.start(booking, mode=mode).payment.state == PaymentState.PENDING


def test_the_client_secret_is_stored_nowhere(shop: Shop):
    started = shop.start(shop.book())
    assert started.client_secret
    row = Payment.objects.filter(pk=started.payment.pk).values().get()
    assert started.client_secret not in str(row)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_double_click_and_two_tabs_make_one_intent(open_to_threads: Shop):
    shop = open_to_threads
    booking = shop.book()
    started, refused = at_once(6, lambda: shop.start(Booking.objects.get(pk=booking.pk)))
    assert all(isinstance(error, errors.GatewayBusy) for error in refused)
    assert len({one.payment.pk for one in started}) == 1
    assert len(intents(shop)) == 1
    assert Payment.objects.count() == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_both_ways_started_at_once_leave_one_that_can_be_paid(open_to_threads: Shop):
    shop = open_to_threads
    booking = shop.book()
    modes = iter(["element", "hosted"] * 2)
    lock = threading.Lock()

    def start() -> checkout.Started:
        with lock:
            mode = next(modes)
        return shop.start(Booking.objects.get(pk=booking.pk), mode=mode)

    at_once(4, start)
    still_open = Payment.objects.filter(booking=booking, state__in=["created", "pending", "unknown"])
    assert still_open.count() <= 1
    payable = [
        intent["id"]
        for intent in shop.stripe.v1.payment_intents.list({"limit": 100})["data"]
        if intent["status"] == "requires_payment_method"
    ]
    sessions = [
        one
        for one in shop.stripe.v1.checkout.sessions.list({"limit": 100})["data"]
        if one["status"] == "open"
    ]
    assert len(payable) + len(sessions) <= 1


def at_once(count: int, do: Callable[[], checkout.Started]) -> tuple[list[checkout.Started], list[Exception]]:
    """Do it in threads at the same moment: what came of it, and what was refused."""
    done: list[checkout.Started] = []
    refused: list[Exception] = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait()
        try:
            done.append(do())
        except errors.DomainError as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done, refused


def test_switching_from_checkout_to_the_element_ends_the_session_first(shop: Shop):
    booking = shop.book()
    hosted = shop.start(booking, mode="hosted").payment
    element = shop.start(booking, mode="element")
    hosted.refresh_from_db()
    assert hosted.state == PaymentState.EXPIRED
    assert shop.stripe.v1.checkout.sessions.retrieve(hosted.stripe_checkout_session_id)["status"] == "expired"
    shop.confirm(element.payment)
    shop.deliver()
    assert Payment.objects.filter(state=PaymentState.SUCCEEDED).count() == 1


def test_switching_after_the_session_was_paid_settles_it_instead_of_charging_again(shop: Shop):
    booking = shop.book()
    hosted = shop.start(booking, mode="hosted").payment
    shop.pay_hosted(hosted)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking, mode="element")
    hosted.refresh_from_db()
    booking.refresh_from_db()
    assert hosted.state == PaymentState.SUCCEEDED
    assert booking.state == BookingState.CONFIRMED
    shop.deliver()
    assert LedgerTransaction.objects.filter(source_key__startswith="ch:").count() == 1


def test_paid_at_stripe_but_not_told_yet_is_settled_and_not_charged_again(shop: Shop):
    """pretix/pretix#1233."""
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)
    with pytest.raises(errors.AlreadyPaid):
        shop.start(booking)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert len(intents(shop)) == 1


def test_an_intent_canceled_at_stripe_gives_way_to_a_new_one(shop: Shop):
    """pretix/pretix#1230."""
    booking = shop.book()
    first = shop.start(booking).payment
    first.refresh_from_db()
    shop.stripe.v1.payment_intents.cancel(first.stripe_payment_intent_id)
    second = shop.start(booking).payment
    first.refresh_from_db()
    assert first.state == PaymentState.CANCELED
    assert second != first
    shop.confirm(second)
    shop.deliver()
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED


def test_expiring_an_expired_session_does_not_fail(shop: Shop):
    """Sylius/PayumStripePlugin#70."""
    booking = shop.book()
    hosted = shop.start(booking, mode="hosted").payment
    hosted.refresh_from_db()
    shop.stripe.v1.checkout.sessions.expire(hosted.stripe_checkout_session_id)
    session = gateway.expire_session(shop.account, hosted.stripe_checkout_session_id)
    assert not session.is_open
    assert shop.start(booking, mode="element").client_secret


def test_after_the_amount_changed_the_old_amount_is_not_charged(shop: Shop):
    """woocommerce/woocommerce-gateway-stripe PR#4093."""
    booking = shop.book()
    old = shop.start(booking).payment
    instalment = booking.instalments.get(purpose="deposit")
    instalment.amount_minor = 15_000
    instalment.save()
    new = shop.start(booking).payment
    old.refresh_from_db()
    assert old.state == PaymentState.CANCELED
    assert new.total_minor == 16_200
    new.refresh_from_db()
    assert shop.stripe.v1.payment_intents.retrieve(new.stripe_payment_intent_id)["amount"] == 16_200


def test_a_lost_answer_is_unknown_and_the_next_try_finds_the_same_intent(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    shop.fault("timeout_after", path="/v1/payment_intents")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking)
    payment = Payment.objects.get()
    assert payment.state == PaymentState.UNKNOWN
    again = shop.start(booking)
    assert again.payment == payment
    assert len(intents(shop)) == 1
    payment.refresh_from_db()
    assert payment.state == PaymentState.PENDING


def test_a_request_that_never_arrived_is_unknown_and_the_next_try_makes_the_intent(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    shop.fault("timeout_before", path="/v1/payment_intents")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking)
    assert Payment.objects.get().state == PaymentState.UNKNOWN
    assert shop.start(booking).client_secret
    assert len(intents(shop)) == 1


@pytest.mark.parametrize("kind", ["error_500_before", "error_500_after"])
@pytest.mark.parametrize("mode", ["element", "hosted"])
def test_an_error_that_stripe_stored_never_becomes_a_second_object(
    shop: Shop, settings, kind: str, mode: str
):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    path = "/v1/payment_intents" if mode == "element" else "/v1/checkout/sessions"
    shop.fault(kind, path=path)
    started = shop.start(booking, mode=mode)
    assert started.client_secret or started.redirect_url
    payment = Payment.objects.get()
    assert payment.attempt == (1 if kind == "error_500_after" else 2)
    made = intents(shop) if mode == "element" else shop.stripe.v1.checkout.sessions.list({})["data"]
    assert len(made) == 1


def test_stripe_refusing_the_request_fails_the_payment_and_the_next_is_a_new_one(shop: Shop, settings):
    settings.STRIPE_PAYMENT_METHOD_CONFIGURATION = "pmc_that_is_not_there"
    booking = shop.book()
    with pytest.raises(errors.GatewayRefused):
        shop.start(booking)
    refused = Payment.objects.get()
    assert refused.state == PaymentState.FAILED
    assert refused.attempts.count() == 1
    settings.STRIPE_PAYMENT_METHOD_CONFIGURATION = ""
    assert shop.start(booking).payment != refused


def test_a_busy_stripe_changes_nothing(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    shop.start(booking)  # The customer is known at Stripe from here on.
    Payment.objects.update(state=PaymentState.CREATED, stripe_payment_intent_id="")
    shop.fault("rate_limit", path="/v1/payment_intents")
    with pytest.raises(errors.GatewayBusy):
        shop.start(booking)
    assert Payment.objects.get().state == PaymentState.CREATED
    assert shop.start(booking).client_secret
    assert len(intents(shop)) == 1


def test_the_process_dying_after_stripes_answer_leaves_an_intent_that_is_found_and_reused(
    shop: Shop, monkeypatch
):
    booking = shop.book()
    die_after(monkeypatch)
    with pytest.raises(KilledError):
        shop.start(booking)
    monkeypatch.undo()
    assert Payment.objects.get().stripe_payment_intent_id == ""
    started = shop.start(booking)
    assert len(intents(shop)) == 1
    shop.confirm(started.payment)
    shop.deliver()
    assert Payment.objects.get().state == PaymentState.SUCCEEDED


def test_the_process_dying_after_stripes_answer_and_the_money_coming_settles_once(shop: Shop, monkeypatch):
    """duncanmcclean/statamic-cargo PR#191: the webhook is here before our second transaction."""
    booking = shop.book()
    die_after(monkeypatch)
    with pytest.raises(KilledError):
        shop.start(booking)
    monkeypatch.undo()
    (intent,) = intents(shop)
    shop.stripe.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    shop.deliver(times=2)
    payment = Payment.objects.get()
    booking.refresh_from_db()
    assert (payment.state, payment.stripe_payment_intent_id) == (PaymentState.SUCCEEDED, intent)
    assert booking.state == BookingState.CONFIRMED
    with pytest.raises(errors.NothingToPay):
        shop.start(booking, purpose="deposit")
    assert len(intents(shop)) == 1


class KilledError(BaseException):
    """Stands for a process that is gone: nothing catches it."""


def die_after(monkeypatch: pytest.MonkeyPatch) -> None:
    original = gateway.create_intent

    def call_and_die(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        raise KilledError

    monkeypatch.setattr(gateway, "create_intent", call_and_die)


def test_reconcile_finds_a_payment_that_nobody_told_us_of(shop: Shop, monkeypatch):
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)
    Payment.objects.update(updated_at=payment.updated_at - reconcile.ASK_WAITING_AFTER * 2)
    assert reconcile.ask_for_payments() == 1
    assert reconcile.ask_for_payments() == 0
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert booking.state == BookingState.CONFIRMED
    assert Receipt.objects.count() == 1


def test_stripe_is_never_called_inside_a_transaction(shop: Shop):
    with transaction.atomic(), pytest.raises(errors.InsideTransaction):
        gateway.balance(shop.account, currency="usd")


def test_nothing_is_charged_after_the_hold_ended(shop: Shop):
    booking = shop.book()
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=booking.created_at)
    with pytest.raises(errors.HoldEnded):
        shop.start(booking)
    assert Payment.objects.count() == 0


def test_an_unpaid_booking_does_not_block_the_calendar_for_ever(shop: Shop):
    """calcom/cal.diy#2170."""
    booking = shop.book()
    payment = shop.start(booking, mode="hosted").payment
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=booking.created_at)
    assert reconcile.expire_holds() == 1
    booking.refresh_from_db()
    payment.refresh_from_db()
    assert booking.state == BookingState.EXPIRED
    assert payment.state == PaymentState.EXPIRED


def test_a_hold_found_paid_at_its_end_is_confirmed_instead(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=booking.created_at)
    assert reconcile.expire_holds() == 0
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED


def test_capacity_gone_after_a_charge_keeps_the_money_booked_and_calls_a_person(shop: Shop):
    """pretix/pretix#74."""
    from bookings.tests.factories import SlotFactory

    slot = SlotFactory.create(merchant=shop.merchant, capacity=1)
    late = shop.book(slot=slot)
    payment = shop.start(late).payment
    Booking.objects.filter(pk=late.pk).update(state=BookingState.EXPIRED)
    shop.book(slot=slot, email="second@example.com")
    shop.confirm(payment)
    shop.deliver(times=2)
    late.refresh_from_db()
    payment.refresh_from_db()
    assert late.state == BookingState.EXPIRED
    assert (payment.state, payment.unallocated_minor) == (PaymentState.SUCCEEDED, 10_800)
    assert DeskItem.objects.get().kind == DeskKind.NO_CAPACITY
    assert shop.balances()["unallocated"] == -10_800
    assert shop.tie_out().difference_minor == 0


def test_an_open_link_and_another_payment_both_succeeding_becomes_credit(shop: Shop):
    """getlago/lago-api PR#5708."""
    booking = shop.book()
    first = shop.start(booking).payment
    shop.confirm(first)
    # The other one was open in a way that we could not end.
    Payment.objects.filter(pk=first.pk).update(state=PaymentState.CANCELED)
    booking.refresh_from_db()
    second = shop.start(booking).payment
    shop.confirm(second)
    shop.deliver()
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert Payment.objects.filter(state=PaymentState.SUCCEEDED).count() == 2
    assert sum(Payment.objects.values_list("credit_minor", flat=True)) == 10_800
    assert booking.instalments.get(purpose="deposit").paid_minor == 10_000
    assert DeskItem.objects.get().kind == DeskKind.SURPLUS
    assert shop.tie_out().difference_minor == 0


def test_money_without_a_booking_is_unallocated_once(shop: Shop):
    shop.stripe.v1.payment_intents.create(
        {
            "amount": 5_000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    shop.deliver(times=2)
    payment = Payment.objects.get()
    assert (payment.booking, payment.unallocated_minor) == (None, 5_000)
    assert DeskItem.objects.get().kind == DeskKind.FOREIGN_MONEY
    assert shop.tie_out().difference_minor == 0


def test_metadata_alone_proves_nothing(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.stripe.v1.payment_intents.create(
        {
            "amount": 10_800,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "metadata": {"payment": str(payment.public_id)},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    shop.deliver()
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert payment.state == PaymentState.PENDING
    assert booking.state == BookingState.HELD
    assert shop.balances()["unallocated"] == -10_800


def test_an_amount_lowered_at_stripe_is_recorded_flagged_and_does_not_confirm(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    payment.refresh_from_db()
    shop.stripe.v1.payment_intents.update(payment.stripe_payment_intent_id, {"amount": 5_400})
    shop.confirm(payment)
    shop.deliver()
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert booking.state == BookingState.HELD
    assert (payment.received_minor, payment.placed_minor, payment.received_fee_minor) == (5_400, 5_000, 400)
    assert DeskItem.objects.get().kind == DeskKind.AMOUNT_MISMATCH
    assert booking.instalments.get(purpose="deposit").paid_minor == 5_000


def test_a_live_event_on_a_test_endpoint_is_refused(shop: Shop):
    """pay-rails/pay#999."""
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    found = [{**event, "livemode": True} for event in shop.events()]
    shop.deliver(found)
    payment.refresh_from_db()
    assert payment.state == PaymentState.PENDING
    assert LedgerTransaction.objects.count() == 0


def test_a_session_that_is_complete_but_unpaid_does_not_confirm(shop: Shop):
    """AI-Shipping-Labs/website#1423."""
    booking = shop.book()
    payment = shop.start(booking, mode="hosted").payment
    payment.refresh_from_db()
    session = shop.stripe.v1.checkout.sessions.retrieve(payment.stripe_checkout_session_id).to_dict(
        for_json=True
    )
    event = {
        **next(event for event in shop.events() if event["type"].startswith("payment_intent.") or True),
        "id": "evt_unpaid",
        "type": "checkout.session.completed",
        "data": {"object": {**session, "status": "complete", "payment_status": "unpaid"}},
    }
    shop.deliver([event])
    booking.refresh_from_db()
    payment.refresh_from_db()
    assert booking.state == BookingState.HELD
    assert payment.state == PaymentState.PROCESSING
