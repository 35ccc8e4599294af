"""The payment that a customer begins by Zelle or Venmo: told how to pay, nothing sent yet."""

from django.db import transaction

from bookings import agreement
from bookings.models import Booking, BookingState, Instalment, PriceLine
from payments import dues, errors, placing
from payments.manual import amounts
from payments.models import CLAIMED_METHODS, MANUAL_OPEN_STATES, Payment, PaymentState

STARTABLE = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)


@transaction.atomic
def start(booking: Booking, *, method: str, actor: str, purpose: str = "") -> Payment:
    """The payment of what is due next by Zelle or Venmo: the open one when it still fits, else a new row.

    A rejected one that still fits is taken up again, so that its claims stay together. Raises NotOffered, HoldEnded,
    AlreadyPaid, NothingToPay.
    """
    booking = locked(booking)
    if booking.state == BookingState.EXPIRED:
        raise errors.HoldEnded()
    if booking.state not in STARTABLE:
        raise errors.NothingToPay("This booking cannot be paid for.")
    if method not in amounts.offered(booking.merchant):
        raise errors.NotOffered()
    return _payment_of(booking, dues.next_due(booking, purpose=purpose), method=method, actor=actor)


def locked(booking: Booking) -> Booking:
    """The booking, locked, with the merchant it came with."""
    row = placing.lock([booking.pk])[booking.pk]
    row.merchant = booking.merchant
    return row


def open_payment(instalment: Instalment, *, method: str) -> Payment | None:
    """The instalment's open payment by this method, locked; inside the caller's transaction."""
    rows = Payment.objects.select_for_update(of=("self",), no_key=True)
    return rows.filter(instalment=instalment, method=method, state__in=MANUAL_OPEN_STATES).first()


def _payment_of(booking: Booking, ask: dues.Ask, *, method: str, actor: str) -> Payment:
    wanted = amounts.with_fee(booking, ask.amount_minor, method=method)
    payment = open_payment(ask.instalment, method=method)
    if payment is not None:
        fits = payment.purpose == ask.purpose and payment.total_minor == wanted.total_minor
        if fits or payment.state == PaymentState.CLAIMED:
            return payment
        payment.transition_to(
            PaymentState.CANCELED, actor=actor, reason="another amount", save=["updated_at"]
        )
    again = Payment.objects.filter(
        instalment=ask.instalment,
        method=method,
        purpose=ask.purpose,
        state=PaymentState.REJECTED,
        total_minor=wanted.total_minor,
    )
    return again.last() or new_payment(booking, ask, method=method)


def new_payment(booking: Booking, ask: dues.Ask | None, *, method: str) -> Payment:
    """A row for what is asked for (nothing: for money that came beyond it), with the terms agreed to."""
    wanted = amounts.with_fee(booking, ask.amount_minor if ask else 0, method=method)
    lines = PriceLine.objects.filter(booking=booking).order_by("position")
    fields = ("kind", "description", "quantity", "unit_minor", "amount_minor", "tax_minor")
    return Payment.objects.create(
        merchant_id=booking.merchant_id,
        booking=booking,
        customer_id=booking.customer_id,
        instalment=ask.instalment if ask else None,
        method=method,
        purpose=ask.purpose if ask else "",
        currency=booking.currency,
        amount_minor=wanted.amount_minor,
        fee_minor=wanted.fee_minor,
        total_minor=wanted.total_minor,
        fee_rate=agreement.method_fee_rate(booking, method=method),
        agreement={
            **booking.agreement,
            "lines": list(lines.values(*fields)),
            "total_minor": booking.total_minor,
            "tax_minor": booking.tax_minor,
        },
        gateway_fee_minor=0,
    )


def lapse(booking: Booking, *, reason: str = "the hold ended") -> int:
    """End the payments of which only instructions were shown; how many. Under the Booking's lock."""
    rows = booking.payments.filter(method__in=CLAIMED_METHODS, state=PaymentState.CREATED).order_by("pk")
    return sum(
        payment.transition_to(PaymentState.EXPIRED, actor="system", reason=reason, save=["updated_at"])
        for payment in rows.select_for_update(of=("self",), no_key=True)
    )
