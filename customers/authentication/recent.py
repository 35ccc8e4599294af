"""Was it really them, just now? For what moves money above a limit, and for changes to how somebody signs in.

Password or second factor within the last 15 minutes, whichever way they came: a session's records, or the moment that a
token carries (refreshing it does not renew that). Rooms above call `recently_authenticated`, or let
`recent_authentication_required` lead a dialog's visitor to prove it and back; over the API `require` refuses with the
code `reauthentication_required`.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from rest_framework.request import Request

from core import clock
from core.errors import Forbidden
from customers.authentication import leading, proof

WITHIN = timedelta(minutes=15)
_TYPED = "typed_before_reauthentication"
View = Callable[..., HttpResponse]


class ReauthenticationRequired(Forbidden):
    """They are who they were, but that was too long ago for this."""

    code = "reauthentication_required"
    title = "Please prove again that it is you"
    within: ClassVar[timedelta] = WITHIN

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or "Sign in again (POST auth/login), then repeat this within 15 minutes.")


def recently_authenticated(request: HttpRequest | Request, *, within: timedelta = WITHIN) -> bool:
    """Did this caller show password or second factor within that time? A session's or a token's, from any door."""
    shown = proof_of(request)
    return shown.at is not None and clock.now() - shown.at <= within


def require(request: HttpRequest | Request, *, within: timedelta = WITHIN) -> None:
    """Raise ReauthenticationRequired (403) unless recently authenticated: for API views and use cases' doors."""
    if not recently_authenticated(request, within=within):
        raise ReauthenticationRequired


def lead_to_proof(request: HttpRequest) -> HttpResponse:
    """To the page that asks for password or second factor, and back to this address.

    What was typed into a form waits in the session (`typed_before`) for the same address, to which one is led back, out
    of a dialog to its page; it is never sent by itself.
    """
    if request.method == "POST":
        kept = request.POST.copy()
        kept.pop("csrfmiddlewaretoken", None)
        request.session[_TYPED] = {"path": request.path, "form": kept.urlencode()}
        messages.info(request, "Please prove that it is you. What you typed is kept.")
    return leading.to(
        request,
        reverse("account_reauthenticate"),
        back=request.get_full_path(),
        is_kept=request.method == "POST",
    )


def typed_before(request: HttpRequest) -> QueryDict | None:
    """What stood in this address's form before `lead_to_proof`, once: to fill the dialog in again, unsent."""
    kept: dict[str, str] | None = request.session.get(_TYPED)
    if kept is None or kept.get("path") != request.path:
        return None
    del request.session[_TYPED]
    return QueryDict(kept["form"])


def recent_authentication_required(*, within: timedelta = WITHIN) -> Callable[[View], View]:
    """For views and admin dialogs, methods too: GET and POST open only to the recently authenticated.

    Around what comes after the permission check: who may not do it at all is told so, not asked for a password.
    """

    def decorator(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> HttpResponse:
            request = next(one for one in args if isinstance(one, HttpRequest))
            if not recently_authenticated(request, within=within):
                return lead_to_proof(request)
            return view(*args, **kwargs)

        return guarded

    return decorator


def proof_of(request: HttpRequest | Request) -> proof.Proof:
    """What this caller has shown, whichever door they came by."""
    if isinstance(request, Request):
        if isinstance(request.auth, proof.Proof):
            return request.auth
        return proof.of_session(request._request, request.user) if request.auth is None else proof.NOTHING
    return proof.of_session(request, request.user)
