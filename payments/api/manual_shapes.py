"""Shapes of transfers in the API: instructions, claims, what staff found and what became of it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from bookings.models import Purpose
from core.api import MoneyField
from payments.api.serializers import PaymentSerializer
from payments.models import CLAIMED_METHODS, MANUAL_METHODS, ClaimState

Serializer = serializers.Serializer[Any]
METHOD_CHOICES = [(method.value, method.label) for method in MANUAL_METHODS]
CLAIMED_CHOICES = [(method.value, method.label) for method in CLAIMED_METHODS]
_AMOUNT = '10000, or {"amount": 10000, "currency": "usd"}: what really came.'


@extend_schema_serializer(
    examples=[OpenApiExample("By Zelle", request_only=True, value={"booking": "HRPHDJ4Q", "method": "zelle"})]
)
class ManualSerializer(Serializer):
    """What is due next, by transfer. Amounts are ours."""

    booking = serializers.CharField(max_length=64, help_text="The booking's code.")
    method = serializers.ChoiceField(CLAIMED_CHOICES)
    purpose = serializers.ChoiceField(
        Purpose.choices, required=False, default="", help_text="`full`: all that is open."
    )


class InstructionsSerializer(Serializer):
    """Whom to pay, how much, and the note. `link` opens Venmo with all of it filled in; empty for Zelle."""

    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")
    total = MoneyField("total_minor")
    saving = MoneyField("saving_minor", help_text="What a card would cost more.")
    handle = serializers.CharField()
    recipient = serializers.CharField()
    reference = serializers.CharField()
    link = serializers.CharField()


class ManualAnswerSerializer(Serializer):
    payment = PaymentSerializer()
    instructions = InstructionsSerializer()


class ClaimBodySerializer(Serializer):
    """JSON, or multipart with `proof` (JPEG, PNG, WebP or PDF, 8 MB at most; metadata is removed)."""

    sender_name = serializers.CharField(max_length=120, help_text="As it stands on the transfer.")
    sent_on = serializers.DateField()
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    proof = serializers.FileField(required=False)


class ClaimSerializer(Serializer):
    id = serializers.UUIDField(source="public_id")
    payment = serializers.UUIDField(source="payment.public_id")
    state = serializers.ChoiceField(ClaimState.choices)
    sender_name = serializers.CharField()
    sent_on = serializers.DateField()
    has_proof = serializers.BooleanField(source="proof")
    extended_hold = serializers.BooleanField()
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()


class PartSerializer(Serializer):
    booking = serializers.CharField(max_length=64)
    amount = serializers.JSONField(help_text=_AMOUNT)


class FoundSerializer(Serializer):
    """A transfer as it was found. The same reference twice is refused: 409 `reference_used`."""

    amount = serializers.JSONField(help_text=_AMOUNT)
    received_on = serializers.DateField()
    reference = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    sender_name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ConfirmSerializer(FoundSerializer):
    others = PartSerializer(
        many=True, required=False, default=list, help_text="What of it is for other bookings."
    )


class RecordSerializer(FoundSerializer):
    """For one `booking`, several `parts` that sum to it, or a `customer` whose credit it becomes: one of them."""

    method = serializers.ChoiceField(METHOD_CHOICES)
    booking = serializers.CharField(max_length=64, required=False)
    purpose = serializers.ChoiceField(Purpose.choices, required=False, default="")
    parts = PartSerializer(many=True, required=False)
    customer = serializers.UUIDField(required=False)


class RejectSerializer(Serializer):
    reason = serializers.CharField(max_length=500, help_text="The customer reads it.")


class TransferSerializer(Serializer):
    id = serializers.UUIDField(source="public_id")
    method = serializers.ChoiceField(METHOD_CHOICES)
    amount = MoneyField("amount_minor")
    reference = serializers.CharField()
    sender_name = serializers.CharField()
    received_on = serializers.DateField()


class ResultSerializer(Serializer):
    """What became of a part; `short` is still open on its instalment, `written_off` are cents of cash that are
    not asked for, `refusal` is why it lies on the desk.
    """

    payment = PaymentSerializer()
    placed = MoneyField("placed_minor", currency="payment.currency")
    fee = MoneyField("fee_minor", currency="payment.currency")
    credit = MoneyField("credit_minor", currency="payment.currency")
    unallocated = MoneyField("unallocated_minor", currency="payment.currency")
    short = MoneyField("short_minor", currency="payment.currency")
    written_off = MoneyField("forgiven_minor", currency="payment.currency")
    refusal = serializers.CharField()


class OutcomeSerializer(Serializer):
    transfer = TransferSerializer()
    results = ResultSerializer(many=True)
