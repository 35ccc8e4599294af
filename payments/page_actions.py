"""What the customer can do with a booking beside paying, as links, and in words what not any more. Reads only."""

from dataclasses import dataclass

from django.urls import reverse

from bookings.models import Booking, BookingState
from bookings.page_words import day
from core import clock
from core.money import format_minor
from payments import self_service


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    href: str
    note: str


def links(booking: Booking) -> tuple[Link, ...]:
    """Change, move, cancel: each only where it is possible now."""
    rule = self_service.allowed(booking)
    names = {"code": booking.code}
    found = []
    if rule.can_change:
        until = f"Until {day(rule.last_day)}"
        fee = format_minor(rule.move_fee_minor, booking.currency) if rule.move_fee_minor else "no"
        found = [
            Link("Change guests or menu", reverse("payments:change", kwargs=names), until),
            Link("Move the date", reverse("payments:move", kwargs=names), f"{until}, {fee} fee"),
        ]
    if rule.can_cancel:
        note = "You see first what comes back"
        found.append(Link("Cancel the booking", reverse("payments:cancel", kwargs=names), note))
    return tuple(found)


def too_late_words(booking: Booking) -> str:
    """Why guests and date are not changed here any more, for a booking whose event is still ahead."""
    rule = self_service.allowed(booking)
    stands = booking.state == BookingState.CONFIRMED and booking.starts_at > clock.now()
    if rule.can_change or not stands:
        return ""
    could_once = rule.last_day >= booking.local(booking.created_at).date()
    when = (
        f"could be changed here until {day(rule.last_day)}"
        if could_once
        else "cannot be changed here so late"
    )
    return f"Guests, menu and date {when}. Write to us or call: we will see what can be done."
