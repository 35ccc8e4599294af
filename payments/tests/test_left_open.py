"""A process that dies after a cancellation, and before what could be paid still was ended at Stripe: the sweep ends it.

Whatever a card was doing at that moment, it is let go, or its money is late money on the desk.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from customers.models import PaymentMethod
from payments import authorizations, bulk, cancellation, charging, checkout, errors, manual, reconcile
from payments.cancellation import cancelling
from payments.models import (
    OPEN_STATES,
    Account,
    BulkCancellation,
    CardCharge,
    ChargeOutcome,
    DeskItem,
    DeskKind,
    Payment,
    PaymentState,
)
from payments.tests.shop import Shop


class Killed(BaseException):
    """What no handler catches."""


def die(*args: object, **kwargs: object) -> None:
    raise Killed


def later(**past: int) -> None:
    """As if so long had passed since anything was heard of the payments."""
    Payment.objects.update(updated_at=clock.now() - timedelta(**past))


def swept() -> Payment:
    """The latest payment after the sweep's next turn."""
    later(minutes=3)
    reconcile.ask_for_payments()
    return Payment.objects.latest("pk")


def at_stripe(shop: Shop, payment: Payment) -> str:
    if payment.stripe_checkout_session_id:
        return shop.stripe.v1.checkout.sessions.retrieve(payment.stripe_checkout_session_id)["status"]
    return shop.stripe.v1.payment_intents.retrieve(payment.stripe_payment_intent_id)["status"]


def on_the_page(shop: Shop, booking: Booking) -> None:
    shop.start(booking)


def on_stripes_page(shop: Shop, booking: Booking) -> None:
    shop.start(booking, mode="hosted")


def declined_once(shop: Shop, booking: Booking) -> None:
    payment = shop.start(booking).payment
    with pytest.raises(Exception, match="declined"):
        shop.confirm(payment, card="pm_card_chargeDeclined")


def waiting_for_3ds(shop: Shop, booking: Booking) -> None:
    shop.confirm(shop.start(booking).payment, card="pm_card_authenticationRequired")


def promised(shop: Shop, booking: Booking) -> None:
    shop.confirm(shop.authorize(booking).payment)
    shop.deliver()


def promised_unheard_of(shop: Shop, booking: Booking) -> None:
    """The card is authorized, and its webhook still on its way."""
    shop.confirm(shop.authorize(booking).payment)


def capture_that_never_arrived(shop: Shop, booking: Booking) -> None:
    promised(shop, booking)
    shop.fault("hangup_before", path="/v1/payment_intents/*/capture")
    with pytest.raises(errors.GatewayUnknown):
        authorizations.capture(payment=booking.payments.get(), actor="user:7")


def made_without_an_answer(shop: Shop, booking: Booking) -> None:
    """The row is `unknown`, the intent is there."""
    shop.fault("hangup_after", path="/v1/payment_intents")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking)


def never_made(shop: Shop, booking: Booking) -> None:
    shop.fault("hangup_before", path="/v1/payment_intents")
    with pytest.raises(errors.GatewayUnknown):
        shop.start(booking)


def a_charge_that_never_arrived(shop: Shop, booking: Booking) -> None:
    card = shop.save_card(booking.customer)
    shop.fault("hangup_before", path="/v1/payment_intents/*/confirm")
    with pytest.raises(errors.GatewayUnknown):
        charging.charge(booking=booking, card=card, actor="user:7")


OPEN: list[Callable[[Shop, Booking], None]] = [
    on_the_page,
    on_stripes_page,
    declined_once,
    waiting_for_3ds,
    promised,
    promised_unheard_of,
    capture_that_never_arrived,
    made_without_an_answer,
    never_made,
    a_charge_that_never_arrived,
]


