"""Booking money that came: one charge, one effect, in one transaction.

Money facts never roll back because a business rule refused: what does not fit goes to the customer's credit or to
`unallocated`, with an item on the desk. Called by events, checkout, balance and reconcile; never calls Stripe.
Lock order: Booking, Slot (when a hold had ended), Payment, ledger.
"""

from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from bookings import agreement, lifecycle
from bookings.errors import BookingEnded, NoCapacity
from bookings.models import Booking, BookingState, Instalment, Slot
from core import clock
from core.money import share
from customers import platform_fees
from customers.models import Customer, PaymentMethod
from payments import desk, facts, ledger, progress, receipts
from payments.models import (
    Account,
    DeskKind,
    GatewayAccount,
    Payment,
    PaymentState,
)

ACTOR = "stripe"


@dataclass(frozen=True)
class Placement:
    """Where received money goes; the four parts sum to what was received."""

    placed_minor: int = 0
    fee_minor: int = 0
    credit_minor: int = 0
    unallocated_minor: int = 0


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
    booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.booking_id)
    if booking.state == BookingState.EXPIRED:
        # Confirming it will take a place again; the slot's lock comes before the payment's.
        Slot.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.slot_id)
    return booking


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
    instalment = _instalment(payment)
    refusal = _refusal(payment, booking, instalment, money, event_id=event_id)
    if booking is None or refusal in _NOT_PLACED:
        place = Placement(unallocated_minor=money.amount_minor)
    elif instalment is None:
        place = Placement(credit_minor=money.amount_minor)
    else:
        place = _place(payment, instalment, received_minor=money.amount_minor)
    _record(payment, money, place, event_id=event_id)
    _post(account, payment, booking, money, place)
    if instalment is not None and place.placed_minor:
        instalment.paid_minor += place.placed_minor
        instalment.save(update_fields=["paid_minor"])
    _raise_for(refusal, payment, booking, money, place)
    if booking is not None:
        receipts.leave(payment)
    return _outcome(refusal, place)


def _instalment(payment: Payment) -> Instalment | None:
    """Read under the Booking's lock, which guards its instalments."""
    return Instalment.objects.get(pk=payment.instalment_id) if payment.instalment_id else None


_NOT_PLACED = frozenset({DeskKind.LATE_MONEY, DeskKind.NO_CAPACITY, DeskKind.FOREIGN_MONEY})


def _refusal(
    payment: Payment,
    booking: Booking | None,
    instalment: Instalment | None,
    money: facts.Received,
    *,
    event_id: str,
) -> str:
    """Why this money does not fit, or empty. Confirms the booking when it does and the first instalment is covered."""
    if booking is None or money.currency != payment.currency:
        return DeskKind.FOREIGN_MONEY
    if instalment is None:
        return DeskKind.SURPLUS  # paid a second time
    if booking.state == BookingState.CANCELLED:
        return DeskKind.LATE_MONEY
    if money.amount_minor < payment.total_minor:
        return DeskKind.AMOUNT_MISMATCH if booking.state != BookingState.EXPIRED else DeskKind.LATE_MONEY
    try:
        lifecycle.confirm(booking, actor=ACTOR, event_id=event_id)
    except NoCapacity:
        return DeskKind.NO_CAPACITY
    except BookingEnded:
        return DeskKind.LATE_MONEY
    if money.amount_minor > payment.total_minor or instalment.open_minor < payment.amount_minor:
        return DeskKind.SURPLUS
    return ""


def _place(payment: Payment, instalment: Instalment, *, received_minor: int) -> Placement:
    """Principal as far as the instalment is open, its share of the fee, the rest to the customer's credit."""
    fee = min(payment.fee_minor, share(received_minor, part=payment.fee_minor, whole=payment.total_minor))
    principal = min(received_minor - fee, payment.amount_minor)
    placed = min(principal, instalment.open_minor)
    kept_fee = share(fee, part=placed, whole=principal) if principal else 0
    return Placement(placed, kept_fee, received_minor - placed - kept_fee)


