"""A merchant's account at Stripe: keys, webhook endpoints, customers there, and how far its balance was read."""

from django.conf import settings
from django.db import models

from core.fields import EncryptedTextField
from core.public_ids import PublicIdModel
from customers.models import Customer, Merchant


class GatewayAccount(PublicIdModel):
    """Empty keys mean the installation's own, from the settings; only the default merchant may leave them empty."""

    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, related_name="gateway_account")
    stripe_account_id = models.CharField(max_length=64, blank=True, help_text="acct_…, as Stripe tells it.")
    publishable_key = models.CharField(max_length=255, blank=True)
    secret_key = EncryptedTextField(blank=True, default="")
    foreign_account_id = models.CharField(
        max_length=64,
        blank=True,
        help_text="The other account that the key in use belongs to: nothing is asked of Stripe until that is mended.",
    )
    allows_authorization = models.BooleanField(
        default=False,
        help_text="Customers' frontends may authorize a card (POST payments/authorize) and leave the capture to staff; "
        "staff always may.",
    )

    def __str__(self) -> str:
        return f"Stripe of {self.merchant}"

    @property
    def livemode(self) -> bool:
        """Whether the key in use moves real money; Stripe's keys say so themselves."""
        return "_live_" in (self.secret_key or settings.STRIPE_SECRET_KEY)


class WebhookEndpoint(PublicIdModel):
    """Where Stripe posts events. `secrets` holds one signing secret per line, newest first (several while rotating);

    empty means the settings' STRIPE_WEBHOOK_SECRETS.
    """

    gateway_account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="endpoints")
    is_default = models.BooleanField(default=False, help_text="Answers at /api/stripe/webhook.")
    secrets = EncryptedTextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_webhook_endpoint",
            )
        ]

    def __str__(self) -> str:
        return f"Endpoint of {self.gateway_account.merchant}"


class GatewayCustomer(models.Model):
    """Our customer's object at Stripe (cus_…), one per gateway account."""

    gateway_account = models.ForeignKey(GatewayAccount, on_delete=models.PROTECT, related_name="customers")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="gateway_customers")
    stripe_customer_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway_account", "customer"], name="one_gateway_customer_each"),
            models.UniqueConstraint(
                fields=["gateway_account", "stripe_customer_id"], name="one_row_per_gateway_customer"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_customer_id


class BalanceCursor(models.Model):
    """How far the account's balance transactions were read; each is posted once by its own source key anyway."""

    gateway_account = models.OneToOneField(
        GatewayAccount, on_delete=models.PROTECT, related_name="balance_cursor"
    )
    last_id = models.CharField(max_length=64, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.gateway_account}: {self.last_id or 'nothing read'}"
