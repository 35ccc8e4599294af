"""Staff without a second factor work nowhere, whichever page or route they come to.

The check is made when (and only when) somebody asks who the user is: then `access.lock` closes every merchant's rows on
the user's object, for pages, API and console alike. The console besides leads to where the factor is set up or shown.
"""

from collections.abc import Callable

from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from customers import access
from customers.authentication import leading, proof

CONSOLE = "/admin/"
# Ways out of the console are open to everybody.
OPEN = ("/admin/login/", "/admin/logout/", "/admin/jsi18n/")
OWN = ("/staff/security/", "/staff/password/")
# Where the second step is shown, and where a forgotten password is asked for.
SHOWING = (
    "/staff/security/authenticate/",
    "/staff/security/reauthenticate/",
    "/staff/security/webauthn/reauthenticate/",
    "/staff/security/webauthn/login/",
    "/staff/password/forgotten/",
    "/staff/password/new/",
)


class SecondFactorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: _checked(request))  # type: ignore[assignment]
        if _is_shut(request):
            return _way_on(request)
        return self.get_response(request)


def _is_shut(request: HttpRequest) -> bool:
    """The console to whoever is locked; their own sign-in as well when there is a second step they have not shown.

    Without the latter a session that is older than the second step could add another one by password alone.
    """
    path = request.path
    is_console = path.startswith(CONSOLE) and not path.startswith(OPEN)
    is_own = path.startswith(OWN) and not path.startswith(SHOWING)
    if not (is_console or is_own) or not request.user.is_authenticated or not access.is_locked(request.user):
        return False
    return is_console or proof.has_second_factor(request.user)


def _checked(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    user: AbstractBaseUser | AnonymousUser = get_user(request)
    if user.is_authenticated and proof.needs_second_factor(user, proof.of_session(request, user)):
        access.lock(user)
    return user


def _way_on(request: HttpRequest) -> HttpResponse:
    """Where a member of staff without a second factor goes: to show the one they have, or to set one up."""
    back = request.get_full_path() if request.method == "GET" else reverse("admin:index")
    have = proof.kinds(request.user)
    if not have & set(proof.SECOND_FACTORS):
        name = "mfa_activate_totp"
    elif have & {"totp", "recovery_codes"}:
        name = "mfa_reauthenticate"
    else:
        name = "mfa_reauthenticate_webauthn"
    return leading.to(request, reverse(name), back=back)