def cancelled_and_killed(booking: Booking, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(cancelling, "end_open_cards", die)
        with pytest.raises(Killed):
            cancellation.cancel(Booking.objects.get(pk=booking.pk), actor="customer")
    booking.refresh_from_db()
    assert booking.state == BookingState.CANCELLED


@pytest.mark.parametrize("opened", OPEN, ids=lambda opened: opened.__name__)
def test_what_was_open_when_the_process_died_is_ended_by_the_sweep(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, settings: Any, opened: Callable[[Shop, Booking], None]
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    opened(shop, booking)
    cancelled_and_killed(booking, monkeypatch)
    payment = swept()
    assert payment.state in (PaymentState.CANCELED, PaymentState.EXPIRED)
    if payment.stripe_payment_intent_id or payment.stripe_checkout_session_id:
        assert at_stripe(shop, payment) in ("canceled", "expired")
    intents = shop.stripe.v1.payment_intents.list({"limit": 10})["data"]
    assert all(intent["status"] == "canceled" for intent in intents)
    shop.deliver()
    assert (swept().state, reconcile.ask_for_payments()) == (payment.state, 0)
    assert not CardCharge.objects.filter(outcome=ChargeOutcome.UNKNOWN).exists()
    assert not DeskItem.objects.exists()
    assert shop.tie_out().difference_minor == 0


def paid_meanwhile(shop: Shop, booking: Booking) -> None:
    shop.confirm(shop.start(booking).payment)


def paid_on_stripes_page(shop: Shop, booking: Booking) -> None:
    shop.pay_hosted(shop.start(booking, mode="hosted").payment)


def charged_without_an_answer(shop: Shop, booking: Booking) -> None:
    card = shop.save_card(booking.customer)
    shop.fault("hangup_after", path="/v1/payment_intents/*/confirm")
    with pytest.raises(errors.GatewayUnknown):
        charging.charge(booking=booking, card=card, actor="user:7")


def captured_without_an_answer(shop: Shop, booking: Booking) -> None:
    promised(shop, booking)
    shop.fault("hangup_after", path="/v1/payment_intents/*/capture")
    with pytest.raises(errors.GatewayUnknown):
        authorizations.capture(payment=booking.payments.get(), actor="user:7")


PAID: list[Callable[[Shop, Booking], None]] = [
    paid_meanwhile,
    paid_on_stripes_page,
    charged_without_an_answer,
    captured_without_an_answer,
]


@pytest.mark.parametrize("paid", PAID, ids=lambda paid: paid.__name__)
def test_found_paid_it_is_late_money_on_the_desk_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, settings: Any, paid: Callable[[Shop, Booking], None]
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    paid(shop, booking)
    cancelled_and_killed(booking, monkeypatch)
    payment = swept()
    assert (payment.state, payment.unallocated_minor) == (PaymentState.SUCCEEDED, 10_800)
    shop.deliver()
    swept()
    assert DeskItem.objects.get().kind == DeskKind.LATE_MONEY
    assert shop.balances()[Account.UNALLOCATED] == -10_800
    assert not CardCharge.objects.filter(outcome=ChargeOutcome.UNKNOWN).exists()


def brought_in_cash(booking: Booking) -> None:
    found = manual.Found(
        merchant=booking.merchant,
        method=PaymentMethod.CASH,
        amount_minor=10_000,
        currency=booking.currency,
        received_on=clock.now().date(),
        by=None,
    )
    manual.record(found, booking=booking)


@pytest.mark.parametrize("opened", OPEN, ids=lambda opened: opened.__name__)
def test_a_form_for_what_was_paid_otherwise_is_ended_and_a_promise_kept_for_staff_to_decide_on(
    shop: Shop, settings: Any, opened: Callable[[Shop, Booking], None]
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    opened(shop, booking)
    brought_in_cash(booking)
    later(minutes=3)
    reconcile.ask_for_payments()
    card = booking.payments.get(method=PaymentMethod.CARD)
    if opened in (promised, promised_unheard_of):
        assert (card.state, at_stripe(shop, card)) == (PaymentState.AUTHORIZED, "requires_capture")
    elif opened is capture_that_never_arrived:
        assert card.state == PaymentState.SUCCEEDED
    else:
        assert card.state in (PaymentState.CANCELED, PaymentState.EXPIRED)
        intents = shop.stripe.v1.payment_intents.list({"limit": 10})["data"]
        assert all(intent["status"] == "canceled" for intent in intents)
        later(minutes=3)
        assert reconcile.ask_for_payments() == 0
    assert shop.tie_out().difference_minor == 0


@pytest.mark.parametrize("paid", PAID, ids=lambda paid: paid.__name__)
def test_paid_twice_the_card_is_a_double_payment_on_the_desk_once(
    shop: Shop, settings: Any, paid: Callable[[Shop, Booking], None]
) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    paid(shop, booking)
    brought_in_cash(booking)
    for _ in range(2):
        later(minutes=3)
        reconcile.ask_for_payments()
        shop.deliver()
    card = booking.payments.get(method=PaymentMethod.CARD)
    assert not CardCharge.objects.filter(outcome=ChargeOutcome.UNKNOWN).exists()
    assert (card.state, card.credit_minor) == (PaymentState.SUCCEEDED, card.received_minor)
    assert DeskItem.objects.get().payment == card
    assert shop.tie_out().difference_minor == 0


def test_a_request_that_may_be_on_its_way_is_left_alone_for_two_minutes(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = shop.book()
    promised(shop, booking)
    cancelled_and_killed(booking, monkeypatch)
    assert reconcile.ask_for_payments() == 0
    assert booking.payments.get().state == PaymentState.AUTHORIZED


def test_stripe_silent_while_cancelling_the_promise_is_released_later(shop: Shop, settings: Any) -> None:
    settings.STRIPE_MAX_RETRIES = 0
    booking = shop.book()
    promised(shop, booking)
    shop.fault("hangup_before", path="/v1/payment_intents/*/cancel", count=2)
    cancellation.cancel(booking, actor="customer")
    assert booking.payments.get().state == PaymentState.AUTHORIZED
    assert swept().state == PaymentState.AUTHORIZED
    payment = swept()
    assert (payment.state, at_stripe(shop, payment)) == (PaymentState.CANCELED, "canceled")


def test_a_day_cancelled_in_bulk_whose_worker_died_leaves_no_promise_either(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = shop.book()
    promised(shop, booking)
    asked = BulkCancellation.objects.create(
        merchant=shop.merchant,
        day=booking.event_date,
        terms="full",
        reason="storm",
        state="running",
        requested_by=User.objects.create_user("manager"),
        refund_minor=0,
    )
    asked.items.create(booking=booking)
    with monkeypatch.context() as dying:
        dying.setattr(cancellation, "end_open_cards", die)
        with pytest.raises(Killed):
            bulk.run_due()
    assert bulk.run_due() == 0  # the booking is done with
    payment = swept()
    assert (payment.state, at_stripe(shop, payment)) == (PaymentState.CANCELED, "canceled")


def test_what_is_open_on_an_expired_booking_is_ended_too(shop: Shop) -> None:
    booking = shop.book()
    promised(shop, booking)
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=clock.now() - timedelta(minutes=1))
    lifecycle.expire(Booking.objects.get(pk=booking.pk), actor="system", reason="an older version did")
    payment = swept()
    assert (payment.state, at_stripe(shop, payment)) == (PaymentState.CANCELED, "canceled")


def test_open_payments_of_bookings_that_stand_are_not_touched(shop: Shop) -> None:
    booking = shop.book()
    promised(shop, booking)
    shop.start(shop.book(slot=booking.slot, email="other@example.com"))
    swept()
    assert Payment.objects.filter(state__in=OPEN_STATES).count() == 2


def test_a_saved_card_is_not_charged_for_what_was_cancelled_at_that_moment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = shop.book()
    card = shop.save_card(booking.customer)
    started = shop.start(booking)
    cancelled_and_killed(booking, monkeypatch)
    monkeypatch.setattr(checkout, "start", lambda **asked: started)  # it looked before the cancellation
    with pytest.raises(errors.NothingToPay):
        charging.charge(booking=booking, card=card, actor="user:7")
    assert not CardCharge.objects.exists()
