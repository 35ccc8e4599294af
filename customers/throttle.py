"""How often links may be asked for: per address that was typed, and per visitor's network. Counted in the shared cache.

The count depends on what was typed, never on whether somebody has that address.
"""

import hashlib
from ipaddress import IPv6Address, ip_address, ip_network

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


def _count(what: str) -> int:
    key = f"links:{hashlib.sha256(what.encode()).hexdigest()}"
    cache.add(key, 0, timeout=WINDOW_SECONDS)
    try:
        return cache.incr(key)
    except ValueError:  # It ended between the two lines.
        cache.set(key, 1, timeout=WINDOW_SECONDS)
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
