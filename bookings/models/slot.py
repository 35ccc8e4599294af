"""A time at which the merchant can serve events, and how many at once."""

from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q

from core.public_ids import PublicIdModel
from customers.models import Merchant


class Slot(PublicIdModel):
    """Capacity is taken under this row's lock, by counting (bookings/slots.py)."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="slots")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    capacity = models.PositiveSmallIntegerField(default=1, help_text="Events at once.")
    is_open = models.BooleanField(default=True)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "starts_at", "ends_at"], name="one_slot_per_time"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="slot_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        local = self.starts_at.astimezone(ZoneInfo(self.merchant.timezone))
        return f"{local:%a %d %b %Y, %H:%M}"
