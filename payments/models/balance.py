"""What Stripe's balance did, as Stripe lists it; each row is posted to the ledger once."""

from django.db import models

from payments.models.gateway_account import GatewayAccount


class BalanceTransaction(models.Model):
    """Amounts are signed minor units: `net_minor` = `amount_minor` - `fee_minor` is the change of Stripe's balance.

    `posted_at` is empty until the ledger has it (payments/balance).
    """

    gateway_account = models.ForeignKey(
        GatewayAccount, on_delete=models.PROTECT, related_name="balance_transactions"
    )
    stripe_id = models.CharField(max_length=255)
    type = models.CharField(max_length=60)
    source_id = models.CharField(max_length=255, blank=True)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    fee_details = models.JSONField(default=list)
    stripe_created = models.DateTimeField()
    posted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway_account", "stripe_id"], name="one_row_per_balance_transaction"
            ),
            models.CheckConstraint(
                condition=models.Q(net_minor=models.F("amount_minor") - models.F("fee_minor")),
                name="net_is_amount_less_fee",
            ),
        ]
        indexes = [
            models.Index(
                fields=["gateway_account", "id"],
                name="balance_to_post",
                condition=models.Q(posted_at__isnull=True),
            ),
            models.Index(fields=["source_id"], name="balance_by_source"),
        ]

    def __str__(self) -> str:
        return self.stripe_id
