"""Staff charge a saved card: once, whatever happens to the answer, beside whatever the customer does meanwhile."""

import contextlib
from datetime import timedelta

import pytest
import stripe

from bookings.models import Booking
from core import clock
from core.models import OutboxEmail
from payments import charging, checkout, errors, reconcile
from payments.models import (
    CardCharge,
    ChargeOutcome,
    DeskItem,
    LedgerTransaction,
    Payment,
    PaymentState,
    SavedCard,
)
from payments.tests.shop import Shop
from payments.tests.test_authorizations import at_once
from payments.tests.test_sql_counts import at_most

STAFF = "user:7"
NEEDS_CUSTOMER = "pm_card_authenticationRequired"


@pytest.fixture
def booking(shop: Shop) -> Booking:
    return shop.book()


def charge(booking: Booking, card: SavedCard, **more: str) -> Payment:
    return charging.charge(booking=booking, card=card, actor=STAFF, reason="Balance is due", **more)


def succeeded_at_stripe(shop: Shop) -> list[int]:
    charges = shop.stripe.v1.charges.list({"limit": 100})["data"]
    return [one["amount"] for one in charges if one["status"] == "succeeded"]


def outcomes() -> list[str]:
    return list(CardCharge.objects.values_list("outcome", flat=True))


def booked_once() -> bool:
    return LedgerTransaction.objects.filter(source_key__startswith="ch:").count() == 1


