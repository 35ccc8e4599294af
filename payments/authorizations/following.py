"""The hold follows the promise: as long as there is one, else the merchant's own. Under both locks."""

from datetime import timedelta

from django.db import transaction

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from payments.models import (
    Authorization,
    Capture,
    Payment,
    PaymentState,
)

ACTOR = "stripe"
LASTS = timedelta(days=7)  # Until Stripe tells the card's own day.
OVER = (PaymentState.CANCELED, PaymentState.EXPIRED, PaymentState.FAILED)


@transaction.atomic
def keep_hold(payment: Payment) -> None:
    """Let the hold last as long as the promise; what is over gives the date back."""
    booking = lock_booking(payment)
    follow(lock(payment), booking)


def lock_booking(payment: Payment) -> Booking | None:
    if payment.booking_id is None:
        return None
    return (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant")
        .get(pk=payment.booking_id)
    )


def lock(payment: Payment) -> Payment:
    return Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)


def follow(payment: Payment, booking: Booking | None) -> None:
    """The hold, under both locks: as long as the promise while there is one, else the merchant's hold from now on."""
    if booking is None or booking.state != BookingState.HELD or payment.capture != Capture.MANUAL:
        return
    if payment.state == PaymentState.AUTHORIZED:
        row, _ = Authorization.objects.get_or_create(payment=payment)
        if row.capture_before is None:
            row.capture_before = clock.now() + LASTS
            row.save(update_fields=["capture_before"])
        lifecycle.keep_held(
            booking,
            until=row.capture_before,
            actor=ACTOR,
            reason=f"Held while its card is authorized, until {booking.local(row.capture_before):%Y-%m-%d %H:%M}",
        )
    elif payment.state in OVER and booking.hold_expires_at is not None:
        end = clock.now() + timedelta(minutes=booking.merchant.hold_minutes)
        if booking.hold_expires_at > end and not _is_promised(booking):
            lifecycle.keep_held(booking, until=end, actor=ACTOR, reason="Its authorization is over")


def _is_promised(booking: Booking) -> bool:
    return booking.payments.filter(state=PaymentState.AUTHORIZED).exists()
