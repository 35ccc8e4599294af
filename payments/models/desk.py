"""Money that does not fit, waiting for a person."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bookings.models import Booking
from core.public_ids import PublicIdModel
from customers.models import Merchant
from payments.models.payment import Payment


class DeskKind(models.TextChoices):
    LATE_MONEY = "late_money", "Paid after the booking ended"
    NO_CAPACITY = "no_capacity", "Paid, but the time is taken"
    SURPLUS = "surplus", "Paid twice or too much"
    AMOUNT_MISMATCH = "amount_mismatch", "Another amount than ours"
    FOREIGN_MONEY = "foreign_money", "Money without a booking"
    REFUND_FAILED = "refund_failed", "A refund failed"
    HOLD_WITH_MONEY = "hold_with_money", "The hold ended with money on it"
    BALANCE_MOVED = "balance_moved", "Stripe's balance moved for another reason"
    MODE_MISMATCH = "mode_mismatch", "Events of another mode or account"
    MONEY_REVERSED = "money_reversed", "A payment turned out not to be one"
    OVERDUE = "overdue", "A payment is overdue"
    BALANCE_STUCK = "balance_stuck", "A movement of Stripe's balance that cannot be booked"


class DeskItem(PublicIdModel):
    """`key` makes raising it twice harmless. `evidence` holds ids and amounts, no personal data."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="desk_items")
    kind = models.CharField(max_length=16, choices=DeskKind)
    key = models.CharField(max_length=255)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="desk_items"
    )
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="desk_items"
    )
    summary = models.CharField(max_length=300)
    evidence = models.JSONField(default=dict)
    closed_at = models.DateTimeField(null=True, blank=True)
    action = models.CharField(max_length=12, blank=True, help_text="Which of its actions closed it.")
    resolution = models.CharField(max_length=500, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["closed_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "key"], name="one_desk_item_per_key"),
            models.CheckConstraint(condition=Q(kind__in=DeskKind.values), name="desk_kind_known"),
        ]
        indexes = [
            models.Index(fields=["merchant", "id"], name="desk_open", condition=Q(closed_at__isnull=True))
        ]

    def __str__(self) -> str:
        return self.summary
