"""What the platform takes per merchant beside its tier: dated overrides."""

from django.db import models
from django.db.models import F, Q

from customers.models.merchant import Merchant, rate_field


class PlatformFeeOverride(models.Model):
    """Replaces the tier's rate and fixed part for payments received from `valid_from` to `valid_to` (inclusive)."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="platform_fee_overrides")
    rate = rate_field("0", "Share of the amount received (0.015 is 1.5 %).")
    fixed_minor = models.PositiveBigIntegerField(default=0, help_text="Per payment, in minor units.")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-valid_from", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="platform_fee_override_ends_after_it_starts",
            )
        ]

    def __str__(self) -> str:
        return f"{self.merchant}: {self.rate * 100:f} % from {self.valid_from}"
