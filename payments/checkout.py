"""Starting a card payment: one click, one charge.

Short transaction (our row), no transaction (Stripe), short transaction (Stripe's ids). The amount is the plan's,
never the request's. At most one open card payment per instalment: one that fits is taken up again, one that does
not is ended first. The idempotency key is our row and its attempt; a lost answer leaves the row `unknown` and the
same key is used again; after an error that Stripe stored, the object is looked for, and a new attempt follows only
when it is proven absent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from bookings import agreement, lifecycle
from bookings.models import Booking, BookingState, Instalment
from bookings.pricing import method_fee
from core import clock
from customers.models import PaymentMethod
from payments import closing, errors, facts, gateway, progress, settlement
from payments.models import (
    OPEN_STATES,
    CheckoutMode,
    GatewayAccount,
    GatewayCustomer,
    Payment,
    PaymentState,
)

PAYABLE = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)
HOLD_PAST_SESSION = timedelta(minutes=5)
SESSION_MARGIN = timedelta(seconds=60)  # Stripe counts its minimum of 30 minutes by its own clock.
UNFINISHED = (PaymentState.CREATED, PaymentState.UNKNOWN)


@dataclass(frozen=True)
class Started:
    """A payment the customer can make now: `client_secret` for the Payment Element, or `redirect_url` to Checkout.

    The secret is Stripe's, fetched for this answer and stored nowhere.
    """

    payment: Payment
    publishable_key: str
    client_secret: str | None = None
    redirect_url: str | None = None


@dataclass(frozen=True)
class Due:
    """What one instalment costs by card, in minor units."""

    instalment: Instalment
    amount_minor: int
    fee_minor: int
    fee_rate: Decimal

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.fee_minor


def due(booking: Booking, *, purpose: str = "") -> Due:
    """The next open instalment, which must be of this purpose when one is named. Raises NothingToPay in words."""
    for instalment in booking.instalments.order_by("position"):
        if instalment.open_minor:
            if purpose and instalment.purpose != purpose:
                raise errors.NothingToPay(
                    f"The {instalment.get_purpose_display().lower()} is due first; pay that one."
                )
            rate = agreement.method_fee_rate(booking, method=PaymentMethod.CARD)
            fee = method_fee(instalment.open_minor, rate=rate)
            return Due(instalment, instalment.open_minor, fee, rate)
    raise errors.AlreadyPaid()


def start(*, booking: Booking, purpose: str = "", mode: str, actor: str) -> Started:
    """Begin, or take up again, the card payment of the booking's next instalment.

    Raises AlreadyPaid, NothingToPay, HoldEnded, PaymentInProgress (nothing to do), GatewayRefused (Stripe said no),
    GatewayBusy (try again) and GatewayUnknown (being asked for; trying again is safe).
    """
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=booking.merchant_id)
    customer = _customer(account, booking)
    for _ in range(4):
        payment = _reserve(booking, purpose=purpose, mode=mode, actor=actor)
        if not _fits(payment, booking, mode=mode):
            _end(account, payment)
            continue
        started = _open(account, payment, booking, customer)
        if started is not None:
            return started
    raise errors.GatewayBusy()


def _customer(account: GatewayAccount, booking: Booking) -> str:
    """Stripe's id of the booking's customer; created there once."""
    known = GatewayCustomer.objects.filter(gateway_account=account, customer_id=booking.customer_id).first()
    if known is not None:
        return known.stripe_customer_id
    customer = booking.customer
    stripe_id = gateway.create_customer(
        account,
        key=f"customer:{customer.public_id}",
        email=customer.email,
        name=customer.name,
        metadata={"customer": str(customer.public_id)},
    )
    row, _ = GatewayCustomer.objects.get_or_create(
        gateway_account=account, customer_id=booking.customer_id, defaults={"stripe_customer_id": stripe_id}
    )
    return row.stripe_customer_id


def _reserve(booking: Booking, *, purpose: str, mode: str, actor: str) -> Payment:
    """The instalment's open card payment, else a new row; nothing was asked of Stripe yet."""
    with transaction.atomic():
        booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.pk)
        _check(booking)
        asked = due(booking, purpose=purpose)
        payment = (
            Payment.objects.select_for_update(of=("self",), no_key=True)
            .filter(instalment=asked.instalment, method=PaymentMethod.CARD, state__in=OPEN_STATES)
            .first()
        )
        if payment is not None:
            payment.instalment = asked.instalment
            return payment
        return Payment.objects.create(
            merchant_id=booking.merchant_id,
            booking=booking,
            customer_id=booking.customer_id,
            instalment=asked.instalment,
            method=PaymentMethod.CARD,
            purpose=asked.instalment.purpose,
            mode=mode,
            currency=booking.currency,
            amount_minor=asked.amount_minor,
            fee_minor=asked.fee_minor,
            total_minor=asked.total_minor,
            fee_rate=asked.fee_rate,
            agreement=booking.agreement,
        )


