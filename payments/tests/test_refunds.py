"""Refunds through the sandbox: in part, in whole, at the same time, with lost answers, failing days later."""

import pytest

from bookings.editing import Edit
from bookings.models import LineKind
from core.errors import Invalid
from core.models import OutboxEmail
from payments import alterations, credit, errors, reconcile, refunds
from payments.models import (
    Account,
    DeskItem,
    DeskKind,
    LedgerTransaction,
    Payment,
    PaymentState,
    Refund,
    RefundCause,
    RefundState,
)
from payments.tests.shop import Shop


def ask(payment: Payment, amount_minor: int, **changes) -> Refund:
    values = {
        "cause": RefundCause.PRICE_REDUCTION,
        "reason": "The grill was late",
        "requested_by": None,
        "actor": "user:1",
    }
    return refunds.request(payment=payment, amount_minor=amount_minor, **{**values, **changes})


def test_a_part_goes_back_with_its_share_of_the_fee_and_lowers_the_price(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    refund = ask(payment, 5_000)
    assert (refund.state, refund.amount_minor, refund.fee_minor, refund.total_minor) == (
        RefundState.SUCCEEDED,
        5_000,
        400,
        5_400,
    )
    assert refund.tax_minor == 402
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment.refunded_minor, payment.refunding_minor) == (5_400, 0)
    assert (booking.total_minor, booking.tax_minor) == (103_750, 8_348)
    line = booking.lines.get(kind=LineKind.REDUCTION)
    assert (line.amount_minor, line.tax_minor) == (-5_000, -402)
    deposit, balance = booking.instalments.all()
    assert (deposit.amount_minor, deposit.paid_minor) == (5_000, 5_000)
    assert (balance.amount_minor, balance.paid_minor) == (98_750, 0)


def test_a_part_and_then_the_rest_return_every_cent(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    ask(payment, 3_333)
    ask(payment, 3_333)
    ask(payment, 3_334)
    payment.refresh_from_db()
    assert payment.refunded_minor == payment.received_minor == 10_800
    assert sum(refund.fee_minor for refund in payment.refunds.all()) == 800
    shop.deliver()
    assert shop.tie_out().difference_minor == 0
    balances = shop.balances()
    assert balances[Account.CUSTOMER_DEPOSITS] == 0
    assert balances[Account.PROCESSING_FEE_INCOME] == 0
    assert balances[Account.PLATFORM_PAYABLE] == 0
    assert balances[Account.CLEARING_STRIPE] == -343  # Stripe keeps its fee.


def test_parts_of_a_taxed_method_fee_return_its_tax_to_the_cent(shop: Shop):
    shop.merchant.tax_method_fee = True
    shop.merchant.save()
    payment = shop.paid(shop.book())
    for minor in (3_333, 3_333, 3_334):
        ask(payment, minor)
        shop.deliver()
        assert shop.tie_out().difference_minor == 0
    balances = shop.balances()
    assert balances[Account.TAX_PAYABLE] == balances[Account.PROCESSING_FEE_INCOME] == 0
    assert balances[Account.CUSTOMER_DEPOSITS] == balances[Account.PLATFORM_PAYABLE] == 0


def test_the_customer_is_told_of_a_refund_once_and_not_before_it_succeeded(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    payment = shop.paid(shop.book())
    told = OutboxEmail.objects.filter(key__startswith="refund:")
    shop.fault("timeout_before", path="/v1/refunds")
    assert ask(payment, 1_000).state == RefundState.UNKNOWN
    assert told.count() == 0
    refund = ask(payment, 5_000)
    shop.deliver(times=2)
    assert [email.key for email in told] == [f"refund:{refund.public_id}"]
    assert "$54.00" in told.get().text


def test_webhooks_of_a_refund_change_nothing_more(shop: Shop):
    payment = shop.paid(shop.book())
    refund = ask(payment, 5_000)
    postings = LedgerTransaction.objects.count()
    shop.deliver(times=3)
    assert Refund.objects.get() == refund
    assert LedgerTransaction.objects.count() == postings
    payment.refresh_from_db()
    assert payment.refunded_minor == 5_400


def test_more_than_was_paid_is_refused_and_nothing_changes(shop: Shop):
    payment = shop.paid(shop.book())
    ask(payment, 6_000)
    with pytest.raises(errors.RefundTooLarge, match=r"\$40.00 may still go back"):
        ask(payment, 4_001)
    assert Refund.objects.count() == 1
    payment.refresh_from_db()
    assert payment.refunded_minor == 6_480


def test_a_refund_is_not_allowed_on_a_payment_never_completed(shop: Shop):
    """solidusio/solidus#2926."""
    payment = shop.start(shop.book()).payment
    with pytest.raises(errors.NotRefundable):
        ask(payment, 1_000)
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("amount", [0, -5])
def test_a_refund_of_nothing_is_refused(shop: Shop, amount: int):
    payment = shop.paid(shop.book())
    with pytest.raises(Invalid):
        ask(payment, amount)
    assert Refund.objects.count() == 0


def test_a_refund_without_a_reason_is_refused(shop: Shop):
    payment = shop.paid(shop.book())
    with pytest.raises(Invalid, match="Say why"):
        ask(payment, 1_000, reason="  ")
    assert Refund.objects.count() == 0


def test_nothing_of_a_payment_placed_in_whole_is_a_duplicate(shop: Shop):
    payment = shop.paid(shop.book())
    with pytest.raises(errors.RefundTooLarge):
        ask(payment, 1_000, cause=RefundCause.DUPLICATE)
    assert Refund.objects.count() == 0


def test_the_same_form_sent_twice_refunds_once(shop: Shop):
    payment = shop.paid(shop.book())
    first = ask(payment, 1_000, request_key="form-1")
    second = ask(payment, 1_000, request_key="form-1")
    assert first == second
    payment.refresh_from_db()
    assert payment.refunded_minor == 1_080


def test_a_lost_answer_leaves_the_refund_unknown_and_reconcile_finds_the_one_that_was_made(
    shop: Shop, settings
):
    settings.STRIPE_MAX_RETRIES = 0
    payment = shop.paid(shop.book())
    shop.fault("timeout_after", path="/v1/refunds")
    refund = ask(payment, 5_000)
    assert refund.state == RefundState.UNKNOWN
    payment.refresh_from_db()
    assert (payment.refunding_minor, payment.refunded_minor) == (5_400, 0)
    _later(refund)
    reconcile.ask_for_refunds()
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
    assert len(shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id})["data"]) == 1