def _record(payment: Payment, money: facts.Received, place: Placement, *, event_id: str) -> None:
    fee = platform_fees.in_force(payment.merchant, on=clock.today(payment.merchant.timezone))
    payment.currency = money.currency
    payment.received_minor = money.amount_minor
    payment.received_fee_minor = place.fee_minor
    payment.placed_minor = place.placed_minor
    payment.credit_minor = place.credit_minor
    payment.unallocated_minor = place.unallocated_minor
    payment.platform_fee_minor = fee.of(money.amount_minor)
    payment.stripe_charge_id = money.charge_id
    payment.stripe_payment_intent_id = money.intent_id or payment.stripe_payment_intent_id
    payment.card_brand = money.card_brand or payment.card_brand
    payment.card_last4 = money.card_last4 or payment.card_last4
    payment.succeeded_at = money.occurred_at
    payment.transition_to(
        PaymentState.SUCCEEDED,
        actor=ACTOR,
        event_id=event_id,
        save=[
            "currency",
            "received_minor",
            "received_fee_minor",
            "placed_minor",
            "credit_minor",
            "unallocated_minor",
            "platform_fee_minor",
            "stripe_charge_id",
            "stripe_payment_intent_id",
            "card_brand",
            "card_last4",
            "succeeded_at",
            "updated_at",
        ],
    )


def _post(
    account: GatewayAccount,
    payment: Payment,
    booking: Booking | None,
    money: facts.Received,
    place: Placement,
) -> None:
    receivable = 0
    fee_tax = agreement.tax_in_method_fee(booking, fee_minor=place.fee_minor) if booking else 0
    if booking is not None and booking.state == BookingState.COMPLETED:
        open_minor = max(0, ledger.booking_balance(booking, account=Account.ACCOUNTS_RECEIVABLE))
        receivable = min(open_minor, place.placed_minor)
    ledger.post(
        merchant=account.merchant,
        currency=money.currency,
        source_key=f"ch:{money.charge_id}",
        description=f"Card payment {booking.code if booking else money.charge_id}",
        occurred_at=money.occurred_at,
        payment=payment,
        lines=[
            ledger.debit(Account.CLEARING_STRIPE, money.amount_minor),
            ledger.credit(Account.ACCOUNTS_RECEIVABLE, receivable),
            ledger.credit(Account.CUSTOMER_DEPOSITS, place.placed_minor - receivable),
            ledger.credit(Account.PROCESSING_FEE_INCOME, place.fee_minor - fee_tax),
            ledger.credit(Account.TAX_PAYABLE, fee_tax),
            ledger.credit(Account.CUSTOMER_CREDIT, place.credit_minor),
            ledger.credit(Account.UNALLOCATED, place.unallocated_minor),
        ],
    )
    fee = payment.platform_fee_minor or 0
    ledger.post(
        merchant=account.merchant,
        currency=money.currency,
        source_key=f"pf:{money.charge_id}",
        description=f"Platform fee {booking.code if booking else money.charge_id}",
        occurred_at=money.occurred_at,
        payment=payment,
        lines=[ledger.debit(Account.PLATFORM_FEES, fee), ledger.credit(Account.PLATFORM_PAYABLE, fee)],
    )


SUMMARIES = {
    DeskKind.LATE_MONEY: "Paid after the booking had ended",
    DeskKind.NO_CAPACITY: "Paid after the hold ended, and the time is taken",
    DeskKind.SURPLUS: "More was paid than was due",
    DeskKind.AMOUNT_MISMATCH: "Less was paid than was due",
    DeskKind.FOREIGN_MONEY: "A charge at Stripe that belongs to no booking",
}


def _raise_for(
    refusal: str, payment: Payment, booking: Booking | None, money: facts.Received, place: Placement
) -> None:
    if not refusal:
        return
    desk.raise_item(
        merchant=payment.merchant,
        kind=refusal,
        key=f"charge:{money.charge_id}",
        summary=SUMMARIES[DeskKind(refusal)],
        payment=payment,
        booking=booking,
        evidence={
            "charge": money.charge_id,
            "intent": money.intent_id,
            "received_minor": money.amount_minor,
            "due_minor": payment.total_minor,
            "currency": money.currency,
            "placed_minor": place.placed_minor,
            "credit_minor": place.credit_minor,
            "unallocated_minor": place.unallocated_minor,
        },
    )


def _outcome(refusal: str, place: Placement) -> str:
    if not refusal:
        return "settled"
    return f"settled, on the desk: {refusal}" + (", in part" if place.placed_minor else "")


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
