"""What customers are told about their booking by e-mail, once each. Inside the caller's transaction."""

from typing import Any

from django.urls import reverse

from bookings import access, agreement, page_words, pricing
from bookings.models import Booking, BookingState
from customers import letters, merchants
from customers.models import PaymentMethod


def held(booking: Booking) -> bool:
    """Let the customer come back to a held booking and pay; False if told before, or if nothing is to be paid."""
    first = booking.instalments.first()
    if booking.state != BookingState.HELD or booking.hold_expires_at is None or first is None:
        return False
    merchant = booking.merchant
    page = reverse("payments:booking", kwargs={"code": booking.code})
    context = {
        "booking": booking,
        "event_at": booking.local(booking.starts_at),
        "hold_words": page_words.until_there(booking.hold_expires_at, zone=booking.timezone),
        **to_pay(booking, first.amount_minor),
        "link": f"{merchants.site_url(merchant)}{page}?t={access.issue(booking)}",
    }
    return letters.leave(
        "booking_held",
        merchant=merchant,
        key=f"held:{booking.public_id}",
        to=booking.contact_email,
        subject=f"We hold your date: booking {booking.code} with {merchant.name}",
        context=context,
        zone=booking.timezone,
    )


def to_pay(booking: Booking, open_minor: int) -> dict[str, Any]:
    """What an open amount comes to by card, and by the cheapest way that the caterer takes, as mails say it."""
    rates = agreement.method_fee_rates(booking)
    ways = [PaymentMethod(way) for way in rates if booking.merchant.takes(way)]
    cheapest = min(ways, key=lambda way: rates[way])
    return {
        "by_card_minor": pricing.method_total(open_minor, rate=rates[PaymentMethod.CARD]),
        "least_minor": pricing.method_total(open_minor, rate=rates[cheapest]),
        "least_by": str(cheapest.label),
    }
