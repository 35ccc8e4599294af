"""How a customer without a login reaches a booking: a signed link, then a grant in the session.

The token in a link names one booking by its public id and is signed with the installation's key; it ends after
settings.BOOKING_LINK_DAYS. Knowing a booking's code, or the customer's e-mail address, grants nothing.
"""

import base64
import binascii
import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core.signing import BadSignature, TimestampSigner

from bookings.models import Booking

DEFAULT_LINK_DAYS = 400
MAX_GRANTS = 50
_SESSION_KEY = "bookings"
_SALT = "bookings.access"


def issue(booking: Booking) -> str:
    """A token for links to this booking, safe in a URL."""
    name = base64.urlsafe_b64encode(booking.public_id.bytes).rstrip(b"=").decode("ascii")
    return _signer().sign(name)


def verify(token: str) -> Booking | None:
    """The booking (with merchant and customer) that a token opens; None for a forged or an old one."""
    days = getattr(settings, "BOOKING_LINK_DAYS", DEFAULT_LINK_DAYS)
    try:
        name = _signer().unsign(token, max_age=timedelta(days=days))
        public_id = uuid.UUID(bytes=base64.urlsafe_b64decode(name + "=="))
    except (BadSignature, binascii.Error, ValueError):
        return None
    return Booking.objects.select_related("merchant", "customer").filter(public_id=public_id).first()


def grant(session: SessionBase, booking: Booking) -> None:
    """Let this browser see the booking until its session ends. The newest MAX_GRANTS are kept."""
    name = str(booking.public_id)
    others = [other for other in session.get(_SESSION_KEY, []) if other != name]
    session[_SESSION_KEY] = [*others, name][-MAX_GRANTS:]


def granted(session: SessionBase) -> set[uuid.UUID]:
    """Public ids of the bookings that this browser may see."""
    return {uuid.UUID(name) for name in session.get(_SESSION_KEY, [])}


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=_SALT, sep=".")
