"""One bad row, merchant or answer holds up no other; what cannot be done is told to a person."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import override_settings

from bookings.models import Booking, BookingState, Slot
from bookings.tests.factories import MerchantFactory, SlotFactory, booked
from core import clock
from payments import balance, facts, ledger, receipt_pdf, receipts, reconcile, refunds, settlement
from payments.models import (
    Account,
    BalanceTransaction,
    DeskItem,
    DeskKind,
    EventState,
    GatewayAccount,
    GatewayCustomer,
    LedgerTransaction,
    Payment,
    PaymentState,
    Receipt,
    Refund,
    RefundState,
    WebhookEvent,
)
from payments.tests.shop import Shop

FOREIGN = {
    "amount": 5_000,
    "currency": "usd",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
}


@pytest.fixture
def slot(shop: Shop) -> Slot:
    return SlotFactory.create(merchant=shop.merchant, capacity=100)


def ask(payment: Payment, amount_minor: int) -> Refund:
    return refunds.request(
        payment=payment,
        amount_minor=amount_minor,
        cause="price_reduction",
        reason="Rain",
        requested_by=None,
        actor="user:1",
    )


def lapse(booking: Booking, *, minutes: int = 1) -> None:
    Booking.objects.filter(pk=booking.pk).update(hold_expires_at=clock.now() - timedelta(minutes=minutes))


def age(model: type[Payment] | type[Refund]) -> None:
    model.objects.update(updated_at=clock.now() - reconcile.ASK_WAITING_AFTER * 2)


# Receipts and Stripe's balance


def test_a_receipt_that_cannot_be_rendered_stops_no_other_and_is_put_off(
    shop: Shop, slot: Slot, monkeypatch: pytest.MonkeyPatch
):
    first, second = shop.paid(shop.book(slot=slot)), shop.paid(shop.book(slot=slot))
    render = receipt_pdf.render

    def fail_first(receipt: Receipt) -> bytes:
        if receipt.payment_id == first.pk:
            raise ValueError("a glyph too many")
        return render(receipt)

    monkeypatch.setattr(receipt_pdf, "render", fail_first)
    assert receipts.send_due() == 1
    assert Receipt.objects.get(payment=second).emailed_at
    waiting = Receipt.objects.get(payment=first)
    assert (waiting.emailed_at, waiting.attempts, waiting.last_error) == (None, 1, "ValueError")
    assert waiting.due_at > clock.now()
    assert receipts.send_due() == 0


def test_a_charge_that_stripe_cannot_show_does_not_hold_up_the_fees_of_the_others(shop: Shop, slot: Slot):
    intent = shop.stripe.v1.payment_intents.create(FOREIGN)
    shop.events()  # Its webhooks are lost.
    shop.fault("error_500_before", path=f"/v1/charges/{intent.latest_charge}", method="GET", count=-1)
    shop.sandbox.advance(seconds=60)
    payment = shop.paid(shop.book(slot=slot))
    reconcile.read_balances()
    payment.refresh_from_db()
    assert payment.gateway_fee_minor == 343


def test_a_foreign_charge_whose_webhooks_were_lost_is_found_by_its_balance_transaction(shop: Shop):
    shop.stripe.v1.payment_intents.create(FOREIGN)
    reconcile.read_balances()
    assert DeskItem.objects.get().kind == DeskKind.FOREIGN_MONEY
    assert shop.tie_out().difference_minor == 0
    assert shop.balances()[Account.UNALLOCATED] == -5_000


def test_a_bug_at_one_merchants_balance_does_not_stop_the_others(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    other = GatewayAccount.objects.create(merchant=MerchantFactory.create(), secret_key="sk_test_x")
    read: list[int] = []

    def fail_first(account: GatewayAccount, since: object = None) -> int:
        read.append(account.pk)
        if account == shop.account:
            raise KeyError("status")
        return 0

    monkeypatch.setattr(balance, "read", fail_first)
    reconcile.read_balances()
    assert other.pk in read


def test_a_row_of_the_balance_with_a_bug_is_put_on_the_desk_and_the_next_is_posted(
    shop: Shop, slot: Slot, monkeypatch: pytest.MonkeyPatch
):
    first = shop.paid(shop.book(slot=slot))
    shop.sandbox.advance(seconds=60)
    second = shop.paid(shop.book(slot=slot))
    post = balance.posting._post_charge_fees

    def fail_first(account: GatewayAccount, row: BalanceTransaction) -> bool:
        if row.source_id == first.stripe_charge_id:
            raise KeyError("fee")
        return post(account, row)

    monkeypatch.setattr(balance.posting, "_post_charge_fees", fail_first)
    reconcile.read_balances()
    second.refresh_from_db()
    assert second.gateway_fee_minor == 343
    assert DeskItem.objects.get().kind == DeskKind.BALANCE_STUCK
    monkeypatch.undo()
    assert shop.tie_out().difference_minor == 0


# Holds


def test_a_hold_whose_short_money_went_back_expires(shop: Shop, slot: Slot):
    booking = shop.book(slot=slot)
    payment = shop.start(booking).payment
    booking.instalments.filter(position=1).update(amount_minor=20_000)
    Payment.objects.filter(pk=payment.pk).update(amount_minor=20_000, fee_minor=1_600, total_minor=21_600)
    shop.confirm(payment)
    shop.deliver()
    payment.refresh_from_db()
    ask(payment, payment.placed_minor)
    lapse(booking)
    assert reconcile.expire_holds() == 1


def test_holds_behind_one_that_a_person_must_decide_expire_too(shop: Shop, slot: Slot):
    stuck, free = shop.book(slot=slot), shop.book(slot=slot)
    payment = shop.start(stuck).payment
    payment.refresh_from_db()
    shop.stripe.v1.payment_intents.update(payment.stripe_payment_intent_id, {"amount": 5_400})
    shop.confirm(payment)
    shop.deliver()
    lapse(stuck, minutes=10)
    lapse(free)
    assert reconcile.expire_holds() == 1
    free.refresh_from_db()
    assert free.state == BookingState.EXPIRED
    assert DeskItem.objects.filter(kind=DeskKind.HOLD_WITH_MONEY).count() == 1


def test_a_merchant_without_a_gateway_account_does_not_stop_other_merchants_holds(shop: Shop, slot: Slot):
    other = MerchantFactory.create()
    lapse(booked(merchant=other, slot=SlotFactory.create(merchant=other)), minutes=10)
    lapse(shop.book(slot=slot))
    assert reconcile.expire_holds() == 2


@pytest.mark.parametrize("how", ["closed", "past"])
def test_late_money_confirms_no_time_that_is_no_longer_offered(shop: Shop, slot: Slot, how: str):
    booking = shop.book(slot=slot)
    payment = shop.start(booking).payment
    shop.confirm(payment)
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.EXPIRED)
    past = clock.now() - timedelta(days=2)
    changes = (
        {"is_open": False} if how == "closed" else {"starts_at": past, "ends_at": past + timedelta(hours=3)}
    )
    Slot.objects.filter(pk=slot.pk).update(**changes)
    shop.deliver()
    booking.refresh_from_db()
    assert booking.state == BookingState.EXPIRED
    assert DeskItem.objects.get().kind == DeskKind.NO_CAPACITY


# Refunds


@pytest.mark.parametrize("kind", ["error_500_before", "error_500_after"])
def test_an_error_that_stripe_stored_makes_one_refund_all_the_same(shop: Shop, settings, kind: str):
    settings.STRIPE_MAX_RETRIES = 0
    payment = shop.paid(shop.book())
    shop.fault(kind, path="/v1/refunds")
    refund = ask(payment, 1_000)
    assert refund.state == RefundState.SUCCEEDED
    assert refund.attempt == (2 if kind == "error_500_before" else 1)
    assert len(shop.stripe.v1.refunds.list({"charge": payment.stripe_charge_id})["data"]) == 1


def test_a_dashboard_refund_beside_one_of_ours_that_stripe_never_had_waits_and_is_adopted(
    shop: Shop, slot: Slot, settings
):
    settings.STRIPE_MAX_RETRIES = 0
    payment = shop.paid(shop.book(slot=slot))
    shop.fault("timeout_before", path="/v1/refunds")
    ours = ask(payment, 5_000)
    assert ours.state == RefundState.UNKNOWN
    shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id})
    shop.deliver()
    assert Refund.objects.count() == 1
    age(Refund)
    reconcile.ask_for_refunds()
    ours.refresh_from_db()
    assert ours.state == RefundState.FAILED
    reconcile.read_balances()
    adopted = payment.refunds.latest("pk")
    payment.refresh_from_db()
    assert (adopted.state, adopted.total_minor) == (RefundState.SUCCEEDED, 10_800)
    assert (payment.refunded_minor, payment.refunding_minor) == (10_800, 0)
    assert shop.tie_out().difference_minor == 0
    assert shop.balances()[Account.CUSTOMER_DEPOSITS] == 0


def test_a_dashboard_refund_of_a_payment_that_was_partly_surplus_takes_the_surplus_first(shop: Shop):
    booking = shop.book()
    payment = shop.start(booking).payment
    booking.instalments.filter(position=1).update(amount_minor=6_000)
    shop.confirm(payment)
    shop.deliver()
    payment.refresh_from_db()
    assert (payment.placed_minor, payment.received_fee_minor, payment.credit_minor) == (6_000, 480, 4_320)
    shop.stripe.v1.refunds.create({"charge": payment.stripe_charge_id})
    shop.deliver()
    refund = payment.refunds.get()
    assert (refund.amount_minor, refund.from_credit_minor, refund.fee_minor) == (10_320, 4_320, 480)
    balances = shop.balances()
    assert balances[Account.PROCESSING_FEE_INCOME] == 0
    assert balances[Account.CUSTOMER_CREDIT] == 0
    assert balances[Account.CUSTOMER_DEPOSITS] == 0
    assert refunds.refundable(payment, cause="surplus") == 0


def test_platform_fees_of_refunds_add_up_when_one_failed_in_between(shop: Shop):
    payment = shop.paid(shop.book())
    ask(payment, 50)
    ask(payment, 50)
    first = payment.refunds.earliest("pk")
    news = facts.RefundNews(
        id=first.stripe_refund_id,
        state=RefundState.FAILED,
        amount_minor=first.total_minor,
        currency="usd",
        charge_id=payment.stripe_charge_id,
        intent_id="",
        refund_public_id=str(first.public_id),
        balance_transaction_id=first.stripe_balance_transaction_id,
        failure_balance_transaction_id="txn_back",
        failure_reason="lost_or_stolen_card",
        created=clock.now(),
    )
    refunds.record(shop.account, news)
    payment.refresh_from_db()
    rest = refunds.preview(payment=payment, amount_minor=refunds.refundable(payment), cause="price_reduction")
    again = facts.RefundNews(
        id="re_rest",
        state=RefundState.SUCCEEDED,
        amount_minor=rest.total_minor,
        currency="usd",
        charge_id=payment.stripe_charge_id,
        intent_id="",
        refund_public_id="",
        balance_transaction_id="txn_rest",
        failure_balance_transaction_id="",
        failure_reason="",
        created=clock.now(),
    )
    refunds.record(shop.account, again)
    payment.refresh_from_db()
    assert payment.refunded_minor == payment.received_minor
    assert shop.balances()[Account.PLATFORM_PAYABLE] == 0


def test_a_refund_after_the_event_leaves_what_is_owed_owed(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    with transaction.atomic():
        ledger.post(
            merchant=shop.merchant,
            currency="usd",
            source_key="done",
            description="The event took place",
            occurred_at=clock.now(),
            booking=booking,
            lines=[
                ledger.debit(Account.CUSTOMER_DEPOSITS, 10_000),
                ledger.debit(Account.ACCOUNTS_RECEIVABLE, 98_750),
                ledger.credit(Account.REVENUE, 100_000),
                ledger.credit(Account.TAX_PAYABLE, 8_750),
            ],
        )
    Booking.objects.filter(pk=booking.pk).update(state=BookingState.COMPLETED)
    ask(payment, 5_000)
    balances = shop.balances()
    assert balances[Account.ACCOUNTS_RECEIVABLE] == sum(part.open_minor for part in booking.instalments.all())
    assert balances[Account.CUSTOMER_DEPOSITS] == 0
    assert balances[Account.REVENUE] == -(100_000 - 4_598)
    assert balances[Account.TAX_PAYABLE] == -(8_750 - 402)


def test_a_refund_that_wrong_keys_kept_from_stripe_is_under_way_and_sent_later(shop: Shop, settings):
    payment = shop.paid(shop.book())
    with override_settings(STRIPE_SECRET_KEY="sk_test_wrongwrongwrongwrongwron"):
        assert ask(payment, 1_000).state == RefundState.SUBMITTED
    age(Refund)
    reconcile.ask_for_refunds()
    assert Refund.objects.get().state == RefundState.SUCCEEDED


# Whose money, and when


def test_events_of_the_other_mode_end_dead_and_a_person_is_told_once(shop: Shop):
    payment = shop.start(shop.book()).payment
    shop.confirm(payment)
    shop.deliver([{**event, "livemode": True} for event in shop.events()])
    payment.refresh_from_db()
    assert payment.state == PaymentState.PENDING
    assert DeskItem.objects.get().kind == DeskKind.MODE_MISMATCH
    assert WebhookEvent.objects.filter(type="charge.succeeded", state=EventState.DEAD).exists()


def test_the_ledger_and_the_receipt_date_money_by_the_charge_not_by_the_open_page(shop: Shop):
    payment = shop.start(shop.book()).payment
    shop.sandbox.advance(seconds=86_400)
    shop.confirm(payment)
    found = shop.events()
    charge = next(event for event in found if event["type"] == "charge.succeeded")["data"]["object"]
    shop.deliver([event for event in found if event["type"] == "payment_intent.succeeded"])
    posted = LedgerTransaction.objects.get(source_key=f"ch:{charge['id']}")
    payment.refresh_from_db()
    assert abs(posted.occurred_at.timestamp() - charge["created"]) <= 1
    assert payment.succeeded_at == posted.occurred_at


def test_a_second_intent_of_a_paid_payment_by_the_same_customer_becomes_their_credit(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    customer = GatewayCustomer.objects.get().stripe_customer_id
    shop.stripe.v1.payment_intents.create(
        {**FOREIGN, "amount": 10_800, "customer": customer, "metadata": {"payment": str(payment.public_id)}}
    )
    shop.deliver(times=2)
    second = Payment.objects.exclude(pk=payment.pk).get()
    assert (second.booking, second.credit_minor) == (booking, 10_800)
    item = DeskItem.objects.get()
    assert (item.kind, item.booking) == (DeskKind.SURPLUS, booking)
    assert shop.balances()[Account.CUSTOMER_CREDIT] == -10_800


def test_amounts_beyond_32_bits_are_booked(shop: Shop):
    money = facts.Received("ch_big", "pi_big", 3_000_000_000, "idr", False, clock.now(), "", "")
    assert settlement.settle(shop.account, money).startswith("settled")
    assert Payment.objects.get().unallocated_minor == 3_000_000_000


def test_a_checkout_that_ended_is_expired_whichever_event_comes_first(shop: Shop, slot: Slot):
    payments = [shop.start(shop.book(slot=slot), mode="hosted").payment for _ in range(2)]
    for payment in payments:
        assert shop.pay_hosted(payment, number="4000000000000002")["status"] == "declined"
    shop.sandbox.advance(seconds=3_600)
    ends = ("checkout.session.expired", "payment_intent.canceled")
    found = [event for event in shop.events() if event["type"] in ends]
    for payment, first in zip(payments, ends, strict=True):
        mine = [
            one for one in found if one["data"]["object"]["metadata"]["payment"] == str(payment.public_id)
        ]
        shop.deliver(sorted(mine, key=lambda event: event["type"] != first))
        payment.refresh_from_db()
        assert payment.state == PaymentState.EXPIRED


def test_the_payment_keeps_what_the_customer_agreed_to_line_by_line(shop: Shop):
    booking = shop.book()
    agreed = shop.start(booking).payment.agreement
    assert (
        sum(line["amount_minor"] for line in agreed["lines"]) == agreed["total_minor"] == booking.total_minor
    )
    assert agreed["terms_version"] == booking.terms_version
    assert agreed["cancellation_policy"] == booking.agreement["cancellation_policy"]


def test_money_found_by_asking_is_dated_by_its_charge_and_knows_its_card(shop: Shop):
    payment = shop.start(shop.book()).payment
    shop.sandbox.advance(seconds=3_600)
    shop.confirm(payment)
    age(Payment)
    reconcile.ask_for_payments()
    payment.refresh_from_db()
    charge = shop.stripe.v1.charges.retrieve(payment.stripe_charge_id)
    assert payment.succeeded_at
    assert payment.succeeded_at.timestamp() == charge["created"]
    assert payment.card_last4 == "4242"
