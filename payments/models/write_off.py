"""What is not asked for any more: the few cents that cash was short of, and rests that staff wrote off."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from bookings.models import Booking, Instalment
from core.public_ids import PublicIdModel
from payments.models.payment import Payment


class WriteOffKind(models.TextChoices):
    ROUNDING = "rounding", "Cash was a few cents short"
    STAFF = "staff", "Written off by staff"
    TAKEN_BACK = "taken_back", "Asked for again"


class WriteOff(PublicIdModel):
    """One change of an instalment's `forgiven_minor`, which is the sum of these; negative when it is asked for again.

    Append-only. `payment` is the cash payment that was short; `by` is who wrote it off.
    """

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="write_offs")
    instalment = models.ForeignKey(Instalment, on_delete=models.PROTECT, related_name="write_offs")
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="write_offs"
    )
    kind = models.CharField(max_length=10, choices=WriteOffKind)
    amount_minor = models.BigIntegerField()
    reason = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=120)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    request_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="The form's own: sending it twice does it once."
    )

    class Meta:
        ordering = ["id"]
        permissions = [("write_off", "Can write off what is still open of a booking")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=WriteOffKind.values), name="write_off_kind_known"),
            models.CheckConstraint(
                condition=Q(kind="taken_back", amount_minor__lt=0)
                | (~Q(kind="taken_back") & Q(amount_minor__gt=0)),
                name="write_off_goes_one_way",
            ),
            models.CheckConstraint(
                condition=~Q(kind="staff") | Q(by__isnull=False, reason__gt=""),
                name="written_off_by_somebody_who_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.amount_minor}"
