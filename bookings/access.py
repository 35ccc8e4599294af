"""How a customer reaches a booking: a signed link, then a grant in the session; or as the signed-in customer.

The token in a link names one booking by its public id and its `link_version`, signed with the installation's key; it
ends after settings.BOOKING_LINK_DAYS, and with every grant made from it when the version is raised (`withdraw`).
Knowing a booking's code, or the customer's e-mail address, grants nothing.
"""

import base64
import binascii
import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.signing import BadSignature, TimestampSigner
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from bookings.models import Booking
from customers import sessions
from customers.models import Merchant

DEFAULT_LINK_DAYS = 400
MAX_GRANTS = 50
_SESSION_KEY = "booking_links"
_SALT = "bookings.access"
_VERSION_BYTES = 4


def issue(booking: Booking) -> str:
    """A token for links to this booking, safe in a URL."""
    name = booking.public_id.bytes + booking.link_version.to_bytes(_VERSION_BYTES, "big")
    return _signer().sign(base64.urlsafe_b64encode(name).rstrip(b"=").decode("ascii"))


def verify(token: str) -> Booking | None:
    """The booking (with merchant and customer) that a token opens; None for a forged, an old or a withdrawn one."""
    days = getattr(settings, "BOOKING_LINK_DAYS", DEFAULT_LINK_DAYS)
    try:
        name = base64.urlsafe_b64decode(_signer().unsign(token, max_age=timedelta(days=days)) + "==")
        public_id = uuid.UUID(bytes=name[:-_VERSION_BYTES])
    except (BadSignature, binascii.Error, ValueError):
        return None
    version = int.from_bytes(name[-_VERSION_BYTES:], "big")
    known = Booking.objects.select_related("merchant", "customer")
    return known.filter(public_id=public_id, link_version=version).first()


def withdraw(booking: Booking, *, actor: str, reason: str = "") -> None:
    """No link sent for this booking opens it any more; inside the transaction that holds the Booking's lock."""
    booking.link_version += 1
    booking.save(update_fields=["link_version"])
    booking.changes.create(
        from_state=booking.state,
        to_state=booking.state,
        actor=actor,
        reason=f"Links withdrawn: {reason}" if reason else "Links withdrawn",
    )


def grant(session: SessionBase, booking: Booking) -> None:
    """Let this browser see the booking until its session ends. The newest MAX_GRANTS are kept."""
    name = str(booking.public_id)
    others = [other for other in session.get(_SESSION_KEY, []) if other[0] != name]
    session[_SESSION_KEY] = [*others, [name, booking.link_version]][-MAX_GRANTS:]


def granted(session: SessionBase) -> dict[uuid.UUID, int]:
    """Public id -> link version of the bookings whose links this browser opened."""
    return {uuid.UUID(name): version for name, version in session.get(_SESSION_KEY, [])}


def visible(request: HttpRequest, *, merchant: Merchant) -> QuerySet[Booking]:
    """The merchant's bookings that this visitor may see: by links opened and not withdrawn, and as their customer."""
    may = Q(pk__in=[])
    for public_id, version in granted(request.session).items():
        may |= Q(public_id=public_id, link_version=version)
    if customer := sessions.current_customer(request, merchant=merchant):
        may |= Q(customer=customer)
    return Booking.objects.filter(may, merchant=merchant)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=_SALT, sep=".")
