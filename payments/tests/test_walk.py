"""One payment, walked: started, paid at Stripe, told by webhooks, settled, receipted."""

from typing import Any

import pytest
import stripe
from django.core.management import CommandError, call_command

from bookings.models import BookingState
from core.models import OutboxEmail
from payments import errors, receipts
from payments.models import Account, DeskItem, LedgerTransaction, PaymentState, Receipt
from payments.tests.shop import Shop


def test_a_deposit_by_card_confirms_the_booking_and_leaves_one_receipt(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert payment.state == PaymentState.SUCCEEDED
    assert (payment.amount_minor, payment.fee_minor, payment.received_minor) == (10_000, 800, 10_800)
    assert payment.card_last4 == "4242"
    assert Receipt.objects.filter(payment=payment).count() == 1
    assert DeskItem.objects.count() == 0


def test_the_worked_example_as_far_as_the_card_deposit_and_its_fee(shop: Shop):
    payment = shop.paid(shop.book())
    assert shop.balances() == {
        Account.CLEARING_STRIPE: 10_800,
        Account.CUSTOMER_DEPOSITS: -10_000,
        Account.PROCESSING_FEE_INCOME: -800,
        Account.PLATFORM_FEES: 324,
        Account.PLATFORM_PAYABLE: -324,
    }
    assert shop.tie_out().difference_minor == 0
    assert shop.balances()[Account.CLEARING_STRIPE] == 10_457
    assert shop.balances()[Account.GATEWAY_FEES] == 343
    payment.refresh_from_db()
    assert payment.gateway_fee_minor == 343
    tie_out = shop.tie_out()
    assert (tie_out.stripe_minor, tie_out.not_posted, tie_out.awaiting) == (10_457, (), ())


def test_hosted_checkout_pays_the_deposit(shop: Shop):
    booking = shop.book()
    started = shop.start(booking, mode="hosted")
    assert started.redirect_url
    assert shop.pay_hosted(started.payment)["status"] == "complete"
    shop.deliver()
    booking.refresh_from_db()
    started.payment.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert started.payment.state == PaymentState.SUCCEEDED
    assert started.payment.received_minor == 10_800


def test_starting_checkout_moves_the_holds_end_past_the_session(shop: Shop):
    booking = shop.book()
    before = booking.hold_expires_at
    assert before
    started = shop.start(booking, mode="hosted")
    booking.refresh_from_db()
    assert started.payment.checkout_expires_at
    assert booking.hold_expires_at
    assert booking.hold_expires_at >= before
    assert booking.hold_expires_at > started.payment.checkout_expires_at


def test_a_declined_card_leaves_the_payment_open_and_the_next_card_pays_it(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    with pytest.raises(stripe.CardError):
        shop.confirm(payment, card="pm_card_chargeDeclinedInsufficientFunds")
    shop.deliver()
    payment.refresh_from_db()
    assert payment.state == PaymentState.PENDING
    attempt = payment.attempts.get()
    assert (attempt.code, attempt.decline_code) == ("card_declined", "insufficient_funds")
    again = shop.start(booking).payment
    assert again == payment
    shop.confirm(payment)
    shop.deliver()
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert LedgerTransaction.objects.filter(source_key__startswith="ch:").count() == 1


@pytest.mark.parametrize("seed", range(6))
def test_events_in_any_order_and_several_times_have_one_effect(shop: Shop, seed: int):
    booking = shop.book()
    payment = shop.start(booking).payment
    with pytest.raises(stripe.CardError):
        shop.confirm(payment, card="pm_card_chargeDeclined")
    shop.confirm(payment)
    shop.deliver_shuffled(seed=seed, times=3)
    booking.refresh_from_db()
    payment.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert (payment.state, payment.received_minor) == (PaymentState.SUCCEEDED, 10_800)
    assert payment.attempts.count() == 1
    assert Receipt.objects.count() == 1
    assert LedgerTransaction.objects.count() == 2
    assert DeskItem.objects.count() == 0


def test_a_second_webhook_for_one_payment_sends_no_second_receipt(shop: Shop):
    """pay-rails/pay#612."""
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    shop.deliver(times=2)
    receipts.send_due()
    receipts.send_due()
    email = OutboxEmail.objects.get(key__startswith="receipt:")
    assert email.to == "ada@example.com"
    attachment = email.attachments.get()
    assert bytes(attachment.content).startswith(b"%PDF")


def test_a_late_event_does_not_downgrade_a_settled_payment(shop: Shop):
    """polarsource/polar PR#13315."""
    payment = shop.start(shop.book()).payment
    with pytest.raises(stripe.CardError):
        shop.confirm(payment, card="pm_card_chargeDeclined")
    shop.confirm(payment)
    found = shop.events()
    late = [
        event
        for event in found
        if event["type"] in ("payment_intent.created", "payment_intent.payment_failed")
    ]
    assert len(late) == 2
    shop.deliver([event for event in found if event not in late])
    shop.deliver(late)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED


def test_the_tie_out_command_speaks_to_operators(shop: Shop, settings: Any):
    settings.STRIPE_API_BASE, settings.STRIPE_MAX_RETRIES = "http://127.0.0.1:9", 0
    with pytest.raises(CommandError, match="Stripe has not answered"):
        call_command("tie_out")
    for refusal in (errors.GatewayUnknown(), errors.GatewayBusy(), errors.GatewayMisconfigured()):
        assert refusal.for_staff.startswith("Stripe")
        assert refusal.detail.startswith(("The payment service", "Card payments"))


def test_the_tie_out_command_lists_what_awaits_stripe_and_ends_at_zero(
    shop: Shop, capsys: pytest.CaptureFixture[str]
):
    shop.paid(shop.book())
    call_command("tie_out")
    printed = capsys.readouterr().out
    assert "Ember Test Kitchen" in printed
    assert "$104.57" in printed
    assert printed.splitlines()[-1].split() == ["difference", "$0.00"]
    call_command("tie_out", from_the_start=True, merchant="ember")
