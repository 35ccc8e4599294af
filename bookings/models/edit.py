"""What was changed of a booking after it was made. Append-only."""

from django.db import models

from bookings.models.booking import Booking


class BookingEdit(models.Model):
    """`before` and `after` hold guests, menu, add-ons, time, lines, plan and total (minor units), as JSON."""

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="edits")
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=300, blank=True)
    before = models.JSONField()
    after = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Edit of {self.booking_id} by {self.actor}"
