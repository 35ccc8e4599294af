"""Money that came outside Stripe, and what customers say about it.

A Payment by Zelle or Venmo starts as `created` (instructions were shown). A Claim says "I have sent it": the payment
is `claimed`, which is a word, not money. A Transfer is the money itself, as staff or a statement found it; it becomes
one or several Payments (`transfer.payments`), whose received amounts sum to it. `payments.manual` alone writes these.
"""

import re
from typing import ClassVar

from django.conf import settings
from django.core.files.storage import Storage
from django.db import models
from django.db.models import Q

from core import uploads
from core.public_ids import PublicIdModel
from core.states import StateChange, StatefulModel, choices_constraint
from customers.models import Merchant, PaymentMethod
from payments.models.statement import StatementLine

MANUAL_METHODS = (PaymentMethod.ZELLE, PaymentMethod.VENMO, PaymentMethod.CASH, PaymentMethod.CHECK)
CLAIMED_METHODS = (PaymentMethod.ZELLE, PaymentMethod.VENMO)  # What a customer sends without us seeing it.


def reference_key(reference: str, *, method: str, sender_name: str = "") -> str:
    """A reference without case and punctuation; a check's number counts per payer, for every bank has a 1042."""
    key, sender = (re.sub(r"[\W_]+", "", text).upper() for text in (reference, sender_name))
    if key and method == PaymentMethod.CHECK:
        key = f"{key}:{sender}"
    return key[:160]


class Transfer(PublicIdModel):
    """`amount_minor` of `currency` that came on `received_on`, found by staff or on a statement.

    The database refuses a second one with the same `reference` (per merchant and method, while not reversed), and, at
    commit, payments that do not sum to it. Reversed (a wrong match, a bounced check), its payments received nothing.
    `statement_line` is the line that proves it; several transfers may share one (checks paid in together).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="transfers")
    method = models.CharField(max_length=6, choices=PaymentMethod)
    currency = models.CharField(max_length=3)
    amount_minor = models.PositiveBigIntegerField()
    reference = models.CharField(
        max_length=120, blank=True, help_text="The bank's or Venmo's own id, a check's number."
    )
    reference_key = models.CharField(max_length=160, blank=True, editable=False)
    sender_name = models.CharField(max_length=120, blank=True)
    received_on = models.DateField()
    note = models.CharField(max_length=500, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="recorded_transfers",
    )
    request_key = models.CharField(
        max_length=64, blank=True, editable=False, help_text="The form's own: sending it twice records once."
    )
    statement_line = models.ForeignKey(
        StatementLine, on_delete=models.PROTECT, null=True, blank=True, related_name="transfers"
    )
    reversed_at = models.DateTimeField(null=True, blank=True)
    reversed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversed_transfers",
    )
    reversal_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("verify", "Can confirm, reject and record transfers"),
            ("reverse", "Can take back a recorded transfer"),
        ]
        indexes = [models.Index(fields=["merchant", "-id"], name="transfer_merchant_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(method__in=MANUAL_METHODS), name="transfer_method_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="transfer_is_something"),
            models.UniqueConstraint(
                fields=["merchant", "method", "reference_key"],
                condition=~Q(reference_key="") & Q(reversed_at__isnull=True),
                name="one_transfer_per_reference",
            ),
            models.UniqueConstraint(
                fields=["merchant", "request_key"],
                condition=~Q(request_key=""),
                name="one_transfer_per_request",
            ),
            models.CheckConstraint(
                condition=Q(reversed_at__isnull=True, reversal_reason="")
                | Q(reversed_at__isnull=False, reversal_reason__gt=""),
                name="reversed_transfer_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} {self.reference or str(self.public_id)[:8]}"

    @property
    def is_reversed(self) -> bool:
        return self.reversed_at is not None


class ClaimState(models.TextChoices):
    OPEN = "open", "To be checked"
    CONFIRMED = "confirmed", "Confirmed"
    REJECTED = "rejected", "Not found"
    WITHDRAWN = "withdrawn", "Withdrawn"
    CREDITED = "credited", "Kept as credit"


C = ClaimState


def proofs() -> Storage:
    return uploads.storage()


class Claim(StatefulModel, PublicIdModel):
    """ "I have sent it": one open per payment, several over time. It grants nothing but a longer hold, once.

    Staff see the open ones of their merchant (`Claim.objects.filter(merchant=…, state="open")`, oldest and soonest
    event first) and end each by `manual.confirm` or `manual.reject`. The proof is what `payments.proofs` made of the
    upload; it is served to the merchant's staff only, as an attachment.
    """

    ALLOWED = {
        C.OPEN: frozenset({C.CONFIRMED, C.REJECTED, C.WITHDRAWN, C.CREDITED}),
        C.CONFIRMED: frozenset(),
        C.REJECTED: frozenset(),
        C.WITHDRAWN: frozenset(),
        C.CREDITED: frozenset(),
    }
    STALE: ClassVar[dict[str, frozenset[str]]] = {}

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="claims")
    payment = models.ForeignKey("payments.Payment", on_delete=models.PROTECT, related_name="claims")
    state = models.CharField(max_length=9, choices=ClaimState, default=ClaimState.OPEN)
    sender_name = models.CharField(max_length=120, help_text="As it stands on the transfer.")
    sent_on = models.DateField()
    note = models.CharField(max_length=500, blank=True)
    proof = models.FileField(storage=proofs, max_length=120, blank=True)
    proof_name = models.CharField(max_length=120, blank=True, help_text="What it is called when downloaded.")
    proof_type = models.CharField(max_length=40, blank=True, help_text="By content, never by name.")
    proof_note = models.CharField(max_length=120, blank=True, help_text="What could not be removed from it.")
    extended_hold = models.BooleanField(default=False, help_text="Whether it made the booking's hold longer.")
    reason = models.CharField(
        max_length=500, blank=True, help_text="Why it was rejected; the customer reads it."
    )
    transfer = models.ForeignKey(
        Transfer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="claims",
        help_text="The money that confirmed it.",
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decided_claims",
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["merchant", "created_at"], name="claim_to_check", condition=Q(state="open"))
        ]
        constraints = [
            choices_constraint(ClaimState, name="claim_state_known"),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(state="open"), name="one_open_claim_per_payment"
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="decided_claim_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="rejected") | Q(reason__gt=""), name="rejected_claim_has_a_reason"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "credited"]) | Q(transfer__isnull=False),
                name="confirmed_claim_has_its_money",
            ),
        ]

    def __str__(self) -> str:
        return f"Claim of {self.sender_name}"


class ClaimStateChange(StateChange):
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="changes")