def _check(booking: Booking) -> None:
    if booking.state not in PAYABLE:
        if booking.state == BookingState.EXPIRED:
            raise errors.HoldEnded()
        raise errors.NothingToPay("This booking cannot be paid for.")
    if booking.state == BookingState.HELD and (booking.hold_expires_at or clock.now()) <= clock.now():
        raise errors.HoldEnded()


def _fits(payment: Payment, booking: Booking, *, mode: str) -> bool:
    """Whether the open payment is the one asked for: same way, same amount."""
    assert payment.instalment is not None
    open_minor = payment.instalment.open_minor  # read with the reservation, under the booking's lock
    return (
        payment.mode == mode and payment.amount_minor == open_minor and payment.currency == booking.currency
    )


def _end(account: GatewayAccount, payment: Payment) -> None:
    """End the payment that does not fit; found paid, it is settled, and there is nothing more to pay."""
    money = closing.close(account, payment, reason="the customer chose another way, or the amount changed")
    if money is not None:
        settlement.settle(account, money)
        raise errors.AlreadyPaid()


def _open(account: GatewayAccount, payment: Payment, booking: Booking, customer: str) -> Started | None:
    """The payment as the customer can pay it; None when it ended meanwhile and another must be started."""
    if payment.mode == CheckoutMode.HOSTED:
        return _open_session(account, payment, booking, customer)
    intent = (
        gateway.retrieve_intent(account, payment.stripe_payment_intent_id)
        if payment.stripe_payment_intent_id
        else _create(
            account, payment, lambda attempt: _intent(account, payment, booking, customer, attempt=attempt)
        )
    )
    assert isinstance(intent, facts.Intent)
    if intent.state == PaymentState.SUCCEEDED:
        settlement.settle(account, facts.received_by_intent(intent))
        raise errors.AlreadyPaid()
    progress.note_intent(account, intent, said_at=clock.now())
    if intent.state == PaymentState.PROCESSING:
        raise errors.PaymentInProgress()
    payment.refresh_from_db()
    if intent.state == PaymentState.CANCELED:
        return None
    if payment.state not in OPEN_STATES:
        # It was ended here while Stripe was being asked: what Stripe made must not stay open.
        gateway.cancel_intent(account, intent.id)
        return None
    return Started(payment, gateway.publishable_key(account), client_secret=intent.client_secret)


def _open_session(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str
) -> Started | None:
    session = (
        gateway.retrieve_session(account, payment.stripe_checkout_session_id)
        if payment.stripe_checkout_session_id
        else _create(
            account, payment, lambda attempt: _session(account, payment, booking, customer, attempt=attempt)
        )
    )
    assert isinstance(session, facts.Session)
    progress.note_session(account, session)
    if session.is_complete:
        _settle_session(account, session)
    if not session.is_open:
        return None
    payment.refresh_from_db()
    if payment.state not in OPEN_STATES:
        gateway.expire_session(account, session.id)
        return None
    _extend_hold(payment, session)
    return Started(payment, gateway.publishable_key(account), redirect_url=session.url)


def _settle_session(account: GatewayAccount, session: facts.Session) -> None:
    intent = gateway.retrieve_intent(account, session.intent_id)
    if intent.state == PaymentState.SUCCEEDED:
        settlement.settle(account, facts.received_by_intent(intent))
        raise errors.AlreadyPaid()
    raise errors.PaymentInProgress()


@transaction.atomic
def _extend_hold(payment: Payment, session: facts.Session) -> None:
    booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(payments=payment)
    lifecycle.extend_hold(booking, until=session.expires_at + HOLD_PAST_SESSION, actor="system")


