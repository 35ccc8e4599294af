"""Which webhook endpoints answer where, and their signing secrets, cached in the process for a short time.

`at` is asked for every delivery, so an answer is kept for TTL_SECONDS; `anew` reads again when no signature
matched (secrets are rotated, endpoints created), at most once a second for each name, so that forged
deliveries cost no SQL each. Unknown names are remembered too; the table is emptied when somebody makes many up.
"""

import time
import uuid
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from payments.models import WebhookEndpoint

TTL_SECONDS = 30.0
ANEW_SECONDS = 1.0
MAX_NAMES = 1000

Secrets = tuple[tuple[int, str], ...]


class _Known(NamedTuple):
    read_at: float
    secrets: Secrets


_known: dict[str, _Known] = {}


def at(merchant: str, *, anew: bool = False) -> Secrets:
    """(endpoint id, secret) pairs that may sign what is posted at this merchant's address, newest first.

    `merchant` is a slug or a public id, empty for the default endpoint; no pairs: nobody lives there.
    """
    known = _known.get(merchant)
    age = time.monotonic() - known.read_at if known else TTL_SECONDS
    if known and age < (ANEW_SECONDS if anew else TTL_SECONDS):
        return known.secrets
    if len(_known) >= MAX_NAMES:
        forget()
    fresh = _Known(time.monotonic(), _read(merchant))
    _known[merchant] = fresh
    return fresh.secrets


def forget() -> None:
    """Read everything again next time."""
    _known.clear()


def _read(merchant: str) -> Secrets:
    rows = WebhookEndpoint.objects.filter(_where(merchant)).select_related("gateway_account__merchant")
    return tuple((row.pk, secret) for row in rows.order_by("-id") for secret in _secrets_of(row))


def _where(merchant: str) -> Q:
    if not merchant:
        return Q(is_default=True)
    try:
        return Q(gateway_account__merchant__public_id=uuid.UUID(merchant))
    except ValueError:
        return Q(gateway_account__merchant__slug=merchant)


def _secrets_of(row: WebhookEndpoint) -> list[str]:
    """Its own; the installation's serve the default merchant alone, for they sign what its Stripe account says."""
    own = [line.strip() for line in row.secrets.splitlines() if line.strip()]
    if own or not row.gateway_account.merchant.is_default:
        return own
    return list(settings.STRIPE_WEBHOOK_SECRETS)
