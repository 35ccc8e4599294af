"""Signing in over the API, staying signed in, signing out, and who one is.

No answer tells whether an account exists: a wrong name and a wrong password cost the same look-up and hash and get the
same refusal. Passwords, codes and tokens are in no log.
"""

from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User, update_last_login
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import refusals
from customers import access, sessions
from customers.api.authentication import Challenge, CustomerSession
from customers.api.serializers import (
    LoginSerializer,
    LogoutSerializer,
    MeSerializer,
    RefreshSerializer,
    TokensSerializer,
)
from customers.authentication import codes, proof, recent, tokens
from customers.models import Customer

TAG = "auth"


class InvalidCredentials(AuthenticationFailed):
    default_code = "invalid_credentials"
    default_detail = "That name and password do not belong together."


class CodeWanted(AuthenticationFailed):
    default_code = "second_factor_required"
    default_detail = "Send it again with `code`: what the authenticator app shows, or a recovery code."


class InvalidCode(AuthenticationFailed):
    default_code = "invalid_code"
    default_detail = "That code is not right, or was used before."


class SetUpFirst(APIException):
    status_code = status.HTTP_403_FORBIDDEN
    default_code = "second_factor_setup_required"
    default_detail = "Staff sign in with a second step: sign in to the console once and set one up."


class TooManyAttempts(APIException):
    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "too_many_attempts"
    default_detail = "Too many wrong attempts. Wait five minutes, then try again."
    wait = 300


class InvalidRefresh(AuthenticationFailed):
    default_code = "invalid_refresh_token"
    default_detail = "This refresh token is not valid, or has ended. Sign in again."


class ReusedRefresh(AuthenticationFailed):
    default_code = "refresh_token_reused"
    default_detail = (
        "This refresh token was used before, so all tokens of its sign-in have ended. Sign in again."
    )


class LoginView(APIView):
    authentication_classes = (Challenge,)
    permission_classes = (AllowAny,)
    throttle_scope = "sign_in"

    @extend_schema(
        operation_id="auth_login",
        tags=[TAG],
        request=LoginSerializer,
        responses={200: TokensSerializer, **refusals(400, 401, 403, 415, 422, 429)},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Tokens for name and password; who has set up a second step sends its code along."""
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        try:
            user = _by_password(request, login=wanted["email"], password=wanted["password"])
            methods = {proof.PASSWORD} | _second_step(user, code=wanted.get("code", ""))
        except ValidationError as refusal:
            raise TooManyAttempts from refusal
        update_last_login(User, user)
        return _tokens(tokens.issue(user, methods=methods))


def _by_password(request: Request, *, login: str, password: str) -> User:
    found = get_adapter().authenticate(request._request, username=login, password=password)
    if found is None or not found.is_active:  # allauth hands a closed account over too
        raise InvalidCredentials
    user: User = found
    return user


def _second_step(user: User, *, code: str) -> set[str]:
    if proof.has_second_factor(user):
        if not code.strip():
            raise CodeWanted
        way = codes.check(user, code)
        if way is None:
            raise InvalidCode
        way.record_usage()
        return {way.type}
    if proof.is_staff(user) and settings.STAFF_MFA_REQUIRED:
        raise SetUpFirst
    return set()


class RefreshView(APIView):
    authentication_classes = (Challenge,)
    permission_classes = (AllowAny,)
    throttle_scope = "refresh"

    @extend_schema(
        operation_id="auth_refresh",
        tags=[TAG],
        request=RefreshSerializer,
        responses={200: TokensSerializer, **refusals(400, 401, 415, 422, 429)},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """A new pair of tokens. The refresh token sent is used up; sent again, it ends the whole sign-in."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            pair = tokens.refresh(body.validated_data["refresh_token"])
        except tokens.TokenRefused as refusal:
            raise ReusedRefresh if refusal.code == "refresh_token_reused" else InvalidRefresh from None
        return _tokens(pair)


class LogoutView(APIView):
    authentication_classes = (SessionAuthentication, CustomerSession)
    permission_classes = (AllowAny,)
    throttle_scope = "refresh"

    @extend_schema(
        operation_id="auth_logout",
        tags=[TAG],
        request=LogoutSerializer,
        responses={204: None, **refusals(400, 403, 415, 422, 429)},
    )
    def post(self, request: Request) -> Response:
        """Ends the sign-in of the refresh token sent, and the browser's session, staff's and a customer's. Twice is as
        good as once.
        """
        body = LogoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if token := body.validated_data.get("refresh_token"):
            tokens.revoke(token)
        if request.user.is_authenticated:
            logout(request._request)
        elif isinstance(request.auth, Customer):
            sessions.sign_out(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="auth_me", tags=[TAG], responses={200: MeSerializer, **refusals(401, 403, 429)}
    )
    def get(self, request: Request) -> Response:
        """Who one is, where one works, as which customer one is known, and how one signed in."""
        user = request.user
        assert isinstance(user, User)
        return Response(
            MeSerializer(
                {
                    "user": {
                        "name": user.get_full_name(),
                        "username": user.get_username(),
                        "email": user.email,
                    },
                    "memberships": [
                        {
                            "merchant": place.merchant.slug,
                            "merchant_name": place.merchant.name,
                            "role": place.role,
                        }
                        for place in access.places(user)
                    ],
                    "customers": [_customer(row) for row in _customers(user)],
                    "authentication": _shown(request),
                }
            ).data
        )


def _customers(user: User) -> Any:
    return Customer.objects.filter(user=user).select_related("merchant").order_by("merchant__slug")


def _customer(row: Customer) -> dict[str, Any]:
    return {"id": row.public_id, "merchant": row.merchant.slug, "name": row.name, "email": row.email}


def _shown(request: Request) -> dict[str, Any]:
    shown = recent.proof_of(request)
    return {
        "by": "token" if isinstance(request.auth, tokens.TokenProof) else "session",
        "methods": proof.in_words(shown.methods),
        "at": shown.at,
        "is_recent": recent.recently_authenticated(request),
    }


def _tokens(pair: tokens.Pair) -> Response:
    answer = TokensSerializer(
        {
            "token_type": "Bearer",
            "access_token": pair.access,
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh,
        }
    )
    return Response(answer.data, headers={"Cache-Control": "no-store"})
