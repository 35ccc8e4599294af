"""A code of an authenticator app is good once, for as long as it could be good."""

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.cache import cache

# allauth forgets a used code after one period, but with a tolerance of one step it is good for three.
GOOD_FOR_SECONDS = 3 * 30 + 10


def spend(user: User, code: str) -> bool:
    """True the first time. Shared by all processes; while the shared cache is away, once per process."""
    digits = "".join(character for character in code if character.isalnum())
    return cache.add(f"code-spent:{user.pk}:{digits}", 1, timeout=GOOD_FOR_SECONDS)


def check(user: User, code: str) -> Authenticator | None:
    """The second factor that this code proves (app or recovery code), which it then cannot prove again.

    Counts wrong codes per account; raises django's ValidationError when there were too many. Runs within a request.
    """
    clear = check_rate_limit(user)
    typed = code.strip()
    ways = Authenticator.objects.filter(
        user=user, type__in=[Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES]
    ).order_by("-type")
    for way in ways:
        if way.wrap().validate_code(typed) and spend(user, typed):
            clear()
            return way
    return None


def wrong() -> Exception:
    """What a form says of a wrong code."""
    error: Exception = get_adapter().validation_error("incorrect_code")
    return error
