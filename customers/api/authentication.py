"""How the API knows a member of staff (or anybody with an account): by token, or by the console's session.

Both refuse a member of staff without a second factor with 403 `second_factor_required`; merchants' rows are closed to
them in any case (customers/access.py). settings.REST_FRAMEWORK names both classes.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from customers import access, sessions
from customers.authentication import proof, tokens
from customers.models import Customer

SCHEME = "Bearer"
CHALLENGE = 'Bearer realm="tableside"'


class SecondFactorRequired(APIException):
    status_code = status.HTTP_403_FORBIDDEN
    default_code = "second_factor_required"
    default_detail = "Staff sign in with a second step: POST auth/login with a code, or by the console."


class Challenge(BaseAuthentication):
    """Nobody is known by it; it only lets a refusal say how one signs in."""

    def authenticate(self, request: Request) -> None:
        return None

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class AccessToken(BaseAuthentication):
    """`Authorization: Bearer <access token>`; what was shown for it becomes request.auth."""

    def authenticate(self, request: Request) -> tuple[User, tokens.TokenProof] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        found = tokens.read(token.strip())
        if found is None:
            raise AuthenticationFailed("This access token is not valid, or has ended.")
        user, shown = found
        if proof.needs_second_factor(user, shown):
            access.lock(user)
            raise SecondFactorRequired
        return user, shown

    def authenticate_header(self, request: Request) -> str:
        """The challenge of the scheme that was tried; ours when none was."""
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        return "Booking" if scheme.lower() == "booking" else CHALLENGE


class StaffSession(SessionAuthentication):
    """The console's session, with CSRF; locked when its second factor is missing."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        found: tuple[Any, None] | None = super().authenticate(request)
        if found is not None and access.is_locked(found[0]):
            raise SecondFactorRequired
        return found


class CustomerSession(SessionAuthentication):
    """A customer signed in with this browser at the host's merchant, with CSRF; the customer is request.auth."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Customer] | None:
        customer = sessions.current_customer(request._request)
        if customer is None:
            return None
        self.enforce_csrf(request)
        return AnonymousUser(), customer
