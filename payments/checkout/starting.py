"""The click: the instalment's open payment when it fits, else a new row; then it is opened at Stripe."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import F, OuterRef
from django.db.models.functions import JSONObject

from bookings import minimums
from bookings.models import Booking, BookingState, PriceLine
from core import clock
from core.money import format_minor
from customers.models import PaymentMethod
from payments import errors
from payments.checkout import creating, customers, opening
from payments.checkout.amounts import Due, due
from payments.checkout.opening import Started
from payments.models import OPEN_STATES, Capture, GatewayAccount, Payment

_LINE = ("kind", "description", "quantity", "unit_minor", "amount_minor", "tax_minor")
# What the customer agrees to by paying, line by line: frozen on the payment, read along with the booking's lock.
LINES = (
    PriceLine.objects.filter(booking=OuterRef("pk"))
    .order_by("position")
    .values(line=JSONObject(**{name: name for name in _LINE}))
)
PAYABLE = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)


def start(
    *,
    booking: Booking,
    purpose: str = "",
    mode: str,
    actor: str,
    capture: Capture = Capture.AUTOMATIC,
) -> Started:
    """Begin, or take up again, the card payment of the booking's next instalment.

    With manual capture the card only promises the money (payments/authorizations). Raises AlreadyAuthorized,
    AlreadyPaid, NothingToPay, HoldEnded, PaymentInProgress (nothing to do), GatewayRefused (Stripe said no),
    GatewayBusy (try again) and GatewayUnknown (being asked for; trying again is safe).
    """
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=booking.merchant_id)
    for _ in range(4):
        customer = customers.at_stripe(account, booking)
        try:
            payment, asked = _reserve(booking, purpose=purpose, mode=mode, capture=capture)
        except errors.HoldEnded:
            _prove_unpaid(account, booking)
            raise
        if not _fits(payment, asked, booking, mode=mode, capture=capture):
            opening.end(account, payment, reason="the customer chose another way, or the amount changed")
            continue
        try:
            started = opening.open_at_stripe(account, payment, booking, customer)
        except creating.StartAnew:
            continue
        if started is not None:
            return started
    raise errors.GatewayBusy()


def _reserve(booking: Booking, *, purpose: str, mode: str, capture: Capture) -> tuple[Payment, Due]:
    """The instalment's open card payment, else a new row; nothing was asked of Stripe yet."""
    with transaction.atomic():
        booking = (
            Booking.objects.annotate(agreed_lines=ArraySubquery(LINES))
            .select_for_update(of=("self",), no_key=True)
            .get(pk=booking.pk)
        )
        _check(booking)
        asked = due(booking, purpose=purpose)
        payment = (
            Payment.objects.select_for_update(of=("self",), no_key=True)
            .filter(instalment=asked.instalment, method=PaymentMethod.CARD, state__in=OPEN_STATES)
            .first()
        )
        if payment is not None:
            payment.instalment = asked.instalment
            return payment, asked
        _check_size(asked, currency=booking.currency)
        payment = Payment.objects.create(
            merchant_id=booking.merchant_id,
            booking=booking,
            customer_id=booking.customer_id,
            instalment=asked.instalment,
            method=PaymentMethod.CARD,
            purpose=asked.purpose,
            mode=mode,
            capture=capture,
            currency=booking.currency,
            amount_minor=asked.amount_minor,
            fee_minor=asked.fee_minor,
            total_minor=asked.total_minor,
            fee_rate=asked.fee_rate,
            agreement={
                **booking.agreement,
                "lines": _lines(booking, read_before=booking.agreed_lines),
                "total_minor": booking.total_minor,
                "tax_minor": booking.tax_minor,
            },
        )
        return payment, asked


def _lines(booking: Booking, *, read_before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The price's lines. Read in the statement that waited for the lock, they may be those before an edit that held it:
    then they do not sum to the price, and are read again.
    """
    if sum(line["amount_minor"] for line in read_before) == booking.total_minor:
        return read_before
    return list(booking.lines.order_by("position").values(*_LINE))


def _check_size(asked: Due, *, currency: str) -> None:
    smallest = minimums.card_minor(currency)
    if asked.total_minor < smallest:
        raise errors.TooSmallForCard(
            f"Amounts under {format_minor(smallest, currency)} cannot be paid by card; "
            "please choose another way to pay."
        )


def _check(booking: Booking) -> None:
    if booking.state not in PAYABLE:
        if booking.state == BookingState.EXPIRED:
            raise errors.HoldEnded()
        raise errors.NothingToPay("This booking cannot be paid for.")
    if booking.state == BookingState.HELD and (booking.hold_expires_at or clock.now()) <= clock.now():
        raise errors.HoldEnded()


def _prove_unpaid(account: GatewayAccount, booking: Booking) -> None:
    """Say "too late" only to someone who has not paid: what is open is ended at Stripe, or found paid and settled.

    Raises AlreadyPaid; PaymentInProgress and GatewayUnknown while it cannot be known.
    """
    cards = booking.payments.filter(method=PaymentMethod.CARD)
    for payment in cards.filter(state__in=OPEN_STATES):
        opening.end(account, payment, reason="the hold ended")
    if cards.filter(received_minor__gt=F("refunded_minor")).exists():
        raise errors.AlreadyPaid(
            "We have your payment. It came late, so somebody is looking at it and will write to you."
        )


def _fits(payment: Payment, asked: Due, booking: Booking, *, mode: str, capture: Capture) -> bool:
    """Whether the open payment is the one asked for: same way, same part and amount, charged at the same time."""
    return (
        (payment.mode, payment.capture) == (mode, capture)
        and (payment.purpose, payment.amount_minor) == (asked.purpose, asked.amount_minor)
        and payment.currency == booking.currency
    )