Opened = facts.Intent | facts.Session


def _create(account: GatewayAccount, payment: Payment, ask: Callable[[int], Opened]) -> Opened:
    """Create at Stripe under the row's key; a lost or stored failure never becomes a second object."""
    try:
        return ask(payment.attempt)
    except errors.GatewayStoredFailure:
        _set(payment, PaymentState.UNKNOWN, reason="Stripe failed while creating it")
    except errors.GatewayUnknown:
        _set(payment, PaymentState.UNKNOWN, reason="Stripe did not answer")
        raise
    except errors.GatewayRefused as refusal:
        _refuse(payment, refusal)
        raise
    found = look_for(account, payment)
    if found is not None:
        return found
    return ask(_next_attempt(payment))


def look_for(account: GatewayAccount, payment: Payment) -> Opened | None:
    """What Stripe made for this row, found by customer and metadata; None proves that it made nothing."""
    find = gateway.find_session if payment.mode == CheckoutMode.HOSTED else gateway.find_intent
    customer = closing.customer_id(account, payment)
    return find(account, customer_id=customer, payment_public_id=str(payment.public_id)) if customer else None


@transaction.atomic
def _set(payment: Payment, to: PaymentState, *, reason: str) -> None:
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    locked.transition_to(to, actor="system", reason=reason, save=["updated_at"])


@transaction.atomic
def _next_attempt(payment: Payment) -> int:
    """A new idempotency key, after a proven absence. Two at once get the same one: only the first may raise it."""
    Payment.objects.filter(pk=payment.pk, attempt=payment.attempt).update(attempt=payment.attempt + 1)
    payment.refresh_from_db(fields=["attempt"])
    return payment.attempt


@transaction.atomic
def _refuse(payment: Payment, refusal: errors.GatewayRefused) -> None:
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    decline = facts.Decline(refusal.reason, refusal.decline_code, refusal.detail, "")
    progress.note_decline(locked, decline, source=f"request:{payment.attempt}")
    locked.transition_to(PaymentState.FAILED, actor="stripe", reason=refusal.reason, save=["updated_at"])


def _shared(payment: Payment, booking: Booking) -> dict[str, Any]:
    return {
        "currency": payment.currency,
        "description": f"{payment.get_purpose_display()} for {booking.code}",
        "descriptor_suffix": booking.code,
        "metadata": {
            facts.PAYMENT_KEY: str(payment.public_id),
            facts.BOOKING_KEY: booking.code,
        },
    }


def _intent(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str, *, attempt: int
) -> facts.Intent:
    return gateway.create_intent(
        account,
        key=f"payment:{payment.public_id}:{attempt}",
        amount_minor=payment.total_minor,
        customer_id=customer,
        **_shared(payment, booking),
    )


def _session(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str, *, attempt: int
) -> facts.Session:
    page = f"{settings.SITE_URL}/b/{booking.code}"
    return gateway.create_session(
        account,
        key=f"payment:{payment.public_id}:{attempt}",
        lines=_lines(payment, booking),
        customer_id=customer,
        success_url=f"{page}/paid?payment={payment.public_id}",
        cancel_url=f"{page}/pay",
        expires_at=_session_end(payment),
        **_shared(payment, booking),
    )


def _session_end(payment: Payment) -> Any:
    """Told to Stripe once and kept, for the same key must send the same request again."""
    if payment.checkout_expires_at is None:
        payment.checkout_expires_at = (
            clock.now() + timedelta(seconds=gateway.CHECKOUT_SECONDS) + SESSION_MARGIN
        ).replace(microsecond=0)
        unset = Payment.objects.filter(pk=payment.pk, checkout_expires_at__isnull=True)
        if not unset.update(checkout_expires_at=payment.checkout_expires_at):
            payment.refresh_from_db(fields=["checkout_expires_at"])
    return payment.checkout_expires_at


def _lines(payment: Payment, booking: Booking) -> list[tuple[str, int]]:
    """What Checkout lists. Presented as a discount, the card's price is the listed one and has no fee line."""
    name = f"{payment.get_purpose_display()} for {booking.code}"
    if booking.agreement.get("fee_presentation") == "surcharge" and payment.fee_minor:
        return [(name, payment.amount_minor), ("Card fee", payment.fee_minor)]
    return [(name, payment.total_minor)]
