"""Whose page it is: every customer page belongs to the merchant of the host that was asked."""

from datetime import datetime

from babel import Locale
from babel.dates import get_timezone, get_timezone_name
from django.http import Http404, HttpRequest

from core.errors import NotFound
from customers import merchants
from customers.models import Merchant


def merchant_of(request: HttpRequest) -> Merchant:
    """The merchant of this request's host; Http404 when none answers here."""
    try:
        return merchants.for_host(request.get_host())
    except NotFound as error:
        raise Http404(str(error)) from error


def zone_label(zone: str) -> str:
    """An IANA zone for people: "America/Los_Angeles" -> "Pacific Time"."""
    return get_timezone_name(
        get_timezone(zone), width="long", zone_variant="generic", locale=Locale("en", "US")
    )


def wall_clock(moment: datetime) -> datetime:
    """A local moment without its zone, so that templates show it as it stands instead of converting it."""
    return moment.replace(tzinfo=None)
