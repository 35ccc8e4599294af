"""One PaymentIntent, Checkout Session or claim: money that should come, or came. Never deleted."""

from django.db import models
from django.db.models import F, Q

from bookings.models import Booking, Instalment, Purpose
from core.public_ids import PublicIdModel
from core.states import StateChange, StatefulModel
from customers.models import Customer, Merchant, PaymentMethod
from customers.models.merchant import rate_field


class PaymentState(models.TextChoices):
    CREATED = "created", "Created"
    UNKNOWN = "unknown", "Unknown, being asked for"
    PENDING = "pending", "Waiting for the customer"
    REQUIRES_ACTION = "requires_action", "Waiting for the customer's bank"
    PROCESSING = "processing", "Processing"
    AUTHORIZED = "authorized", "Authorized"
    CLAIMED = "claimed", "Said to be sent"
    SUCCEEDED = "succeeded", "Paid"
    REJECTED = "rejected", "Rejected"
    CANCELED = "canceled", "Canceled"
    EXPIRED = "expired", "Expired"
    FAILED = "failed", "Failed"
    REVERSED = "reversed", "Reversed"


class Capture(models.TextChoices):
    AUTOMATIC = "automatic", "Automatic"
    MANUAL = "manual", "Manual"


class CheckoutMode(models.TextChoices):
    """How a card is taken: the Payment Element on our page, or Stripe's hosted Checkout."""

    ELEMENT = "element", "Payment Element"
    HOSTED = "hosted", "Stripe Checkout"


S = PaymentState
WAITING = frozenset({S.PENDING, S.REQUIRES_ACTION, S.PROCESSING})
OPEN_STATES = frozenset({S.CREATED, S.UNKNOWN, S.AUTHORIZED}) | WAITING
MANUAL_OPEN_STATES = frozenset({S.CREATED, S.CLAIMED})  # Zelle or Venmo: told how to pay, said to be sent.
# The customer has done their part, or is doing it.
ON_ITS_WAY = frozenset({S.CLAIMED, S.PROCESSING, S.AUTHORIZED})
CARD_STATES = WAITING | {S.AUTHORIZED, S.SUCCEEDED, S.CANCELED, S.EXPIRED, S.FAILED}


