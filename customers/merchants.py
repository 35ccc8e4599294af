"""Finding the merchant whom a page or a person belongs to."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from core.errors import NotFound
from customers.models import Merchant


def for_host(host: str) -> Merchant:
    """The active merchant who claims this host name (port ignored), else the default one."""
    name = host.rsplit(":", 1)[0].lower()
    found = (
        Merchant.objects.filter(Q(host=name, host__gt="") | Q(is_default=True), is_active=True)
        .order_by("is_default")
        .first()
    )
    if found is None:
        raise NotFound(
            "No caterer answers at this address. Run `manage.py create_merchant`, or ask the operator."
        )
    return found


def of_request(request: HttpRequest) -> Merchant:
    """The merchant of this request's host, asked once per request; Http404 when none answers here."""
    found: Merchant | None = getattr(request, "_merchant", None)
    if found is None:
        try:
            found = for_host(request.get_host())
        except NotFound as error:
            raise Http404(str(error)) from error
        setattr(request, "_merchant", found)  # noqa: B010 - a memo of ours on Django's object
    return found


def site_url(merchant: Merchant) -> str:
    """Where this merchant's customer pages are, without a slash at the end: links in e-mails, Stripe's way back.

    A host of its own is served like SITE_URL: by the same scheme, in development on the same port; in production by
    https on its usual port.
    """
    if merchant.is_default or not merchant.host:
        return settings.SITE_URL
    if not settings.DEVELOPMENT:
        return f"https://{merchant.host}"
    site = urlsplit(settings.SITE_URL)
    port = f":{site.port}" if site.port else ""
    return f"{site.scheme}://{merchant.host}{port}"


def of_staff(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Merchant]:
    """The merchants whose staff this user is. Superusers too see only what they have a Membership of."""
    if not user.is_authenticated:
        return Merchant.objects.none()
    return Merchant.objects.filter(memberships__user_id=user.pk, memberships__user__is_active=True)