def test_each_instalment_is_charged_once_with_its_fee(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    deposit = charge(booking, card)
    shop.deliver_shuffled(seed=4, times=2)
    booking.refresh_from_db()
    assert (deposit.state, deposit.received_minor, booking.state) == ("succeeded", 10_800, "confirmed")
    balance = charge(booking, card, purpose="balance")
    assert balance.received_minor == 106_650
    with pytest.raises(errors.AlreadyPaid):
        charge(booking, card)
    assert sorted(succeeded_at_stripe(shop)) == [10_800, 106_650]
    assert outcomes() == [ChargeOutcome.SUCCEEDED] * 2
    assert not DeskItem.objects.exists()


def test_only_a_card_that_this_customer_let_us_charge(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    other = shop.book(slot=booking.slot, email="grace@example.com")
    with pytest.raises(errors.CardNotUsable, match="customer's"):
        charge(other, card)
    SavedCard.objects.update(setup=None)
    with pytest.raises(errors.CardNotUsable, match="agree"):
        charge(booking, SavedCard.objects.get())
    SavedCard.objects.update(setup=card.setup, detached_at=clock.now(), is_default=False)
    with pytest.raises(errors.CardNotUsable, match="removed"):
        charge(booking, SavedCard.objects.get())
    assert not Payment.objects.exists()
    assert succeeded_at_stripe(shop) == []


def test_a_card_that_stripe_has_no_more_charges_nothing_and_the_customer_can_pay(
    shop: Shop, booking: Booking
):
    card = shop.save_card(booking.customer)
    shop.stripe.v1.payment_methods.detach(card.stripe_payment_method_id)
    with pytest.raises(errors.CardNotUsable):
        charge(booking, card)
    assert outcomes() == [ChargeOutcome.NOT_MADE]
    shop.paid(booking)
    assert booked_once()


def test_a_decline_is_an_attempt_and_leaves_the_payment_for_another_card(shop: Shop, booking: Booking):
    broke = shop.save_card(booking.customer, card="pm_card_chargeCustomerFail")
    with pytest.raises(errors.CardDeclined) as refusal:
        charge(booking, broke)
    shop.deliver(times=2)
    payment = Payment.objects.get()
    assert refusal.value.extra["payment"] == str(payment.public_id)
    assert (payment.state, payment.attempts.count(), payment.received_minor) == ("pending", 1, 0)
    with pytest.raises(errors.CardDeclined):
        charge(booking, broke)
    assert charge(booking, shop.save_card(booking.customer)).pk == payment.pk
    assert outcomes() == ["declined", "declined", "succeeded"]
    assert succeeded_at_stripe(shop) == [10_800]


def test_when_the_bank_wants_the_customer_they_complete_the_very_same_intent(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    replace_card(shop, card, NEEDS_CUSTOMER)
    payment = charge(booking, card)
    shop.deliver_shuffled(seed=6, times=2)
    payment.refresh_from_db()
    assert (payment.state, outcomes()) == (PaymentState.REQUIRES_ACTION, ["needs_customer"])
    with pytest.raises(errors.PaymentInProgress, match="written to"):
        charge(booking, card)
    mail = OutboxEmail.objects.get(key__startswith="bank-wants-customer:")
    assert "$108.00" in mail.text
    assert f"/b/{booking.code}?t=" in mail.text
    assert "$108.00" in mail.html

    started = shop.start(booking)
    assert started.payment == payment
    shop.confirm(payment)
    shop.deliver()
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert succeeded_at_stripe(shop) == [10_800]
    assert booked_once()


def replace_card(shop: Shop, card: SavedCard, token: str) -> None:
    """The same row, for a card of another kind, as attached to the same customer."""
    assert card.gateway_customer
    customer = {"customer": card.gateway_customer.stripe_customer_id}
    SavedCard.objects.filter(pk=card.pk).update(
        stripe_payment_method_id=shop.stripe.v1.payment_methods.attach(token, customer)["id"]
    )
    card.refresh_from_db()


@pytest.mark.parametrize("kind", ["hangup_before", "hangup_after", "error_500_before", "error_500_after"])
def test_a_charge_whose_answer_is_lost_is_made_once_at_most(
    shop: Shop, booking: Booking, settings, kind: str
):
    settings.STRIPE_MAX_RETRIES = 0
    card = shop.save_card(booking.customer)
    shop.fault(kind, path="/v1/payment_intents/*/confirm")
    if kind.startswith("hangup"):
        with pytest.raises(errors.GatewayUnknown):
            charge(booking, card)
        assert (Payment.objects.get().state, outcomes()) == (PaymentState.PENDING, ["unknown"])
        Payment.objects.update(updated_at=clock.now() - timedelta(minutes=3))
        assert reconcile.ask_for_payments() == 1
    else:
        charge(booking, card)
    was_made = kind != "hangup_before"
    assert outcomes()[-1] == ("succeeded" if was_made else "not_made")
    assert succeeded_at_stripe(shop) == ([10_800] if was_made else [])
    if not was_made:
        charge(booking, card)
    shop.deliver()
    assert succeeded_at_stripe(shop) == [10_800]
    assert booked_once()


def test_a_second_click_after_a_lost_answer_is_the_same_request(shop: Shop, booking: Booking, settings):
    settings.STRIPE_MAX_RETRIES = 0
    card = shop.save_card(booking.customer)
    shop.fault("hangup_after", path="/v1/payment_intents/*/confirm")
    with pytest.raises(errors.GatewayUnknown):
        charge(booking, card)
    with pytest.raises(errors.AlreadyPaid):
        charge(booking, card)
    shop.deliver()
    reconcile.ask_for_payments()
    assert outcomes() == [ChargeOutcome.SUCCEEDED]
    assert booked_once()


def test_a_bank_that_wants_the_customer_is_told_of_although_the_answer_was_lost(
    shop: Shop, booking: Booking, settings
):
    settings.STRIPE_MAX_RETRIES = 0
    card = shop.save_card(booking.customer)
    replace_card(shop, card, NEEDS_CUSTOMER)
    shop.fault("hangup_after", path="/v1/payment_intents/*/confirm")
    with pytest.raises(errors.GatewayUnknown):
        charge(booking, card)
    shop.deliver()
    for _ in range(2):
        Payment.objects.update(updated_at=clock.now() - timedelta(minutes=3))
        reconcile.ask_for_payments()
    assert OutboxEmail.objects.filter(key__startswith="bank-wants-customer:").count() == 1
    assert outcomes() == [ChargeOutcome.NEEDS_CUSTOMER]


def test_a_charge_while_checkout_is_open_ends_the_session_first(shop: Shop, booking: Booking):
    """getlago/lago-api PR#5708."""
    card = shop.save_card(booking.customer)
    hosted = shop.start(booking, mode="hosted").payment
    assert charge(booking, card).state == PaymentState.SUCCEEDED
    hosted.refresh_from_db()
    assert hosted.state == PaymentState.EXPIRED
    assert shop.pay_hosted(hosted)["status"] == "expired"
    assert succeeded_at_stripe(shop) == [10_800]


def test_a_charge_after_checkout_was_paid_settles_that_and_takes_nothing(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    hosted = shop.start(booking, mode="hosted").payment
    shop.pay_hosted(hosted)
    with pytest.raises(errors.AlreadyPaid):
        charge(booking, card)
    shop.deliver()
    assert succeeded_at_stripe(shop) == [10_800]
    assert booked_once()
    assert not CardCharge.objects.exists()


def test_a_customer_at_their_bank_is_not_charged_over(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    payment = shop.start(booking).payment
    shop.confirm(payment, card="pm_card_authenticationRequired")
    with pytest.raises(errors.PaymentInProgress):
        charge(booking, card)
    assert not CardCharge.objects.exists()
    assert succeeded_at_stripe(shop) == []


def test_a_promised_instalment_is_captured_not_charged_again(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    payment = checkout_authorized(shop, booking)
    with pytest.raises(errors.AlreadyAuthorized):
        charge(booking, card)
    payment.refresh_from_db()
    assert payment.state == PaymentState.AUTHORIZED
    assert not CardCharge.objects.exists()


def checkout_authorized(shop: Shop, booking: Booking) -> Payment:
    payment = shop.authorize(booking).payment
    shop.confirm(payment)
    shop.deliver()
    return payment


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_of_staff_and_the_customer_at_once_pay_once(open_to_threads: Shop):
    shop = open_to_threads
    booking = shop.book()
    card = shop.save_card(booking.customer)

    def customer_pays() -> None:
        started = checkout.start(booking=Booking.objects.get(pk=booking.pk), mode="element", actor="customer")
        with contextlib.suppress(stripe.StripeError):  # Staff were faster.
            shop.confirm(started.payment)

    at_once([lambda: charge(booking, card), lambda: charge(booking, card), customer_pays])
    shop.deliver()
    assert succeeded_at_stripe(shop) == [10_800]
    assert booked_once()
    assert Payment.objects.get().state == PaymentState.SUCCEEDED


def test_a_charge_costs_a_bounded_number_of_statements(shop: Shop, booking: Booking):
    card = shop.save_card(booking.customer)
    with at_most(34):
        assert charge(booking, card).state == PaymentState.SUCCEEDED
