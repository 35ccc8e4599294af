"""What somebody has proven, and whether it is enough for what staff may see.

A session's proofs are allauth's records (password, second factor, when); a token's are its claims. Both become a
`Proof`, so that every door asks the same questions. `needs_second_factor` is the only rule of who needs one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest

from customers.models import Membership

PASSWORD = "password"  # noqa: S105 - a name
SECOND_FACTORS = ("totp", "webauthn")
# Who has just chosen a password by a link has shown as much as one who typed it.
_CALLED = {"password": PASSWORD, "password_reset": PASSWORD}
User = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True)
class Proof:
    """How somebody is signed in: the methods, and when the last of them was shown."""

    methods: frozenset[str]
    at: datetime | None

    @property
    def has_second_factor(self) -> bool:
        return bool(self.methods - {PASSWORD})


NOTHING = Proof(methods=frozenset(), at=None)


def of_session(request: HttpRequest, user: User) -> Proof:
    """What this browser's session has shown for this user."""
    if not user.is_authenticated:
        return NOTHING
    records = [
        (_CALLED.get(one.get("method", ""), str(one.get("type", ""))), float(one.get("at", 0)))
        for one in get_authentication_records(request, user)
    ]
    known = [(name, at) for name, at in records if name in {PASSWORD, "recovery_codes", *SECOND_FACTORS}]
    if not known:
        return NOTHING
    return Proof(
        methods=frozenset(name for name, _ in known),
        at=datetime.fromtimestamp(max(at for _, at in known), tz=UTC),
    )


def is_staff(user: User) -> bool:
    """Someone for whom the console, or a merchant's rows over the API, would open."""
    if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
        return True
    return user.is_authenticated and Membership.objects.filter(user_id=user.pk).exists()


def needs_second_factor(user: User, proof: Proof) -> bool:
    """Is this a member of staff who must not go on like this?

    Where it is not required (development), who has set one up is asked for it by every way of signing in all the same.
    """
    return bool(settings.STAFF_MFA_REQUIRED) and not proof.has_second_factor and is_staff(user)


def has_second_factor(user: User) -> bool:
    """Has this person set up an authenticator app or a passkey?"""
    return Authenticator.objects.filter(user_id=user.pk, type__in=SECOND_FACTORS).exists()


def kinds(user: User) -> set[str]:
    """Of second factors that this person has set up, recovery codes included."""
    return set(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))


def in_words(methods: Iterable[str]) -> list[str]:
    """For people and API clients, in a fixed order."""
    order = (PASSWORD, "totp", "webauthn", "recovery_codes")
    return [name for name in order if name in set(methods)]
