"""Whose key is it? One of another account than the one that a merchant's books were begun with is never used.

Asked when a worker starts and once an hour. Until the right key is back, or another merchant is opened for the new
account, nothing is asked of Stripe for this one, its events wait, and people are told: the log, /readyz, the desk.
Called by payments/tasks.py and by the page where keys are changed.
"""

import logging

from core import clock
from core.errors import Unavailable
from payments import desk, errors, gateway
from payments.models import DeskKind, GatewayAccount

logger = logging.getLogger(__name__)


def check() -> int:
    """Ask Stripe whose keys are in use; how many belong to another account than ours."""
    foreign = 0
    known = GatewayAccount.objects.select_related("merchant").exclude(stripe_account_id="")
    for account in known.filter(merchant__is_active=True):
        try:
            found = gateway.account_id(account)
        except (Unavailable, errors.GatewayRefused) as wait:
            logger.warning("%s did not tell whose key it is: %s", account, wait.code)
            continue
        foreign += _note(account, found)
    return foreign


def _note(account: GatewayAccount, found: str) -> bool:
    """Remember what was found; whether it is another account's."""
    is_foreign = found != account.stripe_account_id
    wanted = found if is_foreign else ""
    changed = GatewayAccount.objects.filter(pk=account.pk, stripe_account_id=account.stripe_account_id)
    if changed.exclude(foreign_account_id=wanted).update(foreign_account_id=wanted):
        logger.log(
            logging.ERROR if is_foreign else logging.INFO,
            "The key of %s belongs to %s, its books to %s",
            account,
            found,
            account.stripe_account_id,
        )
        if is_foreign:
            _put_on_desk(account, found)
    return is_foreign


def _put_on_desk(account: GatewayAccount, found: str) -> None:
    desk.raise_item(
        merchant=account.merchant,
        kind=DeskKind.MODE_MISMATCH,
        key=f"key:{account.pk}:{found}:{clock.now():%Y-%m-%dT%H:%M:%S}",
        summary="Stripe's key belongs to another account: no card is charged until the right one is back",
        evidence={"ours": account.stripe_account_id, "found": found},
    )
