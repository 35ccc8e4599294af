"""Money that a card promised for some days: what staff decided about it, kept before Stripe is asked."""

from django.db import models
from django.db.models import Q

from payments.models.payment import Payment


class Decision(models.TextChoices):
    CAPTURE = "capture", "Capture"
    VOID = "void", "Void"


class Authorization(models.Model):
    """One for each payment with manual capture that a card promised, or that staff decided about.

    `amount_minor` (principal) and `fee_minor` are what staff decided to capture; both empty while nobody did. A
    decision whose answer got lost is carried out by reconcile; Stripe lets an authorization be captured or released
    once, so sending it again can do no harm.
    """

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="authorization")
    capture_before = models.DateTimeField(
        null=True, blank=True, help_text="When the card's bank lets go of the money, as Stripe tells it."
    )
    decision = models.CharField(max_length=7, choices=Decision, blank=True)
    amount_minor = models.PositiveBigIntegerField(null=True, blank=True)
    fee_minor = models.PositiveBigIntegerField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="Part of the idempotency key.")
    decided_by = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=["", *Decision.values]), name="authorization_decision_known"
            ),
            models.CheckConstraint(
                condition=Q(amount_minor__isnull=True, fee_minor__isnull=True)
                | Q(amount_minor__gt=0, fee_minor__isnull=False),
                name="captured_amount_and_fee_go_together",
            ),
            models.CheckConstraint(
                condition=~Q(decision="capture") | Q(amount_minor__isnull=False),
                name="capture_names_its_amount",
            ),
            models.CheckConstraint(
                condition=Q(decision="") | Q(attempt__gt=0, decided_at__isnull=False),
                name="authorization_decision_is_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"Authorization of {self.payment_id}"

    @property
    def total_minor(self) -> int | None:
        """What staff decided to capture, fee included; None while nobody did."""
        return None if self.amount_minor is None else self.amount_minor + (self.fee_minor or 0)
