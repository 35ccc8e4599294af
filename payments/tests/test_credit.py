"""A customer's credit: it comes from surplus or staff, pays the next instalment, goes back or expires."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection

from bookings.editing import Edit
from bookings.models import Booking, BookingState
from core import clock
from core.errors import Invalid
from payments import alterations, cancellation, credit, errors, ledger, receipts, refunds
from payments.models import (
    Account,
    Credit,
    CreditUse,
    Payment,
    Receipt,
    Refund,
    RefundCause,
    RefundState,
)
from payments.tests.shop import Shop

DEPOSIT_MINOR = 10_000


def grant(shop: Shop, booking: Booking, minor: int, *, key: str = "") -> Credit:
    return credit.grant(
        customer=booking.customer,
        amount_minor=minor,
        currency="usd",
        reason="Sorry for the late grill",
        granted_by=None,
        request_key=key,
    )


def spend(booking: Booking, purpose: str = "deposit", **more: int) -> Payment:
    return credit.spend(booking=booking, purpose=purpose, actor="customer", **more)


def assert_lots_are_the_ledgers(shop: Shop) -> None:
    left = sum(Credit.objects.values_list("remaining_minor", flat=True))
    assert left == -shop.balances().get(Account.CUSTOMER_CREDIT, 0)


def paid_twice(shop: Shop, booking: Booking, *, card: str = "pm_card_visa") -> Payment:
    """The deposit paid, and another charge of the same customer at Stripe, which nobody asked for: its payment."""
    first = shop.paid(booking)
    customer = shop.account.customers.get(customer=booking.customer).stripe_customer_id
    shop.stripe.v1.payment_intents.create(
        {
            "amount": 10_800,
            "currency": "usd",
            "customer": customer,
            "confirm": True,
            "payment_method": card,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"payment": str(first.public_id)},
        }
    )
    shop.deliver()
    return Payment.objects.exclude(pk=first.pk).latest("pk")


def test_credit_pays_the_deposit_and_confirms_with_a_receipt_and_no_fee(shop: Shop) -> None:
    booking = shop.book()
    grant(shop, booking, 15_000)
    payment = spend(booking)
    booking.refresh_from_db()
    assert booking.state == BookingState.CONFIRMED
    assert (payment.method, payment.state, payment.placed_minor) == ("credit", "succeeded", DEPOSIT_MINOR)
    assert payment.fee_minor == payment.platform_fee_minor == 0
    assert Receipt.objects.get().payment == payment
    assert receipts.send_due() == 1
    balances = shop.balances()
    assert balances == {"adjustments": 15_000, "customer_credit": -5_000, "customer_deposits": -10_000}
    assert_lots_are_the_ledgers(shop)


def test_a_second_click_spends_nothing_on_the_next_instalment(shop: Shop) -> None:
    booking = shop.book()
    grant(shop, booking, 50_000)
    spend(booking)
    with pytest.raises(errors.NothingToPay):
        spend(booking)
    assert Payment.objects.count() == 1
    assert credit.available(booking.customer, currency="usd") == 40_000


def test_credit_that_covers_a_part_leaves_the_rest_to_be_paid_by_card(shop: Shop) -> None:
    booking = shop.book()
    grant(shop, booking, 4_000)
    spend(booking)
    booking.refresh_from_db()
    assert booking.state == BookingState.HELD
    with pytest.raises(errors.NoCredit):
        spend(booking)
    payment = shop.paid(booking)
    booking.refresh_from_db()
    assert (payment.amount_minor, booking.state) == (6_000, BookingState.CONFIRMED)
    assert_lots_are_the_ledgers(shop)


@pytest.mark.parametrize("state", ["expired", "cancelled", "lapsed"])
def test_credit_is_not_spent_on_a_booking_that_ended(shop: Shop, state: str) -> None:
    booking = shop.book()
    grant(shop, booking, 15_000)
    Booking.objects.filter(pk=booking.pk).update(
        **({"hold_expires_at": clock.now()} if state == "lapsed" else {"state": state})
    )
    with pytest.raises((errors.HoldEnded, errors.NothingToPay)):
        spend(booking)
    assert credit.available(booking.customer, currency="usd") == 15_000
    assert not Payment.objects.exists()


def test_what_staff_gave_is_used_before_it_expires_and_expires_once(shop: Shop) -> None:
    booking = shop.book()
    shop.merchant.credit_valid_days = 30
    shop.merchant.save()
    booking.customer.merchant = shop.merchant
    forever = credit.keep(shop.paid(booking), amount_minor=1, source="surplus")
    Credit.objects.all().delete()
    assert forever is not None
    lot = grant(shop, booking, 3_000)
    assert lot.expires_on == clock.today(shop.merchant.timezone) + timedelta(days=30)
    Credit.objects.filter(pk=lot.pk).update(
        expires_on=clock.today(shop.merchant.timezone) - timedelta(days=1)
    )
    assert credit.available(booking.customer, currency="usd") == 0
    assert [credit.expire_due(), credit.expire_due()] == [1, 0]
    assert shop.balances()[Account.OTHER_INCOME] == -3_000
    assert_lots_are_the_ledgers(shop)


def test_what_comes_back_after_its_last_day_expires_too(shop: Shop) -> None:
    booking = shop.book()
    shop.merchant.credit_valid_days = 30
    shop.merchant.save()
    booking.customer.merchant = shop.merchant
    lot = grant(shop, booking, 15_000)
    spend(booking)
    yesterday = clock.today(shop.merchant.timezone) - timedelta(days=1)
    Credit.objects.filter(pk=lot.pk).update(expires_on=yesterday)
    assert credit.expire_due() == 1
    cancellation.cancel(booking, actor="customer")
    assert_lots_are_the_ledgers(shop)
    assert [credit.expire_due(), credit.expire_due()] == [1, 0]
    assert_lots_are_the_ledgers(shop)
    assert shop.balances()[Account.OTHER_INCOME] == -15_000


def test_a_gift_that_a_lower_price_gives_back_keeps_its_last_day(shop: Shop) -> None:
    booking = shop.book()
    shop.merchant.credit_valid_days = 30
    shop.merchant.save()
    booking.customer.merchant = shop.merchant
    lot = grant(shop, booking, 10_000)
    spend(booking)
    alterations.edit(booking=booking, edit=Edit(adults=0, children=1), actor="user:1")
    lot.refresh_from_db()
    assert (Credit.objects.get(), lot.remaining_minor) == (lot, 10_000 - 5_438)  # 50.00 and 8.75 %
    assert lot.expires_on is not None
    assert_lots_are_the_ledgers(shop)


def test_the_same_form_sent_twice_gives_credit_once(shop: Shop) -> None:
    booking = shop.book()
    assert grant(shop, booking, 500, key="form-1").pk == grant(shop, booking, 500, key="form-1").pk
    assert shop.balances() == {"adjustments": 500, "customer_credit": -500}


@pytest.mark.parametrize(("minor", "reason"), [(0, "why"), (-5, "why"), (500, "  ")])
def test_credit_without_amount_or_reason_is_refused(shop: Shop, minor: int, reason: str) -> None:
    booking = shop.book()
    with pytest.raises(Invalid):
        credit.grant(
            customer=booking.customer, amount_minor=minor, currency="usd", reason=reason, granted_by=None
        )
    assert not Credit.objects.exists()


def test_a_surplus_becomes_a_lot_that_can_be_spent_or_sent_back_but_not_both(shop: Shop) -> None:
    booking = shop.book()
    second = paid_twice(shop, booking)
    assert [lot.remaining_minor for lot in second.credits.all()] == [10_800]
    spend(booking, "balance", amount_minor=10_000)
    assert refunds.refundable(second, cause=RefundCause.SURPLUS) == 800
    with pytest.raises(errors.RefundTooLarge):
        send_back(second, 801)
    assert not Refund.objects.exists()
    assert send_back(second, 800).state == RefundState.SUCCEEDED
    shop.deliver()
    assert_lots_are_the_ledgers(shop)
    assert shop.tie_out().difference_minor == 0


def send_back(payment: Payment, minor: int) -> Refund:
    return refunds.request(
        payment=payment,
        amount_minor=minor,
        cause=RefundCause.SURPLUS,
        reason="paid twice",
        requested_by=None,
        actor="test",
    )


def test_a_refund_of_credit_that_fails_later_gives_it_back_once(shop: Shop) -> None:
    booking = shop.book()
    second = paid_twice(shop, booking, card="pm_card_refundFail")
    refund = send_back(second, 5_000)
    assert credit.available(booking.customer, currency="usd") == 5_800
    shop.deliver()
    shop.sandbox.advance(seconds=14 * 86_400)
    shop.deliver(times=2)
    refund.refresh_from_db()
    assert refund.state == RefundState.FAILED
    assert credit.available(booking.customer, currency="usd") == 10_800
    assert sum(CreditUse.objects.values_list("amount_minor", flat=True)) == 0
    assert_lots_are_the_ledgers(shop)


def test_a_dashboard_refund_of_spent_credit_is_booked_whole_and_told(shop: Shop) -> None:
    booking = shop.book()
    second = paid_twice(shop, booking)
    spend(booking, "balance")
    shop.stripe.v1.refunds.create({"charge": second.stripe_charge_id})
    shop.deliver()
    refund = Refund.objects.get()
    assert (refund.state, refund.total_minor) == (RefundState.SUCCEEDED, 10_800)
    assert shop.balances()[Account.UNALLOCATED] == 10_800
    assert "had been spent as credit" in shop.merchant.desk_items.latest("pk").summary
    assert_lots_are_the_ledgers(shop)
    assert shop.tie_out().difference_minor == 0


def test_two_clicks_at_once_spend_the_credit_once(open_to_threads: Shop) -> None:
    shop = open_to_threads
    booking = shop.book()
    grant(shop, booking, 6_000)
    outcomes: list[str] = []

    def click() -> None:
        try:
            outcomes.append(str(spend(booking).placed_minor))
        except errors.NoCredit:
            outcomes.append("none left")
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["6000", "none left"]
    assert_lots_are_the_ledgers(shop)


def test_credit_of_one_merchants_customer_is_no_other_merchants(shop: Shop) -> None:
    from bookings.tests.factories import CustomerFactory

    booking = shop.book()
    stranger = CustomerFactory.create(email=booking.customer.email)
    grant(shop, booking, 6_000)
    assert credit.available(stranger, currency="usd") == 0
    assert credit.available(booking.customer, currency="eur") == 0


def test_who_gave_it_is_kept(shop: Shop) -> None:
    booking = shop.book()
    user = User.objects.create_user("clerk")
    lot = credit.grant(
        customer=booking.customer,
        amount_minor=5,
        currency="usd",
        reason="x",
        granted_by=user,
        booking=booking,
    )
    assert (lot.granted_by, lot.booking) == (user, booking)
    assert ledger.booking_balance(booking, account=Account.CUSTOMER_CREDIT) == -5
