"""Moments, days and counts as people read them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone, get_timezone_name

from bookings.models import Booking
from core import clock


def wall_clock(moment: datetime) -> datetime:
    """A local moment without its zone, so that templates show it as it stands instead of converting it."""
    return moment.replace(tzinfo=None)


def until(moment: datetime, *, today: date) -> str:
    """A local moment still to come: "9:15 PM" for today, "Tuesday, December 1, 12:31 PM" for any other day."""
    hour = f"{moment:%-I:%M %p}"
    return hour if moment.date() == today else f"{moment:%A}, {day(moment.date())}, {hour}"


def until_there(moment: datetime, *, zone: str) -> str:
    """A moment still to come on the clock of `zone`, which is named: "9:15 PM Pacific Time"."""
    local = moment.astimezone(ZoneInfo(zone))
    return f"{until(local, today=clock.today(zone))} {zone_label(zone)}"


def zone_label(zone: str) -> str:
    """An IANA zone: "America/Los_Angeles" -> "Pacific Time"."""
    return get_timezone_name(
        get_timezone(zone), width="long", zone_variant="generic", locale=Locale("en", "US")
    )


def day(value: date) -> str:
    """A day of this year or the next: "December 5"."""
    return f"{value:%B} {value.day}"


def full_day(value: date) -> str:
    """A day for records: "December 5, 2026"."""
    return f"{day(value)}, {value.year}"


def guests_label(booking: Booking) -> str:
    """ "10 adults and 2 children"; who does not come is not named."""
    adults = f"{booking.adults} adult{'' if booking.adults == 1 else 's'}"
    children = f"{booking.children} {'child' if booking.children == 1 else 'children'}"
    return " and ".join(
        part for part, count in ((adults, booking.adults), (children, booking.children)) if count
    )
