"""The platform's own fee on money a merchant receives: tiers, and dated overrides."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from core.money import at_rate
from customers.models import FeeTier, Merchant


@dataclass(frozen=True)
class PlatformFee:
    """`rate` of the amount received plus `fixed_minor` per payment."""

    rate: Decimal
    fixed_minor: int

    def of(self, received_minor: int) -> int:
        """The fee in minor units, half up, never more than what was received."""
        return min(received_minor, at_rate(received_minor, rate=self.rate) + self.fixed_minor)


TIERS = {
    FeeTier.STARTER: PlatformFee(Decimal("0.030"), 0),
    FeeTier.PROFESSIONAL: PlatformFee(Decimal("0.015"), 0),
    FeeTier.ENTERPRISE: PlatformFee(Decimal("0.005"), 0),
}


def in_force(merchant: Merchant, *, on: date) -> PlatformFee:
    """The fee on `on`: the newest override that covers the day, else the merchant's tier."""
    override = (
        merchant.platform_fee_overrides.filter(valid_from__lte=on)
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gte=on))
        .first()
    )
    if override is not None:
        return PlatformFee(override.rate, override.fixed_minor)
    return TIERS[FeeTier(merchant.fee_tier)]
