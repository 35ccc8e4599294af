"""Defects that users of other systems reported, where no other test here names them."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bookings.editing import Edit
from bookings.models import Booking
from bookings.tests.factories import SlotFactory
from core import clock
from payments import alterations, dues, events, manual, refunds
from payments.models import EventState, Payment, PaymentState, Refund, RefundState, WebhookEvent
from payments.tests.shop import Shop


def cash(shop: Shop, booking: Booking, minor: int) -> Payment:
    found = manual.Found(
        merchant=shop.merchant,
        method="cash",
        amount_minor=minor,
        currency="usd",
        received_on=clock.today(shop.merchant.timezone),
        by=User.objects.get_or_create(username="clerk")[0],
    )
    return manual.record(found, booking=booking).results[0].payment


def test_a_refund_is_not_left_pending_for_want_of_its_event(shop: Shop) -> None:
    """HiEventsDev/Hi.Events#1067."""
    assert {"refund.created", "refund.updated", "refund.failed"} <= set(events.HANDLERS)
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment, card="pm_card_pendingRefund")
    shop.deliver()
    payment.refresh_from_db()
    refund = refunds.request(
        payment=payment, amount_minor=5_000, cause="price_reduction", reason="x", requested_by=None, actor="t"
    )
    assert refund.state == RefundState.PENDING
    shop.sandbox.advance(seconds=14 * 86_400)
    shop.deliver()
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED


def test_an_event_sent_again_by_hand_is_handled_when_it_failed_before(shop: Shop) -> None:
    """HiEventsDev/Hi.Events#598."""
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    told = shop.events()
    for event in told:
        assert shop.post(event) == 200
    WebhookEvent.objects.update(state=EventState.DEAD, due_at=clock.now() + timedelta(days=1))
    shop.deliver(told)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED


@pytest.mark.parametrize("method", ["cash", "card"])
def test_without_a_platform_fee_money_is_taken_and_sent_back(shop: Shop, method: str) -> None:
    """HiEventsDev/Hi.Events#1001, alfio-event/alf.io#739."""
    shop.merchant.platform_fee_overrides.create(rate="0", fixed_minor=0, valid_from=date(2020, 1, 1))
    booking = shop.book()
    payment = cash(shop, booking, 10_000) if method == "cash" else shop.paid(booking)
    assert (payment.state, payment.platform_fee_minor) == (PaymentState.SUCCEEDED, 0)
    refund = refunds.request(
        payment=payment,
        amount_minor=10_000,
        cause="price_reduction",
        reason="x",
        requested_by=None,
        actor="t",
    )
    shop.deliver()
    assert refund.state in (RefundState.SUCCEEDED, RefundState.APPROVED)
    assert "platform_fees" not in shop.balances()


def test_charge_refunded_without_its_refunds_inside_changes_nothing_and_breaks_nothing(shop: Shop) -> None:
    """stripe/stripe-java#1567."""
    payment = shop.paid(shop.book())
    shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id, "amount": 5_400})
    told = shop.events()
    bare = [event for event in told if event["type"] == "charge.refunded"]
    assert bare
    assert not (bare[0]["data"]["object"].get("refunds") or {}).get("data")
    shop.deliver(bare)
    assert not Refund.objects.exists()
    shop.deliver(told)
    assert Refund.objects.get().total_minor == 5_400


def test_webhook_and_return_page_do_not_both_finish_a_payment(shop: Shop) -> None:
    """frappe/payments PR#238: the page only asks."""
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment)
    page = Client()
    from bookings import access

    page.get(f"/b/{booking.code}?t={access.issue(booking)}")
    status = f"/b/{booking.code}/payments/{payment.public_id}/status"
    page.get(status)
    shop.deliver()
    page.get(status)
    payment.refresh_from_db()
    assert payment.changes.filter(to_state=PaymentState.SUCCEEDED).count() == 1
    assert shop.balances()["customer_deposits"] == -10_000


@pytest.mark.parametrize("adults", [10, 12, 3])
def test_what_was_paid_is_never_asked_for_again(shop: Shop, adults: int) -> None:
    """odoo/odoo PR#185645: deposit and balance together ask for the price, not for 150 % of it."""
    booking = shop.book()
    paid = shop.paid(booking).placed_minor
    alterations.edit(booking=booking, edit=Edit(adults=adults), actor="user:1")
    booking.refresh_from_db()
    asked = dues.next_due(booking, purpose="full").amount_minor
    assert paid + asked == booking.total_minor


def test_moving_the_date_asks_for_no_second_deposit(shop: Shop) -> None:
    """calcom/cal.diy#2481."""
    booking = shop.book()
    shop.paid(booking)
    later = booking.starts_at + timedelta(days=14)
    slot = SlotFactory.create(merchant=shop.merchant, starts_at=later, ends_at=later + timedelta(hours=3))
    alterations.edit(booking=booking, edit=Edit(slot_public_id=slot.public_id), actor="customer")
    booking.refresh_from_db()
    assert dues.next_due(booking).purpose == "balance"
    assert booking.instalments.get(purpose="deposit").open_minor == 0


@pytest.mark.parametrize("parts", [(3_333, 3_333, 3_334), (1, 9_999), (9_999, 1)])
def test_cash_in_parts_leaves_the_booking_no_cent_short(shop: Shop, parts: tuple[int, ...]) -> None:
    """odoo/odoo PR#275305."""
    booking = shop.book()
    for minor in parts:
        cash(shop, booking, minor)
    booking.refresh_from_db()
    assert booking.instalments.get(purpose="deposit").open_minor == 0
    assert booking.state == "confirmed"
