"""Money on its way back to the customer."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.public_ids import PublicIdModel
from core.states import StateChange, StatefulModel
from payments.models.cancellation import Cancellation
from payments.models.payment import Payment


class RefundState(models.TextChoices):
    REQUESTED = "requested", "Requested"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    SUBMITTED = "submitted", "Sent to Stripe"
    UNKNOWN = "unknown", "Unknown, being asked for"
    PENDING = "pending", "On its way"
    REQUIRES_ACTION = "requires_action", "Waiting for the customer"
    SUCCEEDED = "succeeded", "Refunded"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"


class RefundCause(models.TextChoices):
    PRICE_REDUCTION = "price_reduction", "Price reduction"
    SURPLUS = "surplus", "Paid too much"
    CANCELLATION = "cancellation", "Cancellation"
    DUPLICATE = "duplicate", "Paid twice"
    DISPUTE_PREVENTION = "dispute_prevention", "To prevent a dispute"


class RefundRoute(models.TextChoices):
    """How the money goes back: through Stripe to the card, sent by staff, or kept as the customer's credit."""

    GATEWAY = "gateway", "Back to the card"
    MANUAL = "manual", "Sent by hand"
    CREDIT = "credit", "As credit"


S = RefundState
IN_FLIGHT = frozenset({S.SUBMITTED, S.UNKNOWN, S.PENDING, S.REQUIRES_ACTION})
HOLDING_STATES = frozenset({S.REQUESTED, S.APPROVED}) | IN_FLIGHT
NO_MONEY_MOVES = frozenset({S.DECLINED, S.FAILED, S.CANCELED})

# Stripe's reasons (https://docs.stripe.com/refunds#failed-refunds), for a person who has to decide what comes next.
FAILURE_WORDS = {
    "lost_or_stolen_card": "the card was reported lost or stolen",
    "expired_or_canceled_card": "the card expired or was canceled",
    "charge_for_pending_refund_disputed": "the customer disputed the payment meanwhile",
    "insufficient_funds": "Stripe's balance was too low",
    "declined": "the card's bank declined it",
    "merchant_request": "it was canceled at our request",
    "unknown": "the bank gave no reason",
}


class Refund(StatefulModel, PublicIdModel):
    """`amount_minor` is principal, `fee_minor` the method fee's share, `total_minor` what the customer gets.

    `from_credit_minor` of the principal comes out of the customer's credit, the rest off the booking; `tax_minor` is
    the tax within the fall of the price. `failed` is final: a retry is a new row.
    """

    ALLOWED = {
        S.REQUESTED: frozenset({S.APPROVED, S.DECLINED, S.CANCELED}),
        S.APPROVED: frozenset({S.SUBMITTED, S.CANCELED}),
        S.SUBMITTED: frozenset({S.PENDING, S.SUCCEEDED, S.FAILED, S.UNKNOWN, S.REQUIRES_ACTION, S.CANCELED}),
        S.UNKNOWN: frozenset({S.PENDING, S.REQUIRES_ACTION, S.SUCCEEDED, S.FAILED, S.CANCELED}),
        S.PENDING: frozenset({S.REQUIRES_ACTION, S.SUCCEEDED, S.FAILED, S.CANCELED}),
        S.REQUIRES_ACTION: frozenset({S.PENDING, S.SUCCEEDED, S.FAILED, S.CANCELED}),
        S.SUCCEEDED: frozenset({S.FAILED}),
        S.FAILED: frozenset(),
        S.CANCELED: frozenset(),
        S.DECLINED: frozenset(),
    }
    STALE = {
        S.SUCCEEDED: IN_FLIGHT | {S.APPROVED},
        S.FAILED: HOLDING_STATES | {S.SUCCEEDED, S.CANCELED},
        S.CANCELED: HOLDING_STATES,
        S.PENDING: frozenset({S.SUBMITTED, S.UNKNOWN}),
        S.REQUIRES_ACTION: frozenset({S.SUBMITTED, S.UNKNOWN}),
        S.UNKNOWN: frozenset({S.SUBMITTED}),
    }

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    state = models.CharField(max_length=15, choices=RefundState, default=RefundState.REQUESTED)
    cause = models.CharField(max_length=18, choices=RefundCause)
    reason = models.CharField(max_length=500, help_text="In the words of whoever asked for it.")
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    fee_minor = models.PositiveBigIntegerField(default=0)
    total_minor = models.PositiveBigIntegerField()
    from_credit_minor = models.PositiveBigIntegerField(
        default=0, help_text="Part of the principal that was the customer's credit, or unallocated."
    )
    tax_minor = models.PositiveBigIntegerField(default=0)
    route = models.CharField(max_length=7, choices=RefundRoute, default=RefundRoute.GATEWAY)
    by_policy = models.BooleanField(
        default=False, help_text="The frozen cancellation policy grants it: no second person is asked."
    )
    cancellation = models.ForeignKey(
        Cancellation, on_delete=models.PROTECT, null=True, blank=True, related_name="refunds"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who approved or declined it; empty when no second person was needed.",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.CharField(max_length=300, blank=True)
    reference = models.CharField(
        max_length=120, blank=True, help_text="Of a refund sent by hand: the bank's or Venmo's own id."
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="requested_refunds",
    )
    request_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="The form's own: sending it twice refunds once."
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    stripe_refund_id = models.CharField(max_length=255, blank=True)
    stripe_balance_transaction_id = models.CharField(max_length=255, blank=True)
    failure_reason = models.CharField(max_length=200, blank=True)
    pending_reason = models.CharField(
        max_length=40, blank=True, help_text="Why Stripe has not finished it, in Stripe's word."
    )
    succeeded_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["updated_at"], name="refund_to_ask_for", condition=Q(state__in=sorted(HOLDING_STATES))
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RefundState.values), name="refund_state_known"),
            models.CheckConstraint(condition=Q(cause__in=RefundCause.values), name="refund_cause_known"),
            models.CheckConstraint(condition=Q(route__in=RefundRoute.values), name="refund_route_known"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(requested_by__isnull=True)
                | ~Q(decided_by=F("requested_by"))
                | Q(state="declined"),
                name="nobody_approves_their_own_refund",
            ),
            models.CheckConstraint(
                condition=Q(total_minor=F("amount_minor") + F("fee_minor"), total_minor__gt=0),
                name="refund_total_is_amount_and_fee",
            ),
            models.CheckConstraint(
                condition=Q(from_credit_minor__lte=F("amount_minor")), name="refund_credit_within_principal"
            ),
            models.UniqueConstraint(
                fields=["payment", "request_key"], condition=~Q(request_key=""), name="one_refund_per_request"
            ),
            models.UniqueConstraint(
                fields=["payment", "stripe_refund_id"],
                condition=~Q(stripe_refund_id=""),
                name="one_row_per_stripe_refund",
            ),
        ]

    def __str__(self) -> str:
        return f"Refund {str(self.public_id)[:8]}"

    @property
    def failure_words(self) -> str:
        """Why it failed, as the end of a sentence; of another reason than Stripe's, that itself."""
        return FAILURE_WORDS.get(self.failure_reason, self.failure_reason)

    @property
    def from_booking_minor(self) -> int:
        """The principal that was placed on the booking."""
        return self.amount_minor - self.from_credit_minor


class RefundStateChange(StateChange):
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, related_name="changes")
