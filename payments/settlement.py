"""Booking money that a card brought: one charge, one effect, in one transaction.

`placing` says where it goes, for cards and transfers alike. Called by events, checkout, balance and reconcile; never
calls Stripe. Lock order: Booking, Slot (when a hold had ended), Payment, ledger.
"""

from dataclasses import replace

from django.db import IntegrityError, transaction

from bookings.models import Booking
from customers.models import Customer, PaymentMethod
from payments import facts, placing, progress
from payments.models import (
    Account,
    Authorization,
    Capture,
    Decision,
    GatewayAccount,
    Payment,
    PaymentState,
)

ACTOR = "stripe"


def settle(account: GatewayAccount, money: facts.Received, *, event_id: str = "") -> str:
    """Book this charge once; returns what was done, in a few words. A second call changes nothing."""
    if money.livemode != account.livemode:
        return "refused: live and test mode do not match"
    payment = progress.find(
        account,
        intent_id=money.intent_id,
        payment_public_id=money.payment_public_id,
        charge_id=money.charge_id,
        customer_id=money.customer_id,
    )
    if payment is None:
        return _take_foreign(account, money, event_id=event_id)
    with transaction.atomic():
        booking = _lock_booking(payment)
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
        payment.merchant = account.merchant
        if payment.stripe_charge_id and payment.state in (PaymentState.SUCCEEDED, PaymentState.REVERSED):
            return _again(account, payment, money, event_id=event_id)
        return _book(account, payment, booking, money, event_id=event_id)


def _lock_booking(payment: Payment) -> Booking | None:
    if payment.booking_id is None:
        return None
    return placing.lock([payment.booking_id])[payment.booking_id]


def _again(account: GatewayAccount, payment: Payment, money: facts.Received, *, event_id: str) -> str:
    if payment.stripe_charge_id != money.charge_id:
        # A second charge on one intent: the intent stays with its first row.
        return _take_foreign(account, replace(money, intent_id=""), event_id=event_id)
    if money.card_last4 and not payment.card_last4:
        payment.card_brand, payment.card_last4 = money.card_brand, money.card_last4
        payment.save(update_fields=["card_brand", "card_last4", "updated_at"])
    return "settled before"


def _book(
    account: GatewayAccount,
    payment: Payment,
    booking: Booking | None,
    money: facts.Received,
    *,
    event_id: str,
) -> str:
    payment.stripe_charge_id = money.charge_id
    payment.stripe_payment_intent_id = money.intent_id or payment.stripe_payment_intent_id
    payment.card_brand = money.card_brand or payment.card_brand
    payment.card_last4 = money.card_last4 or payment.card_last4
    booked = placing.book(
        payment, booking, _incoming(money, event_id=event_id), asked=_asked(payment, money), save=_CARD_FIELDS
    )
    return _outcome(booked)


_CARD_FIELDS = ("stripe_charge_id", "stripe_payment_intent_id", "card_brand", "card_last4")


def _incoming(money: facts.Received, *, event_id: str) -> placing.Incoming:
    return placing.Incoming(
        amount_minor=money.amount_minor,
        currency=money.currency,
        occurred_at=money.occurred_at,
        clearing=Account.CLEARING_STRIPE,
        source=f"ch:{money.charge_id}",
        platform_source=f"pf:{money.charge_id}",
        desk_key=f"charge:{money.charge_id}",
        description=money.charge_id,
        actor=ACTOR,
        event_id=event_id,
        evidence={"charge": money.charge_id, "intent": money.intent_id},
    )


def _asked(payment: Payment, money: facts.Received) -> placing.Asked:
    """What staff decided to capture of an authorization, when it is that which came; else what was asked at first."""
    if payment.capture == Capture.MANUAL:
        decided = Authorization.objects.filter(payment=payment, decision=Decision.CAPTURE).first()
        if decided is not None and decided.total_minor == money.amount_minor:
            return placing.Asked(decided.amount_minor or 0, decided.fee_minor or 0)
    return placing.Asked(payment.amount_minor, payment.fee_minor)


def _outcome(booked: placing.Booked) -> str:
    if not booked.refusal:
        return "settled"
    return f"settled, on the desk: {booked.refusal}" + (", in part" if booked.place.placed_minor else "")


def _take_foreign(account: GatewayAccount, money: facts.Received, *, event_id: str) -> str:
    """A charge that none of our payments started: one payment of its own, one desk item, never lost.

    A customer of ours who paid a booking's payment a second time gets it as credit; all else is `unallocated`.
    """
    customer = _customer(account, money)
    twin = progress.by_metadata(account, money.payment_public_id)
    booking = twin.booking if twin and customer and twin.customer_id == customer.pk else None
    payment = Payment(
        merchant=account.merchant,
        customer=customer,
        booking=booking,
        method=PaymentMethod.CARD,
        currency=money.currency,
        amount_minor=money.amount_minor,
        total_minor=money.amount_minor,
        stripe_charge_id=money.charge_id,
    )
    try:
        with transaction.atomic():
            payment.save(force_insert=True)
            return _book(account, payment, booking, money, event_id=event_id)
    except IntegrityError:
        if Payment.objects.filter(merchant=account.merchant, stripe_charge_id=money.charge_id).exists():
            return "settled before"
        raise


def _customer(account: GatewayAccount, money: facts.Received) -> Customer | None:
    """Whose money it is, by Stripe's customer; None for a stranger's."""
    if not money.customer_id:
        return None
    known = account.customers.filter(stripe_customer_id=money.customer_id).select_related("customer").first()
    return known.customer if known else None
