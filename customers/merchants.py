"""Finding the merchant whom a page or a person belongs to."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet

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


def of_staff(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Merchant]:
    """The merchants whose staff this user is. Superusers too see only what they have a Membership of."""
    if not user.is_authenticated:
        return Merchant.objects.none()
    return Merchant.objects.filter(memberships__user_id=user.pk, memberships__user__is_active=True)
