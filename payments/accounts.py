"""Opening a merchant's account at the gateway: where its keys will lie and where Stripe may post its events.

Called by the commands that set an installation up; it may run again. The default merchant uses the installation's own
keys from the settings, others enter theirs before they can take cards.
"""

from django.db import transaction

from customers.models import Merchant
from payments.models import GatewayAccount, WebhookEndpoint


@transaction.atomic
def open_for(merchant: Merchant) -> GatewayAccount:
    """The merchant's gateway account with one webhook endpoint; made when missing, else left as it is.

    The default merchant's endpoint answers at /api/stripe/webhook, others' at /api/stripe/webhook/<merchant>.
    """
    account, _created = GatewayAccount.objects.get_or_create(merchant=merchant)
    if not account.endpoints.exists():
        has_default = WebhookEndpoint.objects.filter(is_default=True).exists()
        WebhookEndpoint.objects.create(
            gateway_account=account, is_default=merchant.is_default and not has_default
        )
    return account
