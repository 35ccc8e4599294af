"""What customers are told about their booking by e-mail, once each. Inside the caller's transaction."""

from django.template.loader import render_to_string
from django.urls import reverse

from bookings import access, agreement, pricing
from bookings.models import Booking, BookingState
from core import outbox
from customers import merchants
from customers.models import PaymentMethod


def held(booking: Booking) -> bool:
    """Let the customer come back to a held booking and pay; False if told before, or if nothing is to be paid."""
    first = booking.instalments.first()
    if booking.state != BookingState.HELD or booking.hold_expires_at is None or first is None:
        return False
    merchant = booking.merchant
    rate = agreement.method_fee_rate(booking, method=PaymentMethod.CARD)
    page = reverse("payments:booking", kwargs={"code": booking.code})
    context = {
        "booking": booking,
        "merchant": merchant,
        "event_at": booking.local(booking.starts_at),
        "hold_until": booking.local(booking.hold_expires_at),
        "due_minor": pricing.method_total(first.amount_minor, rate=rate),
        "link": f"{merchants.site_url(merchant)}{page}?t={access.issue(booking)}",
    }
    return outbox.enqueue(
        key=f"held:{booking.public_id}",
        to=booking.contact_email,
        subject=f"We hold your date: booking {booking.code} with {merchant.name}",
        text=render_to_string("email/booking_held.txt", context),
        html=render_to_string("email/booking_held.html", context),
        merchant_id=merchant.pk,
    )
