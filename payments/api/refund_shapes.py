"""What the refunds' routes take and answer."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.reverse import reverse

from core.api import MoneyField
from payments import refunds
from payments.models import CreditNote, Refund, RefundCause, RefundRoute, RefundState

Serializer = serializers.Serializer[Any]
CAUSES = [(cause.value, cause.label) for cause in refunds.CAUSES]


class RefundSerializer(Serializer):
    """`amount` is principal, `fee` the method fee's share, `total` what the customer gets."""

    id = serializers.UUIDField(source="public_id")
    payment = serializers.UUIDField(source="payment.public_id")
    booking = serializers.SerializerMethodField()
    state = serializers.ChoiceField(RefundState.choices)
    route = serializers.ChoiceField(RefundRoute.choices)
    cause = serializers.ChoiceField(RefundCause.choices)
    reason = serializers.CharField()
    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")
    total = MoneyField("total_minor")
    requested_by = serializers.SerializerMethodField()
    decided_by = serializers.SerializerMethodField()
    decision_reason = serializers.CharField()
    reference = serializers.CharField(help_text="Of one sent by hand.")
    pending_reason = serializers.CharField(help_text="Why Stripe has not finished it.")
    failure_reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    succeeded_at = serializers.DateTimeField(allow_null=True)
    credit_note = serializers.SerializerMethodField(help_text="Its number, where the price fell by it.")

    def get_booking(self, refund: Refund) -> str | None:
        return refund.payment.booking.code if refund.payment.booking else None

    def get_credit_note(self, refund: Refund) -> str | None:
        note = getattr(refund, "credit_note", None)
        return note.label if note is not None else None

    def get_requested_by(self, refund: Refund) -> str | None:
        return refund.requested_by.get_username() if refund.requested_by else None

    def get_decided_by(self, refund: Refund) -> str | None:
        return refund.decided_by.get_username() if refund.decided_by else None


class CreditNoteSerializer(Serializer):
    """The price fell by `amount`, with `tax` within it; `pdf` is where its paper is."""

    number = serializers.CharField(source="label")
    amount = MoneyField("amount_minor")
    tax = MoneyField("tax_minor")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    pdf = serializers.SerializerMethodField()

    @extend_schema_field(serializers.URLField())
    def get_pdf(self, note: CreditNote) -> str:
        where = [note.refund.payment.public_id, note.label]
        return reverse("payment-credit-note", args=where, request=self.context.get("request"))


class RefundPreviewSerializer(Serializer):
    """What the same body without `preview` would do. `needs_approval`: it would wait for a second person, `why`."""

    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")
    total = MoneyField("total_minor")
    tax = MoneyField("tax_minor", help_text="Within the fall of the price.")
    route = serializers.ChoiceField(RefundRoute.choices)
    needs_approval = serializers.BooleanField()
    why = serializers.CharField()
    needs_recent_authentication = serializers.BooleanField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A part",
            request_only=True,
            value={
                "amount": {"amount": 5000, "currency": "usd"},
                "cause": "price_reduction",
                "reason": "Two guests fewer",
            },
        )
    ]
)
class RefundBodySerializer(Serializer):
    amount = serializers.JSONField(
        required=False,
        help_text="Principal; the method fee's share is added. Left out: all that may go back.",
    )
    cause = serializers.ChoiceField(CAUSES, required=False, default=RefundCause.PRICE_REDUCTION.value)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    as_credit = serializers.BooleanField(required=False, default=False)


class DecisionSerializer(Serializer):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class SentSerializer(Serializer):
    reference = serializers.CharField(max_length=120, help_text="The bank's or Venmo's own id.")
    sent_on = serializers.DateField()
