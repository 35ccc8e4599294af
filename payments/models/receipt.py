"""One receipt per charge."""

from django.db import models

from customers.models import Merchant
from payments.models.document import Document, DocumentCounter
from payments.models.payment import Payment


class ReceiptCounter(DocumentCounter):
    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, related_name="receipt_counter")


class Receipt(Document):
    """Left by settlement in its own transaction."""

    PREFIX = "R"

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="receipts")
    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="receipt")

    class Meta(Document.Meta):
        constraints = [models.UniqueConstraint(fields=["merchant", "number"], name="one_receipt_per_number")]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="receipt_due", condition=models.Q(emailed_at__isnull=True)
            )
        ]
