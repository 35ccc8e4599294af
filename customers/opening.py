"""Opening a merchant: its row and its first owner. The gateway account is opened by the payments room.

Called by the commands that set an installation up. Each function may run again: what exists stays as it is.
"""

import secrets
from dataclasses import dataclass
from zoneinfo import available_timezones

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from core import money
from core.errors import Conflict, Invalid
from customers import staff
from customers.models import Membership, Merchant, Role


class MerchantRefused(Invalid):
    """The merchant cannot be opened so; the detail says why, field by field."""

    code = "merchant_refused"
    title = "That merchant cannot be opened"


class MerchantExists(Conflict):
    """The slug, or the place of the default merchant, is taken."""

    code = "merchant_exists"
    title = "There is such a merchant already"


@dataclass(frozen=True)
class SignIn:
    """Who may sign in; `password` is set only when it was made just now, to be told once."""

    username: str
    password: str | None


def open_merchant(
    *,
    name: str,
    slug: str,
    email: str,
    currency: str = "usd",
    timezone: str = "America/Los_Angeles",
    country: str = "US",
    is_default: bool = False,
) -> Merchant:
    """A new merchant with the product's defaults. MerchantExists or MerchantRefused; nothing is stored then."""
    if Merchant.objects.filter(slug=slug).exists():
        raise MerchantExists(f"A merchant with the slug {slug} is there already.")
    default = Merchant.objects.filter(is_default=True).first()
    if is_default and default is not None:
        raise MerchantExists(f"{default.name} is the default merchant already: leave out --default.")
    merchant = Merchant(
        name=name,
        slug=slug,
        email=email.lower(),
        currency=currency.lower(),
        timezone=timezone,
        country=country.upper(),
        is_default=is_default,
    )
    _check(merchant)
    merchant.save()
    return merchant


def _check(merchant: Merchant) -> None:
    try:
        money.exponent(merchant.currency)
    except ValueError as error:
        raise MerchantRefused(f"{merchant.currency} is no currency. Give a code like usd.") from error
    if merchant.timezone not in available_timezones():
        raise MerchantRefused(f"{merchant.timezone} is no time zone. Give one like America/Los_Angeles.")
    try:
        merchant.full_clean()
    except ValidationError as error:
        raise MerchantRefused(
            " ".join(f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items())
        ) from error


def add_owner(*, merchant: Merchant, email: str, password: str = "", is_operator: bool = False) -> SignIn:
    """Let this person sign in as an owner of the merchant. Without a password one is made, and told once.

    Somebody who can sign in already keeps their password. `is_operator` makes a new account one that runs the whole
    installation (a superuser); money permissions still come from the Membership alone.
    """
    found = add_staff(merchant=merchant, email=email, role=Role.OWNER, password=password)
    if is_operator and found.password is not None:
        User.objects.filter(username=found.username).update(is_superuser=True)
    return found


def add_staff(*, merchant: Merchant, email: str, role: str, password: str = "") -> SignIn:
    """Let this person sign in with this role; who works for the merchant already keeps theirs. As `add_owner` else."""
    username = email.strip().lower()
    is_new = not User.objects.filter(username=username).exists()
    chosen = password or secrets.token_urlsafe(12)
    user = staff.sign_in(username=username, password=chosen)
    if is_new:
        user.email = username
        user.save(update_fields=["email"])
    Membership.objects.get_or_create(user=user, merchant=merchant, defaults={"role": role})
    return SignIn(username=username, password=chosen if is_new else None)
