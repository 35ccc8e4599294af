"""A booking that was cancelled, with what was decided of its money; and the cancelling of a whole day."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from bookings.models import Booking
from core.public_ids import PublicIdModel
from customers.models import Merchant


class RefundTerms(models.TextChoices):
    POLICY = "policy", "As the policy says"
    FULL = "full", "In full"


class BulkState(models.TextChoices):
    REQUESTED = "requested", "Waiting for approval"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    DECLINED = "declined", "Declined"


class BulkCancellation(PublicIdModel):
    """All bookings of one day cancelled (storm, illness): approved once, as a whole; each booking is on its own."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="bulk_cancellations")
    day = models.DateField(help_text="In the merchant's zone.")
    terms = models.CharField(max_length=6, choices=RefundTerms)
    reason = models.CharField(max_length=300)
    state = models.CharField(max_length=9, choices=BulkState, default=BulkState.REQUESTED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    refund_minor = models.PositiveBigIntegerField(help_text="What goes back in all, as it was previewed.")
    request_key = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=BulkState.values), name="bulk_state_known"),
            models.CheckConstraint(condition=Q(terms__in=RefundTerms.values), name="bulk_terms_known"),
            models.UniqueConstraint(
                fields=["merchant", "request_key"], condition=~Q(request_key=""), name="one_bulk_per_request"
            ),
        ]

    def __str__(self) -> str:
        return f"Cancellation of {self.day}"


class BulkItemState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    DONE = "done", "Cancelled"
    SKIPPED = "skipped", "Nothing to do"
    FAILED = "failed", "Failed"


class BulkCancellationItem(models.Model):
    """One booking of it. `refund_minor` is what was previewed; `why` tells a failure or what was skipped."""

    bulk = models.ForeignKey(BulkCancellation, on_delete=models.PROTECT, related_name="items")
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=7, choices=BulkItemState, default=BulkItemState.WAITING)
    refund_minor = models.PositiveBigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["bulk", "id"], name="bulk_waiting", condition=Q(state="waiting"))]
        constraints = [
            models.UniqueConstraint(fields=["bulk", "booking"], name="one_bulk_item_per_booking"),
            models.CheckConstraint(condition=Q(state__in=BulkItemState.values), name="bulk_item_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} in {self.bulk_id}"


class Cancellation(PublicIdModel):
    """What was decided when a booking was cancelled, in minor units of principal: paid = refund + kept.

    Of what is kept `kept_tax_minor` is tax. `percent` is the share of principal returned: the bracket's of the frozen
    policy, or, `overruled`, what staff gave.
    """

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="cancellations")
    bulk = models.ForeignKey(
        BulkCancellation, on_delete=models.PROTECT, null=True, blank=True, related_name="cancellations"
    )
    actor = models.CharField(max_length=120)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300, blank=True)
    notice_days = models.IntegerField()
    percent = models.PositiveSmallIntegerField()
    overruled = models.BooleanField(default=False)
    paid_minor = models.PositiveBigIntegerField()
    refund_minor = models.PositiveBigIntegerField()
    kept_minor = models.PositiveBigIntegerField()
    kept_tax_minor = models.PositiveBigIntegerField(default=0, help_text="The tax within what is kept.")
    reinstated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(percent__lte=100), name="cancellation_percent_at_most_all"),
            models.CheckConstraint(
                condition=Q(paid_minor=F("refund_minor") + F("kept_minor")),
                name="cancellation_splits_what_was_paid",
            ),
            models.CheckConstraint(
                condition=Q(kept_tax_minor__lte=F("kept_minor")),
                name="cancellation_tax_is_within_what_is_kept",
            ),
            models.UniqueConstraint(
                fields=["booking"],
                condition=Q(reinstated_at__isnull=True),
                name="one_cancellation_in_force_per_booking",
            ),
        ]

    def __str__(self) -> str:
        return f"Cancellation of {self.booking_id}"
