"""Money that a merchant owes a customer and that waits to be used: a lot for each time it came."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from bookings.models import Booking
from core.public_ids import PublicIdModel
from customers.models import Customer, Merchant
from payments.models.payment import Payment
from payments.models.refund import Refund


class CreditSource(models.TextChoices):
    SURPLUS = "surplus", "Paid too much or twice"
    PRICE_FALL = "price_fall", "The price fell below what was paid"
    PLACED = "placed", "Money without a booking, kept for the customer"
    REFUND = "refund", "A refund taken as credit"
    GRANT = "grant", "Given by staff"


class CreditUseKind(models.TextChoices):
    SPENT = "spent", "Spent on a booking"
    REFUNDED = "refunded", "Paid out"
    EXPIRED = "expired", "Expired"
    REVERSED = "reversed", "Its money was taken back"


class Credit(PublicIdModel):
    """One lot. `remaining_minor` is `amount_minor` less its uses, kept in the same transaction as each use.

    The lots' remainders of a merchant and currency sum to what the ledger holds on customer_credit.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="credits")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="credits")
    source = models.CharField(max_length=10, choices=CreditSource)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    remaining_minor = models.PositiveBigIntegerField()
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credits",
        help_text="The payment whose money this is; empty when staff gave it.",
    )
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="credits"
    )
    reason = models.CharField(max_length=300, blank=True)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    request_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="The form's own: sending it twice gives it once."
    )
    expires_on = models.DateField(
        null=True, blank=True, help_text="The last day it can be used; only what staff gave ever expires."
    )

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["merchant", "customer"], name="credit_to_use", condition=Q(remaining_minor__gt=0)
            ),
            models.Index(
                fields=["expires_on"],
                name="credit_to_expire",
                condition=Q(remaining_minor__gt=0, expires_on__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=CreditSource.values), name="credit_source_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="credit_is_something"),
            models.CheckConstraint(
                condition=Q(remaining_minor__lte=F("amount_minor")), name="credit_left_within_amount"
            ),
            models.CheckConstraint(
                condition=Q(source="grant") | Q(expires_on__isnull=True), name="only_given_credit_expires"
            ),
            models.UniqueConstraint(
                fields=["merchant", "request_key"],
                condition=~Q(request_key=""),
                name="one_credit_per_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {str(self.public_id)[:8]}"


class CreditUse(models.Model):
    """What was taken out of a lot; negative when it came back (a refund that failed). Append-only."""

    credit = models.ForeignKey(Credit, on_delete=models.PROTECT, related_name="uses")
    kind = models.CharField(max_length=8, choices=CreditUseKind)
    amount_minor = models.BigIntegerField()
    payment = models.ForeignKey(
        Payment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credit_uses",
        help_text="The payment by credit that it was spent on.",
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="credit_uses"
    )
    actor = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CreditUseKind.values), name="credit_use_kind_known"),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="credit_use_moves_something"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor}"
