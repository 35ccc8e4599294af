"""One receipt per charge."""

from django.db import models

from core import clock
from core.public_ids import PublicIdModel
from customers.models import Merchant
from payments.models.payment import Payment


class ReceiptCounter(models.Model):
    """The last number given per merchant; its row lock keeps numbers gapless."""

    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, related_name="receipt_counter")
    last_number = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.merchant}: {self.last_number}"


class Receipt(PublicIdModel):
    """Left by settlement in its own transaction; rendered and e-mailed afterwards, then stamped."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="receipts")
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="receipt")
    number = models.PositiveIntegerField()
    pdf = models.BinaryField(null=True, editable=False)
    rendered_at = models.DateTimeField(null=True, blank=True)
    emailed_at = models.DateTimeField(null=True, blank=True, help_text="When it was put into the outbox.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=clock.now, help_text="When it may be rendered next: later after a failure."
    )
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["merchant", "number"], name="one_receipt_per_number")]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="receipt_due", condition=models.Q(emailed_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"R-{self.number:06d}"