class Payment(StatefulModel, PublicIdModel):
    """`amount_minor` is the principal asked for, `fee_minor` the method fee, `total_minor` their sum.

    `received_minor` is what really came (0 until it succeeded). `placed_minor` of principal went to the instalment,
    `credit_minor` to the customer's credit, `unallocated_minor` to nobody's yet and `kept_minor` to the merchant; with
    `received_fee_minor` they sum to it. `refunded_minor` and `refunding_minor` (totals: requested or under way) never
    exceed it together.
    """

    ALLOWED = {
        S.CREATED: CARD_STATES | {S.UNKNOWN, S.CLAIMED},
        S.UNKNOWN: CARD_STATES,
        S.PENDING: (WAITING - {S.PENDING}) | {S.AUTHORIZED, S.SUCCEEDED, S.CANCELED, S.EXPIRED, S.FAILED},
        S.REQUIRES_ACTION: (WAITING - {S.REQUIRES_ACTION})
        | {S.AUTHORIZED, S.SUCCEEDED, S.CANCELED, S.EXPIRED, S.FAILED},
        S.PROCESSING: (WAITING - {S.PROCESSING})
        | {S.AUTHORIZED, S.SUCCEEDED, S.CANCELED, S.EXPIRED, S.FAILED},
        S.AUTHORIZED: frozenset({S.SUCCEEDED, S.CANCELED, S.EXPIRED}),
        S.CLAIMED: frozenset({S.SUCCEEDED, S.REJECTED, S.EXPIRED, S.CANCELED}),
        S.FAILED: frozenset({S.SUCCEEDED}),
        S.REJECTED: frozenset({S.CLAIMED, S.SUCCEEDED}),
        S.CANCELED: frozenset({S.SUCCEEDED, S.CLAIMED}),
        S.EXPIRED: frozenset({S.SUCCEEDED, S.CLAIMED}),
        S.SUCCEEDED: frozenset({S.REVERSED}),
        S.REVERSED: frozenset(),
    }
    # Late news about something that went further already: changes nothing.
    STALE = {
        S.AUTHORIZED: WAITING | {S.UNKNOWN, S.FAILED},
        S.SUCCEEDED: OPEN_STATES | {S.CANCELED, S.EXPIRED, S.FAILED},
        S.CANCELED: OPEN_STATES | {S.EXPIRED, S.FAILED},
        S.EXPIRED: OPEN_STATES | {S.CANCELED, S.FAILED},
        S.FAILED: OPEN_STATES | {S.CANCELED, S.EXPIRED},
        S.PENDING: frozenset({S.UNKNOWN, S.CREATED}),
        S.REQUIRES_ACTION: frozenset({S.UNKNOWN, S.CREATED}),
        S.PROCESSING: frozenset({S.UNKNOWN, S.CREATED}),
        S.REVERSED: OPEN_STATES | {S.SUCCEEDED, S.CANCELED, S.EXPIRED, S.FAILED},
    }

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payments")
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="payments"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="payments"
    )
    instalment = models.ForeignKey(
        Instalment, on_delete=models.PROTECT, null=True, blank=True, related_name="payments"
    )
    transfer = models.ForeignKey(
        "payments.Transfer",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments",
        help_text="The money outside Stripe that this payment is, or is a part of.",
    )
    method = models.CharField(max_length=6, choices=PaymentMethod)
    purpose = models.CharField(max_length=8, choices=Purpose, blank=True)
    capture = models.CharField(max_length=9, choices=Capture, default=Capture.AUTOMATIC)
    mode = models.CharField(max_length=7, choices=CheckoutMode, blank=True)
    state = models.CharField(max_length=15, choices=PaymentState, default=PaymentState.CREATED)

    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    fee_minor = models.PositiveBigIntegerField(default=0)
    total_minor = models.PositiveBigIntegerField()
    fee_rate = rate_field("0", "The method fee's rate when the payment was started.")
    agreement = models.JSONField(
        default=dict, help_text="What the customer agreed to: lines, tax, fees, policy, terms."
    )

    received_minor = models.PositiveBigIntegerField(default=0)
    received_fee_minor = models.PositiveBigIntegerField(default=0)
    placed_minor = models.PositiveBigIntegerField(default=0)
    credit_minor = models.PositiveBigIntegerField(default=0)
    unallocated_minor = models.PositiveBigIntegerField(default=0)
    kept_minor = models.PositiveBigIntegerField(
        default=0, help_text="Money without a booking that nobody asked for again: the merchant's income."
    )
    refunded_minor = models.PositiveBigIntegerField(default=0)
    refunding_minor = models.PositiveBigIntegerField(default=0)

    platform_fee_minor = models.PositiveBigIntegerField(null=True, blank=True)
    gateway_fee_minor = models.BigIntegerField(
        null=True, blank=True, help_text="Empty until the balance transaction tells the real one."
    )

    attempt = models.PositiveSmallIntegerField(
        default=1, help_text="Part of the idempotency key; grows after a proven absence."
    )
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True)
    stripe_checkout_session_id = models.CharField(max_length=255, blank=True)
    stripe_charge_id = models.CharField(max_length=255, blank=True)
    checkout_expires_at = models.DateTimeField(null=True, blank=True)
    card_brand = models.CharField(max_length=30, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    news_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="How old Stripe's last word on a waiting payment is: older words are dropped.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("refund", "Can refund payments"),
            ("capture", "Can authorize cards, capture and void"),
            ("charge_card", "Can charge saved cards"),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="payment_merchant_newest"),
            models.Index(fields=["booking", "id"], name="payment_of_booking"),
            models.Index(
                fields=["updated_at"], name="payment_to_ask_for", condition=Q(state__in=sorted(OPEN_STATES))
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payment_state_known"),
            models.CheckConstraint(condition=Q(method__in=PaymentMethod.values), name="payment_method_known"),
            models.CheckConstraint(
                condition=Q(total_minor=F("amount_minor") + F("fee_minor")),
                name="payment_total_is_amount_and_fee",
            ),
            models.CheckConstraint(
                condition=Q(
                    received_minor=F("received_fee_minor")
                    + F("placed_minor")
                    + F("credit_minor")
                    + F("unallocated_minor")
                    + F("kept_minor")
                ),
                name="received_money_is_somewhere",
            ),
            models.CheckConstraint(
                condition=Q(received_minor__gte=F("refunded_minor") + F("refunding_minor")),
                name="refunds_within_what_was_captured",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["succeeded", "reversed"]) | Q(received_minor=0),
                name="only_settled_payments_received_money",
            ),
            models.UniqueConstraint(
                fields=["merchant", "stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="one_payment_per_intent",
            ),
            models.UniqueConstraint(
                fields=["merchant", "stripe_checkout_session_id"],
                condition=~Q(stripe_checkout_session_id=""),
                name="one_payment_per_checkout_session",
            ),
            models.UniqueConstraint(
                fields=["merchant", "stripe_charge_id"],
                condition=~Q(stripe_charge_id=""),
                name="one_payment_per_charge",
            ),
            models.UniqueConstraint(
                fields=["instalment"],
                condition=Q(method="card", state__in=sorted(OPEN_STATES)),
                name="one_open_card_payment_per_instalment",
            ),
            models.UniqueConstraint(
                fields=["instalment", "method"],
                condition=Q(method__in=["zelle", "venmo"], state__in=sorted(MANUAL_OPEN_STATES)),
                name="one_open_manual_payment_per_instalment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} payment {str(self.public_id)[:8]}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_part_of_whole(self) -> bool:
        """Meant to pay all that is open, and came short of it."""
        return self.purpose == Purpose.FULL and self.received_minor < self.total_minor

    @property
    def purpose_words(self) -> str:
        """What it was for, on papers and pages: "Deposit"."""
        if self.is_part_of_whole:
            return "Part payment"
        full = Purpose.FULL
        return "Payment in full" if self.purpose in ("", full) else str(self.get_purpose_display())

    @property
    def fee_words(self) -> str:
        """What its method's fee is called: "Card processing", "Venmo fee"."""
        is_card = self.method == PaymentMethod.CARD
        return "Card processing" if is_card else f"{self.get_method_display()} fee"

    @property
    def refundable_minor(self) -> int:
        """What may still be sent back, fee included: received, less refunded, less what is requested or under way."""
        return self.received_minor - self.refunded_minor - self.refunding_minor


class PaymentStateChange(StateChange):
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="changes")


class PaymentAttempt(models.Model):
    """A card that was declined, or a request that Stripe refused. The payment stays open for another try."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="attempts")
    source = models.CharField(max_length=255, help_text="Stripe's charge or event id: one row each.")
    code = models.CharField(max_length=80, blank=True)
    decline_code = models.CharField(max_length=80, blank=True)
    message = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["payment", "source"], name="one_attempt_per_source")]

    def __str__(self) -> str:
        return self.decline_code or self.code
