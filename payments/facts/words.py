"""Stripe's words and ours: states, the keys of our ids in metadata, and how relations and moments are read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from payments.models import PaymentState, RefundState

Object = Mapping[str, Any]
PAYMENT_KEY = "payment"  # Our ids in Stripe's metadata.
REFUND_KEY = "refund"
BOOKING_KEY = "booking"
SETUP_KEY = "card_setup"
# Refused off session because the bank wants the customer: the same intent can be completed with them.
WANTS_CUSTOMER = "authentication_required"
INTENT_STATES = {
    "requires_payment_method": PaymentState.PENDING,
    "requires_confirmation": PaymentState.PENDING,
    "requires_action": PaymentState.REQUIRES_ACTION,
    "processing": PaymentState.PROCESSING,
    "requires_capture": PaymentState.AUTHORIZED,
    "canceled": PaymentState.CANCELED,
    "succeeded": PaymentState.SUCCEEDED,
}
REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.REQUIRES_ACTION,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.CANCELED,
}


def id_of(value: object) -> str:
    """The id of a relation, whether expanded or not; empty when there is none."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else ""


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
