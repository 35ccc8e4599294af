"""One-time links by e-mail: asked for, sent, opened, used once.

Asking writes a row for whatever address was typed and rings; whether somebody has that address is found out by a
worker (`send_due`), so the page tells nothing, not even by its time. The e-mail carries the only copy of the token; the
row has its hash. Opening a link (mail scanners do) reads; `take` consumes it, once, under its row's lock. A link is
good for LINK_MINUTES, on its merchant's pages, and until a newer one of its kind went out.
Asked by customers/views.py and the account's pages; taken by `sign_in` here and by bookings/new_address.py.
"""

import hashlib
import re
import secrets
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from core import clock, doorbell
from customers import letters, merchants
from customers.errors import LinkRefused
from customers.models import AccountLink, Customer, LinkPurpose, Merchant

LINK_MINUTES = 30
FORGET_AFTER = timedelta(days=7)
SEND_TASK = "customers.send_links"
_TOKEN = re.compile(r"(/account/(?:link|email)/)[\w-]{20,}")
_PAGE = {LinkPurpose.SIGN_IN: "customers:link", LinkPurpose.NEW_EMAIL: "payments:account-new-email"}
_SUBJECT = {
    LinkPurpose.SIGN_IN: "Your link to your bookings with {}",
    LinkPurpose.NEW_EMAIL: "Confirm this e-mail address for {}",
}


class Standing(StrEnum):
    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"  # forged, forgotten or of another merchant: all look the same


def ask(*, merchant: Merchant, email: str, next_path: str = "") -> None:
    """Somebody wants to see the bookings made with this (tidy, valid) address. Answers the same for every address."""
    _ask(
        AccountLink(
            merchant=merchant, email=email, purpose=LinkPurpose.SIGN_IN, next_path=safe_path(next_path)
        )
    )


def ask_new_email(customer: Customer, *, email: str) -> None:
    """The signed-in customer wants another address, which changes when the link that goes there is used."""
    _ask(
        AccountLink(
            merchant_id=customer.merchant_id, customer=customer, email=email, purpose=LinkPurpose.NEW_EMAIL
        )
    )


def _ask(link: AccountLink) -> None:
    link.save(force_insert=True)
    doorbell.ring(SEND_TASK)


def safe_path(path: str) -> str:
    """The path if it leads to a page of this site, else nothing: next pages are typed by anyone."""
    fits = path.startswith("/") and len(path) <= 200
    return path if fits and url_has_allowed_host_and_scheme(path, allowed_hosts=None) else ""


def send_due(*, limit: int = 50) -> int:
    """Write the e-mails that were asked for; how many requests were worked off. Any number of workers at once."""
    with transaction.atomic():
        asked = list(
            AccountLink.objects.filter(token_hash__isnull=True)
            .select_related("merchant")
            .select_for_update(of=("self",), skip_locked=True)
            .order_by("id")[:limit]
        )
        for link in asked:
            _send(link)
    return len(asked)


def _send(link: AccountLink) -> None:
    customer = Customer.objects.filter(merchant_id=link.merchant_id)
    owner = customer.filter(pk=link.customer_id) if link.customer_id else customer.filter(email=link.email)
    link.customer = owner.first()
    if link.customer is None:
        link.delete()  # Nobody's address is kept.
        return
    now = clock.now()
    token = secrets.token_urlsafe(32)
    _unused(link.customer).filter(purpose=link.purpose).update(superseded_at=now)
    link.token_hash = _hash(token)
    link.expires_at = now + timedelta(minutes=LINK_MINUTES)
    link.save()
    _mail(link, customer=link.customer, token=token)


def _mail(link: AccountLink, *, customer: Customer, token: str) -> None:
    merchant, purpose = link.merchant, LinkPurpose(link.purpose)
    page = reverse(_PAGE[purpose], kwargs={"token": token})
    context = {
        "customer": customer,
        "minutes": LINK_MINUTES,
        "link": f"{merchants.site_url(merchant)}{page}",
    }
    letters.leave(
        f"link_{purpose}",
        merchant=merchant,
        key=f"link:{link.public_id}",
        to=link.email,
        subject=_SUBJECT[purpose].format(merchant.name),
        context=context,
    )


def find(*, merchant: Merchant, token: str, purpose: LinkPurpose) -> AccountLink | None:
    """The link of a token that was sent by this merchant, good or not. Changes nothing."""
    return (
        AccountLink.objects.select_related("customer")
        .filter(merchant=merchant, token_hash=_hash(token), purpose=purpose)
        .first()
    )


def standing(link: AccountLink | None) -> Standing:
    """Whether the link may still be used, or why not."""
    if link is None or link.expires_at is None:
        return Standing.UNKNOWN
    if link.used_at is not None:
        return Standing.USED
    if link.superseded_at is not None:
        return Standing.SUPERSEDED
    return Standing.EXPIRED if link.expires_at <= clock.now() else Standing.GOOD


def take(*, merchant: Merchant, token: str, purpose: LinkPurpose) -> tuple[AccountLink, Customer]:
    """Use the link, once; inside the caller's transaction. The customer comes locked.

    Of several at the same time one wins, the others get LinkRefused.
    """
    link = (
        AccountLink.objects.select_for_update(of=("self",), no_key=True)
        .filter(merchant=merchant, token_hash=_hash(token), purpose=purpose)
        .first()
    )
    found = standing(link)
    if link is None or link.customer_id is None or found != Standing.GOOD:
        raise LinkRefused(standing=found)
    customer = Customer.objects.select_for_update(no_key=True).get(pk=link.customer_id)
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])
    return link, customer


def sign_in(*, merchant: Merchant, token: str) -> tuple[Customer, str]:
    """Use a sign-in link: the customer, whose address counts as verified now, and the page that was wanted."""
    with transaction.atomic():
        link, customer = take(merchant=merchant, token=token, purpose=LinkPurpose.SIGN_IN)
        if link.email != customer.email:  # Staff have changed the address since.
            raise LinkRefused(standing=Standing.SUPERSEDED)
        customer.email_verified_at = clock.now()
        customer.save(update_fields=["email_verified_at"])
    return customer, link.next_path


def withdraw(customer: Customer) -> None:
    """No link that went out for this customer is good any more; inside the caller's transaction."""
    _unused(customer).update(superseded_at=clock.now())


def without_tokens(text: str) -> str:
    """A message's words with its one-time links made useless, for who may read it but not use them."""
    return _TOKEN.sub(r"\1…", text)


def forget_old() -> int:
    """Delete links and requests whose days are over; how many."""
    return AccountLink.objects.filter(created_at__lt=clock.now() - FORGET_AFTER).delete()[0]


def _unused(customer: Customer) -> QuerySet[AccountLink]:
    return customer.links.filter(token_hash__isnull=False, used_at__isnull=True, superseded_at__isnull=True)


def _hash(token: str) -> str:
    """Without salt: the token is 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
