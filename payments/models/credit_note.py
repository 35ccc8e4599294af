"""A credit note: the price of a booking fell by a refund, and by how much, with the tax within."""

from django.db import models
from django.db.models import F, Q

from bookings.models import Booking
from customers.models import Merchant
from payments.models.document import Document, DocumentCounter
from payments.models.refund import Refund


class CreditNoteCounter(DocumentCounter):
    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, related_name="credit_note_counter")


class CreditNote(Document):
    """What fell is frozen: `amount_minor` = `net_minor` + `tax_minor`, `taxes` what of the tax is each rate's.

    `taxes` is a list of {"name": "Sales tax 8.75 %", "tax_minor": 402}; `price_minor` is the booking's price after it.
    """

    PREFIX = "C"

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="credit_notes")
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="credit_notes")
    refund = models.OneToOneField(Refund, on_delete=models.PROTECT, related_name="credit_note")
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    net_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    taxes = models.JSONField(default=list)
    price_minor = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=500)

    class Meta(Document.Meta):
        constraints = [
            models.UniqueConstraint(fields=["merchant", "number"], name="one_credit_note_per_number"),
            models.CheckConstraint(
                condition=Q(amount_minor=F("net_minor") + F("tax_minor"), amount_minor__gt=0),
                name="credit_note_is_net_and_tax",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="credit_note_due", condition=Q(emailed_at__isnull=True)
            )
        ]