def test_a_refund_that_never_reached_stripe_is_sent_again_once(shop: Shop, settings):
    settings.STRIPE_MAX_RETRIES = 0
    payment = shop.paid(shop.book())
    shop.fault("timeout_before", path="/v1/refunds")
    refund = ask(payment, 5_000)
    assert refund.state == RefundState.UNKNOWN
    _later(refund)
    reconcile.ask_for_refunds()
    reconcile.ask_for_refunds()
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
    assert len(shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id})["data"]) == 1


def _later(refund: Refund) -> None:
    """As if some minutes had passed."""
    Refund.objects.filter(pk=refund.pk).update(updated_at=refund.updated_at - reconcile.ASK_WAITING_AFTER * 2)


def test_a_refund_that_fails_later_reopens_the_money_and_alerts_the_desk(shop: Shop):
    """woocommerce/woocommerce-gateway-stripe#4405, solidusio/solidus PR#3831."""
    booking = shop.book()
    payment = shop.start(booking).payment
    shop.confirm(payment, card="pm_card_refundFail")
    shop.deliver()
    payment.refresh_from_db()
    refund = ask(payment, 10_000)
    assert refund.state in (RefundState.SUCCEEDED, RefundState.PENDING)
    shop.sandbox.advance(seconds=14 * 86_400)
    shop.deliver()
    refund.refresh_from_db()
    payment.refresh_from_db()
    assert refund.state == RefundState.FAILED
    assert (payment.refunded_minor, payment.refunding_minor) == (0, 0)
    item = DeskItem.objects.get()
    assert (item.kind, item.summary) == (
        DeskKind.REFUND_FAILED,
        "A refund of $108.00 failed: the card was reported lost or stolen",
    )
    assert shop.tie_out().difference_minor == 0
    assert shop.balances()[Account.CUSTOMER_DEPOSITS] == -10_000
    booking.refresh_from_db()
    price = booking.total_minor
    again = ask(payment, 10_000)
    booking.refresh_from_db()
    assert again.pk != refund.pk
    assert booking.total_minor == price  # It fell with the first try already.
    assert booking.instalments.get(purpose="deposit").paid_minor == 0


def test_a_refund_made_in_the_dashboard_is_adopted_and_split(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id, "amount": 5_400})
    shop.deliver(times=2)
    refund = Refund.objects.get()
    assert (refund.state, refund.amount_minor, refund.fee_minor) == (RefundState.SUCCEEDED, 5_000, 400)
    payment.refresh_from_db()
    assert payment.refunded_minor == 5_400
    assert shop.tie_out().difference_minor == 0


def test_a_refund_event_that_comes_before_the_payments_own_waits_for_it(shop: Shop):
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    charge = shop.stripe.v1.payment_intents.retrieve(payment.stripe_payment_intent_id or _intent(payment))
    shop.stripe.v1.refunds.create({"charge": str(charge["latest_charge"]), "amount": 1_080})
    found = shop.events()
    shop.deliver(reversed(found))
    _make_due()
    shop.deliver([])
    from payments import events, handling

    handling.work_off(events.handle)
    payment.refresh_from_db()
    assert payment.state == PaymentState.SUCCEEDED
    assert payment.refunded_minor == 1_080


def _intent(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.stripe_payment_intent_id


def _make_due() -> None:
    from core import clock
    from payments.models import WebhookEvent

    WebhookEvent.objects.filter(state__in=["pending", "failed"]).update(due_at=clock.now(), lease_until=None)


def test_what_is_credit_already_is_not_refunded_as_credit_once_more(shop: Shop) -> None:
    booking = shop.book()
    shop.paid(booking)
    payment = shop.paid(booking)
    alterations.edit(booking=booking, edit=Edit(adults=9), actor="user:1")  # 108.75 become credit
    before = shop.balances()
    payment.refresh_from_db()
    with pytest.raises(errors.NotRefundable, match="credit already"):
        ask(payment, 10_875, cause=RefundCause.SURPLUS, as_credit=True)
    assert (Refund.objects.count(), shop.balances()) == (0, before)
    assert credit.available(booking.customer, currency="usd") == 10_875
