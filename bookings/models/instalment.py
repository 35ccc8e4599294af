"""One part of the price with the day it is due. Together a booking's instalments are its payment plan."""

from django.db import models
from django.db.models import Q

from bookings.models.booking import Booking


class Purpose(models.TextChoices):
    DEPOSIT = "deposit", "Deposit"
    BALANCE = "balance", "Balance"
    ADDON = "addon", "Add-ons"
    FULL = "full", "In full"


class Instalment(models.Model):
    """`amount_minor` sums to the booking's total. What is paid of it is derived from payments, under the lock.

    `paid_minor` is that derived figure, kept by the payments room in the same transaction as each payment and refund
    (principal placed here, less refunds that are on their way or done), so that lists need no sums. It exceeds
    `amount_minor` only while a refund that failed waits for staff. `forgiven_minor` is what nobody asks for any more
    (a few cents of cash, a rest that staff wrote off): it is not money, and never becomes any.
    """

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="instalments")
    position = models.PositiveSmallIntegerField()
    purpose = models.CharField(max_length=8, choices=Purpose)
    amount_minor = models.PositiveBigIntegerField()
    paid_minor = models.PositiveBigIntegerField(default=0)
    forgiven_minor = models.PositiveBigIntegerField(
        default=0, help_text="Of the amount, what is not asked for any more; the log of write-offs says why."
    )
    due_on = models.DateField(null=True, blank=True, help_text="Empty: due now.")
    deferred_to = models.DateField(
        null=True, blank=True, help_text="The later day that staff gave; it outlives a change of the booking."
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["booking", "position"], name="one_instalment_per_position"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="instalment_purpose_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} of {self.booking_id}"

    @property
    def covered_minor(self) -> int:
        """What is not asked for: paid or forgiven, in minor units."""
        return self.paid_minor + self.forgiven_minor

    @property
    def open_minor(self) -> int:
        """What is still to be paid of it, in minor units, never negative."""
        return max(0, self.amount_minor - self.covered_minor)
