"""Fills an empty database with one merchant, its endpoint and dj-stripe's. Django is set up."""

from django.conf import settings
from djstripe import models as djstripe

from customers.models import Merchant
from payments.models import GatewayAccount, WebhookEndpoint
from script.benches.webhook_peers.deliveries import SECRET


def prepare() -> str:
    """Merchant, account and endpoint of ours; account, key and endpoint of dj-stripe's, whose path is returned."""
    merchant = Merchant.objects.create(name="Bench", slug="bench", email="bench@example.com", is_default=True)
    account = GatewayAccount.objects.create(merchant=merchant, stripe_account_id="acct_bench")
    WebhookEndpoint.objects.create(id=1, gateway_account=account, is_default=True, secrets=SECRET)
    owner = djstripe.Account.objects.create(id="acct_bench", djstripe_owner_account_id="acct_bench")
    djstripe.APIKey.objects.create(
        id="bench",
        type="secret",
        livemode=False,
        secret=settings.STRIPE_SECRET_KEY,
        djstripe_owner_account=owner,
    )
    endpoint = djstripe.WebhookEndpoint.objects.create(
        id="we_bench",
        djstripe_owner_account=owner,
        livemode=False,
        secret=SECRET,
        djstripe_tolerance=300,
        djstripe_validation_method="verify_signature",
        url="http://127.0.0.1/",
        enabled_events=["*"],
        status="enabled",
    )
    return f"/stripe/webhook/{endpoint.djstripe_uuid}/"
