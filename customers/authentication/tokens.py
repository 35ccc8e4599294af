"""The API's tokens: an access token that lives for minutes, and a refresh token that is good once.

Both end with their family: on signing out, when a used refresh token comes again (then nobody can tell the thief from
the owner), when the account is closed, its password changes, or after FAMILY. A refresh token is stored as a hash. The
access token is a JWT that clients may read; it is asked after in the database each time, so it ends with its family.
Called by customers/api; what was shown is the caller's to check before `issue`.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from core import clock
from customers.authentication import proof
from customers.models import RefreshToken, TokenFamily

ACCESS = timedelta(minutes=10)
REFRESH = timedelta(days=14)
FAMILY = timedelta(days=30)
ISSUER = "tableside"
_ALGORITHM = "HS256"
_CLAIMS = ("iss", "sub", "sid", "iat", "exp", "typ")


class TokenRefused(Exception):
    """A refresh token that opens nothing. `code` is the API's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Pair:
    access: str
    refresh: str
    expires_in: int


@dataclass(frozen=True)
class TokenProof(proof.Proof):
    """What the token's family was opened with, and when; refreshing renews neither."""

    family: UUID


def issue(user: User, *, methods: Iterable[str]) -> Pair:
    """Tokens for somebody who has just shown these methods. Ended families of theirs are forgotten."""
    now = clock.now()
    TokenFamily.objects.filter(user=user, expires_at__lt=now).delete()
    with transaction.atomic():
        family = TokenFamily.objects.create(
            user=user,
            methods=proof.in_words(methods),
            authenticated_at=now,
            expires_at=now + FAMILY,
            password_mark=user.get_session_auth_hash(),
        )
        return _pair(family, now=now)


def refresh(token: str) -> Pair:
    """A new pair for a refresh token's first use. TokenRefused; for one used before its whole family ends."""
    now = clock.now()
    with transaction.atomic():
        found = _locked(token)
        if found is None or not _is_open(found.family, now=now):
            raise TokenRefused("invalid_refresh_token")
        if found.used_at is None:
            if found.expires_at < now:
                raise TokenRefused("invalid_refresh_token")
            found.used_at = now
            found.save(update_fields=["used_at"])
            return _pair(found.family, now=now)
        _end(found.family, because=TokenFamily.Ended.REUSED, now=now)
    raise TokenRefused("refresh_token_reused")  # outside: what was ended stays ended


def revoke(token: str) -> bool:
    """End the family of a refresh token, used or not; False when there is no such token."""
    with transaction.atomic():
        found = _locked(token)
        if found is not None and found.family.revoked_at is None:
            _end(found.family, because=TokenFamily.Ended.SIGNED_OUT, now=clock.now())
    return found is not None


def revoke_all(user: User) -> int:
    """End every family of somebody; how many were open."""
    return TokenFamily.objects.filter(user=user, revoked_at=None).update(
        revoked_at=clock.now(), ended=TokenFamily.Ended.CLOSED
    )


def read(access_token: str) -> tuple[User, TokenProof] | None:
    """Whose access token this is and what they had shown, or None: forged, too old, of an ended family."""
    claims = _claims(access_token)
    if claims is None:
        return None
    family = TokenFamily.objects.select_related("user").filter(public_id=claims["sid"]).first()
    if family is None or str(family.user_id) != claims["sub"] or not _is_open(family, now=clock.now()):
        return None
    shown = TokenProof(methods=frozenset(family.methods), at=family.authenticated_at, family=family.public_id)
    return family.user, shown


def _claims(access_token: str) -> dict[str, Any] | None:
    try:
        claims: dict[str, Any] = jwt.decode(
            access_token,
            key=_key(),
            algorithms=[_ALGORITHM],
            issuer=ISSUER,
            options={"require": list(_CLAIMS)},
        )
        UUID(str(claims["sid"]))
    except (jwt.InvalidTokenError, ValueError):
        return None
    return claims if claims["typ"] == "access" else None


def _pair(family: TokenFamily, *, now: datetime) -> Pair:
    token = secrets.token_urlsafe(32)
    RefreshToken.objects.create(
        family=family, digest=_digest(token), expires_at=min(now + REFRESH, family.expires_at)
    )
    claims = {
        "iss": ISSUER,
        "sub": str(family.user_id),
        "sid": str(family.public_id),
        "typ": "access",
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS).timestamp()),
        "auth_time": int(family.authenticated_at.timestamp()),
        "amr": family.methods,
    }
    access = jwt.encode(claims, key=_key(), algorithm=_ALGORITHM)
    return Pair(access=access, refresh=token, expires_in=int(ACCESS.total_seconds()))


def _locked(token: str) -> RefreshToken | None:
    """The row, with its family locked: of two uses at the same time one is the second."""
    row = RefreshToken.objects.filter(digest=_digest(token)).first()
    if row is None:
        return None
    family = (
        TokenFamily.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .get(pk=row.family_id)
    )
    row.refresh_from_db()
    row.family = family
    return row


def _is_open(family: TokenFamily, *, now: datetime) -> bool:
    return (
        family.revoked_at is None
        and family.expires_at > now
        and family.user.is_active
        and constant_time_compare(family.password_mark, family.user.get_session_auth_hash())
    )


def _end(family: TokenFamily, *, because: str, now: datetime) -> None:
    family.revoked_at, family.ended = now, because
    family.save(update_fields=["revoked_at", "ended"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _key() -> bytes:
    """Of the access tokens alone: derived, so that nothing else signed with SECRET_KEY is one."""
    return salted_hmac("customers.authentication.tokens", "access token", algorithm="sha256").digest()
