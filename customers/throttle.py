"""How often visitors may do on pages what costs others something: per network, counted in the shared cache.

Links are counted per address that was typed as well; the count depends on what was typed, never on whether somebody has
that address. Bookings take a place from the calendar before anything is paid.
"""

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

WINDOW_SECONDS = 3600
PER_ADDRESS = 5
PER_VISITOR = 30


def allow_link(request: HttpRequest, *, merchant_id: int, email: str) -> bool:
    """Count this request; whether a link may be sent for it."""
    visitor = _count(f"visitor:{_network(request)}") <= PER_VISITOR
    return visitor and _count(f"address:{merchant_id}:{email}") <= PER_ADDRESS


def allow_booking(request: HttpRequest) -> bool:
    """Count this booking; whether it may be made. As the API's throttle, which does not see the pages."""
    number, seconds = _parsed(settings.THROTTLE_BOOKING_PAGE)
    return _count(f"booking:{_network(request)}", seconds=seconds) <= number


def _parsed(rate: str) -> tuple[int, int]:
    """Like "20/min": how often, within how many seconds."""
    number, _, period = rate.partition("/")
    return int(number), {"s": 1, "m": 60, "h": 3600, "d": 86400}[period[0]]


def _count(what: str, *, seconds: int = WINDOW_SECONDS) -> int:
    key = f"links:{hashlib.sha256(what.encode()).hexdigest()}"
    cache.add(key, 0, timeout=seconds)
    try:
        return cache.incr(key)
    except ValueError:  # It ended between the two lines.
        cache.set(key, 1, timeout=seconds)
        return 1


def _network(request: HttpRequest) -> str:
    """The visitor's address as the trusted proxies tell it; of IPv6 the /64, which is one household's."""
    ident = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads META alone
    try:
        address = ip_address(ident or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/64", strict=False))
    return str(address)
