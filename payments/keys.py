"""Whose key is it? One of another account than the one that a merchant's books were begun with is never used.

Asked when a worker starts and once an hour. Until the right key is back, or another merchant is opened for the new
account, nothing is asked of Stripe for this one, its events wait, and people are told: the log, /readyz, the desk.
Called by payments/tasks.py and by the page where keys are changed.
"""

import logging
import re

from django.db import connection, transaction

from core import clock
from core.errors import Invalid, Unavailable
from payments import desk, endpoints, errors, gateway
from payments.models import DeskKind, GatewayAccount, WebhookEndpoint

logger = logging.getLogger(__name__)

SHAPES = {
    "secret_key": (r"(sk|rk)_(test|live)_\w{16,}", "a secret or restricted key (sk_… or rk_…)"),
    "publishable_key": (r"pk_(test|live)_\w{16,}", "a publishable key (pk_…)"),
    "webhook_secret": (r"whsec_\w{16,}", "a signing secret (whsec_…)"),
}
_OWNERS = 0x0ACC7  # Our own space among PostgreSQL's advisory locks.
SECRETS_KEPT = 2  # the new one, and the one before it until Stripe has let go of that


class KeysRefused(Invalid):
    """The keys cannot be used; `fields` says why, without repeating them."""

    code = "keys_refused"
    title = "These keys cannot be used"

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(" ".join(fields.values()), fields=fields)
        self.fields = fields


def change(
    account: GatewayAccount, *, secret_key: str = "", publishable_key: str = "", webhook_secret: str = ""
) -> None:
    """Store what is given, encrypted where it is secret; what is empty stays as it is.

    A new secret key is tried first: it must answer, and belong to the account of the merchant's books, which is no
    other merchant's. A new signing secret joins the one before it, which stays good. Raises KeysRefused or Unavailable;
    nothing is stored then.
    """
    given = {"secret_key": secret_key, "publishable_key": publishable_key, "webhook_secret": webhook_secret}
    _check_shapes(given)
    owner = _owner_of(account, secret_key) if secret_key else ""
    with transaction.atomic():
        _one_at_a_time(owner)
        row = GatewayAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
        if owner and row.stripe_account_id not in ("", owner):
            raise _foreign()
        if owner and GatewayAccount.objects.exclude(pk=row.pk).filter(stripe_account_id=owner).exists():
            raise _taken()
        row.secret_key = secret_key or row.secret_key
        row.publishable_key = publishable_key or row.publishable_key
        row.stripe_account_id = row.stripe_account_id or owner
        row.foreign_account_id = "" if owner else row.foreign_account_id
        row.save(update_fields=["secret_key", "publishable_key", "stripe_account_id", "foreign_account_id"])
        if webhook_secret:
            _add_signing_secret(row, webhook_secret)
    endpoints.forget()


def _one_at_a_time(owner: str) -> None:
    """Two merchants given keys of one account at the same moment would not see each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_OWNERS, owner])


def _check_shapes(given: dict[str, str]) -> None:
    wrong = {
        name: f"That is not {what}."
        for name, (shape, what) in SHAPES.items()
        if given[name] and not re.fullmatch(shape, given[name])
    }
    modes = {"_live_" in given[name] for name in ("secret_key", "publishable_key") if given[name]}
    if not wrong and len(modes) == 2:
        wrong["publishable_key"] = "One key is a test key and the other a live one."
    if not wrong and not any(given.values()):
        wrong = {"publishable_key": "Type at least one of them."}
    if wrong:
        raise KeysRefused(wrong)


def _owner_of(account: GatewayAccount, secret_key: str) -> str:
    """The account that Stripe says this key belongs to; asked with a copy, so that nothing of it stays."""
    tried = GatewayAccount(merchant=account.merchant, secret_key=secret_key)
    try:
        owner = gateway.account_id(tried)
    except (errors.GatewayMisconfigured, errors.GatewayRefused) as refusal:
        raise KeysRefused({"secret_key": "Stripe does not accept this key."}) from refusal
    if account.stripe_account_id not in ("", owner):
        raise _foreign()
    return owner


def _foreign() -> KeysRefused:
    return KeysRefused(
        {"secret_key": "This key belongs to another Stripe account than this merchant's books."}
    )


def _taken() -> KeysRefused:
    return KeysRefused(
        {
            "secret_key": "Another business here keeps its books by this Stripe account: two on one account would "
            "book each other's money. Open an account of its own at Stripe."
        }
    )


def _add_signing_secret(account: GatewayAccount, secret: str) -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().filter(gateway_account=account).earliest("pk")
    known = [line for line in endpoint.secrets.split() if line != secret]
    endpoint.secrets = "\n".join([secret, *known][:SECRETS_KEPT])
    endpoint.save(update_fields=["secrets"])


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
