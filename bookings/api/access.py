"""Who is asking, and which bookings they may see.

A customer's frontend holds a booking's signed token and sends it as `Authorization: Booking <token>`; it
opens that booking and nothing else. A customer who is signed in (by a one-time link, or with an account) sees their own
bookings at the host's merchant. Staff come with a session or token and see the merchants of their Memberships.
Whatever somebody may not see does not exist for them: 404.
"""

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from bookings import access as links
from bookings.models import Booking
from core.idempotency import ANONYMOUS
from customers import access, merchants
from customers.models import Customer, Merchant

if TYPE_CHECKING:
    from rest_framework.views import APIView

SCHEME = "Booking"
VIEW_BOOKING = "bookings.view_booking"
CHANGE_BOOKING = "bookings.change_booking"


class BookingToken(BaseAuthentication):
    """`Authorization: Booking <token>`; the booking becomes request.auth."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Booking] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        booking = links.verify(token.strip())
        if booking is None:
            raise AuthenticationFailed("This access token is not valid, or has ended.")
        return AnonymousUser(), booking

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class IsKnown(BasePermission):
    """A booking's token, a signed-in customer, or a member of some merchant's staff."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        known = booking_of(request) or access.places(request.user) or customer_of(request)
        return bool(known)


def booking_of(request: Request) -> Booking | None:
    """The booking whose token came with the request."""
    return request.auth if isinstance(request.auth, Booking) else None


def customer_of(request: Request) -> Customer | None:
    """The customer who is signed in at the host's merchant, with this browser or with an account of their own."""
    if isinstance(request.auth, Customer):
        return request.auth
    user = request.user
    if not user.is_authenticated or access.is_locked(user) or access.places(user):
        return None
    return Customer.objects.filter(user_id=user.pk, merchant=merchant_of(request)).first()


def visible(request: Request, *, permission: str = VIEW_BOOKING) -> QuerySet[Booking]:
    """The bookings that the caller may see (or, with another permission, act on)."""
    booking = booking_of(request)
    if booking is not None:
        return Booking.objects.filter(pk=booking.pk)
    if (customer := customer_of(request)) is not None:
        return Booking.objects.filter(customer=customer)
    return access.scope(Booking.objects.all(), user=request.user, permission=permission)


def merchant_of(request: Request) -> Merchant:
    """The merchant whose prices and times are asked for: the one of the host."""
    return merchants.for_host(request.get_host())


def actor(request: Request) -> str:
    """For the logs of state changes: "user:7", or "customer"."""
    return f"user:{request.user.pk}" if request.user.is_authenticated else "customer"


def idempotency_scope(request: Request) -> tuple[str, int]:
    """(principal, merchant id) of an Idempotency-Key."""
    booking = booking_of(request)
    if booking is not None:
        return f"booking:{booking.pk}", booking.merchant_id
    if (customer := customer_of(request)) is not None:
        return f"customer:{customer.pk}", customer.merchant_id
    principal = f"user:{request.user.pk}" if request.user.is_authenticated else ANONYMOUS
    return principal, merchant_of(request).pk
