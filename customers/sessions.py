"""Who of the merchant's customers is signed in with this browser.

The session carries one grant: a customer, at that customer's merchant, since a moment. It is good on that merchant's
pages alone, for SIGN_IN_DAYS, and until the customer's `sign_in_version` is raised. Pages and API of every room ask
`current_customer(request)`; only the one-time links (customers/links.py by its views) call `sign_in`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib.auth import SESSION_KEY as STAFF_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from core import clock
from customers import merchants
from customers.models import Customer, Merchant

SIGN_IN_DAYS = 30
_SESSION_KEY = "customer"
_MEMO = "_current_customer"
P = ParamSpec("P")


def current_customer(request: HttpRequest, *, merchant: Merchant | None = None) -> Customer | None:
    """The customer (with merchant) who is signed in at the merchant of this request's host, or None.

    Asked once per request; no query without a grant. `merchant` spares a query when the caller has the host's already.
    """
    if not hasattr(request, _MEMO):
        setattr(request, _MEMO, _find(request, merchant=merchant))
    found: Customer | None = getattr(request, _MEMO)
    return found


def required(
    view: Callable[Concatenate[HttpRequest, Customer, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Give the view the signed-in customer; else the way in, which leads back to this page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        customer = current_customer(request)
        if customer is None:
            query = urlencode({"next": request.path}) if request.method in ("GET", "HEAD") else ""
            return redirect(f"{reverse('customers:sign-in')}{'?' if query else ''}{query}")
        return view(request, customer, *args, **kwargs)

    return never_cache(guarded)


def signed_in_within(request: HttpRequest, span: timedelta) -> bool:
    """Whether this browser used a link so lately: for what decides who can sign in from now on."""
    grant = request.session.get(_SESSION_KEY)
    return grant is not None and clock.now() - datetime.fromtimestamp(grant["at"], tz=UTC) <= span


def sign_in(request: HttpRequest, customer: Customer) -> None:
    """Trade this browser's session for a new one that holds the grant: a session known before is worth nothing.

    What another customer saw with this browser is forgotten; a member of staff stays signed in.
    """
    before = request.session.get(_SESSION_KEY)
    if before is not None and before.get("customer") != customer.pk:
        sign_out(request)
    request.session.cycle_key()
    request.session[_SESSION_KEY] = {
        "merchant": customer.merchant_id,
        "customer": customer.pk,
        "version": customer.sign_in_version,
        "at": int(clock.now().timestamp()),
    }
    setattr(request, _MEMO, customer)


def sign_out(request: HttpRequest) -> None:
    """Forget all that a customer left in this browser's session, booking links that were opened with it too."""
    session = request.session
    if STAFF_KEY not in session:
        session.flush()
    else:
        _forget_customers(session)
        session.cycle_key()
    setattr(request, _MEMO, None)


def _forget_customers(session: SessionBase) -> None:
    for key in (_SESSION_KEY, "booking_links"):
        session.pop(key, None)


def _find(request: HttpRequest, *, merchant: Merchant | None) -> Customer | None:
    grant = request.session.get(_SESSION_KEY)
    if not grant:
        return None
    since = datetime.fromtimestamp(grant["at"], tz=UTC)
    if clock.now() - since > timedelta(days=SIGN_IN_DAYS):
        return None
    try:
        merchant = merchant or merchants.of_request(request)
    except Http404:
        return None
    if grant["merchant"] != merchant.pk:
        return None
    return (
        Customer.objects.select_related("merchant")
        .filter(pk=grant["customer"], merchant=merchant, sign_in_version=grant["version"])
        .first()
    )
