"""Cards that customers let us keep at Stripe, how each was saved, and each time staff charged one."""

from datetime import date

from django.db import models
from django.db.models import Q

from core.public_ids import PublicIdModel
from customers.models import Customer, Merchant
from payments.models.gateway_account import GatewayCustomer
from payments.models.payment import Payment


class SetupState(models.TextChoices):
    OPEN = "open", "Waiting for the customer"
    SUCCEEDED = "succeeded", "Saved"
    CANCELED = "canceled", "Canceled"


class CardSetup(PublicIdModel):
    """One try to save a card: a SetupIntent. `consent` is what the customer read and agreed to by saving."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="card_setups")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="card_setups")
    state = models.CharField(max_length=9, choices=SetupState, default=SetupState.OPEN)
    consent = models.TextField()
    attempt = models.PositiveSmallIntegerField(default=1, help_text="Part of the idempotency key.")
    stripe_setup_intent_id = models.CharField(max_length=255, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=80, blank=True, help_text="Stripe's code of the last refusal.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=SetupState.values), name="card_setup_state_known"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(state="open"), name="one_open_card_setup_per_customer"
            ),
            models.UniqueConstraint(
                fields=["merchant", "stripe_setup_intent_id"],
                condition=~Q(stripe_setup_intent_id=""),
                name="one_card_setup_per_setup_intent",
            ),
        ]

    def __str__(self) -> str:
        return f"Card setup {str(self.public_id)[:8]}"


class SavedCard(PublicIdModel):
    """A card at Stripe (pm_…) of one of our customers. Number and code never reach us.

    Without `setup` the card came another way (Stripe's dashboard or portal): nobody consented here, so staff cannot
    charge it. `detached_at` is final: Stripe never attaches the same card object again.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="saved_cards")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="saved_cards")
    gateway_customer = models.ForeignKey(
        GatewayCustomer, on_delete=models.SET_NULL, null=True, blank=True, related_name="cards"
    )
    setup = models.ForeignKey(
        CardSetup, on_delete=models.PROTECT, null=True, blank=True, related_name="cards"
    )
    stripe_payment_method_id = models.CharField(max_length=255)
    brand = models.CharField(max_length=30, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    exp_month = models.PositiveSmallIntegerField(null=True, blank=True)
    exp_year = models.PositiveSmallIntegerField(null=True, blank=True)
    is_default = models.BooleanField(default=False)
    news_at = models.DateTimeField(null=True, blank=True, help_text="How old Stripe's last word is.")
    detached_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-is_default", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "stripe_payment_method_id"], name="one_saved_card_per_payment_method"
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_default=True), name="one_default_card_per_customer"
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(detached_at__isnull=True), name="default_card_is_there"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand.title()} {self.last4}".strip() or "Card"

    @property
    def expiry(self) -> str:
        """ "04/29", or empty while Stripe has not told."""
        return f"{self.exp_month:02}/{(self.exp_year or 0) % 100:02}" if self.exp_month else ""

    def has_expired(self, *, on: date) -> bool:
        """Whether its last month is over; a bank may have renewed it all the same, so this only warns."""
        return bool(self.exp_month) and ((self.exp_year or 0), self.exp_month) < (on.year, on.month)

    @property
    def is_chargeable(self) -> bool:
        """Whether staff may charge it: Stripe has it, and its customer consented here."""
        return self.detached_at is None and self.gateway_customer_id is not None and self.setup_id is not None


class ChargeOutcome(models.TextChoices):
    UNKNOWN = "unknown", "Not known yet"
    SUCCEEDED = "succeeded", "Paid"
    DECLINED = "declined", "Declined"
    NEEDS_CUSTOMER = "needs_customer", "The bank wants the customer"
    PROCESSING = "processing", "Being worked on"
    NOT_MADE = "not_made", "Stripe never did it"


class CardCharge(models.Model):
    """One time that staff charged a saved card for a payment; written before Stripe is asked, its key from `number`."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="card_charges")
    card = models.ForeignKey(SavedCard, on_delete=models.PROTECT, related_name="charges")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=14, choices=ChargeOutcome, default=ChargeOutcome.UNKNOWN)
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["payment", "number"], name="one_card_charge_per_number"),
            models.CheckConstraint(
                condition=Q(outcome__in=ChargeOutcome.values), name="card_charge_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Charge {self.number} of payment {self.payment_id}"
