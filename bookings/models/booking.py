"""A private event that a customer books: what was agreed, where it stands."""

from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q
from phonenumber_field.modelfields import PhoneNumberField

from bookings.models.catalogue import AddOn, Menu
from bookings.models.slot import Slot
from core.public_ids import PublicIdModel
from core.states import StateChange, StatefulModel
from customers.models import Customer, Merchant


class BookingState(models.TextChoices):
    DRAFT = "draft", "Draft"
    QUOTED = "quoted", "Quoted"
    HELD = "held", "Held"
    CONFIRMED = "confirmed", "Confirmed"
    COMPLETED = "completed", "Completed"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"


S = BookingState
TAKES_CAPACITY = (S.HELD, S.CONFIRMED, S.COMPLETED)


class Booking(StatefulModel, PublicIdModel):
    """Totals and lines are a snapshot of the price agreed to; `plan` sums to `total_minor`.

    All `_minor` amounts are in minor units of `currency`. `code` is the payment reference, not a secret.
    """

    ALLOWED = {
        S.DRAFT: frozenset({S.QUOTED, S.HELD, S.EXPIRED, S.CANCELLED}),
        S.QUOTED: frozenset({S.HELD, S.EXPIRED, S.CANCELLED}),
        S.HELD: frozenset({S.CONFIRMED, S.EXPIRED, S.CANCELLED}),
        S.EXPIRED: frozenset({S.HELD, S.CONFIRMED}),
        S.CONFIRMED: frozenset({S.COMPLETED, S.CANCELLED}),
        S.CANCELLED: frozenset({S.CONFIRMED}),
        S.COMPLETED: frozenset({S.CONFIRMED}),
    }
    STALE: ClassVar[dict[str, frozenset[str]]] = {}

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="bookings")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="bookings")
    code = models.CharField(max_length=8, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=BookingState, default=BookingState.DRAFT)
    request_token = models.UUIDField(
        null=True, unique=True, editable=False, help_text="The form's own: sending it twice books once."
    )

    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="bookings")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    timezone = models.CharField(max_length=64)
    adults = models.PositiveSmallIntegerField()
    children = models.PositiveSmallIntegerField(default=0)
    menu = models.ForeignKey(Menu, on_delete=models.PROTECT, related_name="bookings")
    street = models.CharField(max_length=160)
    city = models.CharField(max_length=80)
    region = models.CharField(max_length=40, blank=True)
    postal_code = models.CharField(max_length=12)
    contact_name = models.CharField(max_length=120)
    contact_email = models.EmailField()
    contact_phone = PhoneNumberField(blank=True)
    customer_notes = models.TextField(blank=True)
    staff_notes = models.TextField(blank=True)

    currency = models.CharField(max_length=3)
    total_minor = models.PositiveBigIntegerField(default=0, help_text="Price with tax, without method fees.")
    tax_minor = models.PositiveBigIntegerField(default=0)
    agreement = models.JSONField(
        default=dict,
        help_text="Frozen at booking: tax rates, method fee rates, cancellation policy, deposit rule, terms version.",
    )
    terms_version = models.CharField(max_length=20, blank=True)
    terms_accepted_at = models.DateTimeField(null=True, blank=True)

    link_version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Raised to withdraw every link to this booking."
    )

    hold_expires_at = models.DateTimeField(null=True, blank=True)
    hold_extensions = models.PositiveSmallIntegerField(default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="booking_merchant_newest"),
            models.Index(fields=["merchant", "starts_at"], name="booking_merchant_event"),
            models.Index(fields=["slot"], name="booking_slot_taken", condition=Q(state__in=TAKES_CAPACITY)),
            models.Index(fields=["hold_expires_at"], name="booking_hold_expiry", condition=Q(state="held")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=BookingState.values), name="booking_state_known"),
            models.CheckConstraint(
                condition=~Q(state="held") | Q(hold_expires_at__isnull=False), name="held_booking_has_an_end"
            ),
            models.CheckConstraint(
                condition=Q(tax_minor__lte=models.F("total_minor")), name="tax_within_total"
            ),
            models.CheckConstraint(condition=Q(adults__gt=0) | Q(children__gt=0), name="booking_has_guests"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def guests(self) -> int:
        return self.adults + self.children

    @property
    def event_date(self) -> date:
        """The calendar day of the event where it takes place."""
        return self.local(self.starts_at).date()

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.timezone))


class BookingAddOn(models.Model):
    """Which add-ons were chosen; `quantity` counts units and is 1 unless the add-on is priced per unit."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="add_ons")
    add_on = models.ForeignKey(AddOn, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["booking", "add_on"], name="one_row_per_add_on")]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.add_on}"


class BookingStateChange(StateChange):
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="changes")
