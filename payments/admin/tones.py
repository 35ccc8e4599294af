"""Which colour a state has: good (herb), warn (somebody is waiting), bad (a person should look), else plain."""

from django.db.models import Field
from django.utils.safestring import SafeString

from bookings.models import BookingState
from core.states import StatefulModel
from customers.console import badge
from payments.models import ClaimState, EventState, PaymentState, RefundState, WebhookEvent

TONES: dict[str, dict[str, str]] = {
    "booking": {
        BookingState.QUOTED: "warn",
        BookingState.HELD: "warn",
        BookingState.CONFIRMED: "good",
        BookingState.COMPLETED: "done",
        BookingState.CANCELLED: "bad",
    },
    "payment": {
        PaymentState.UNKNOWN: "bad",
        PaymentState.PENDING: "warn",
        PaymentState.REQUIRES_ACTION: "warn",
        PaymentState.PROCESSING: "warn",
        PaymentState.AUTHORIZED: "warn",
        PaymentState.CLAIMED: "warn",
        PaymentState.SUCCEEDED: "good",
        PaymentState.REJECTED: "bad",
        PaymentState.FAILED: "bad",
        PaymentState.REVERSED: "bad",
    },
    "claim": {
        ClaimState.OPEN: "warn",
        ClaimState.CONFIRMED: "good",
        ClaimState.REJECTED: "bad",
        ClaimState.CREDITED: "done",
    },
    "refund": {
        RefundState.REQUESTED: "warn",
        RefundState.APPROVED: "warn",
        RefundState.SUBMITTED: "warn",
        RefundState.UNKNOWN: "bad",
        RefundState.PENDING: "warn",
        RefundState.REQUIRES_ACTION: "warn",
        RefundState.SUCCEEDED: "good",
        RefundState.FAILED: "bad",
    },
    "webhookevent": {
        EventState.PENDING: "warn",
        EventState.HANDLED: "good",
        EventState.FAILED: "bad",
        EventState.DEAD: "bad",
    },
}


def state_badge(row: StatefulModel | WebhookEvent) -> SafeString:
    tones = TONES.get(row._meta.model_name or "", {})
    return badge(state_labels(row).get(row.state, row.state), tone=tones.get(row.state, "plain"))


def state_labels(row: StatefulModel | WebhookEvent) -> dict[str, str]:
    column = type(row)._meta.get_field("state")  # type: ignore[misc]  # each concrete model has one
    assert isinstance(column, Field)
    return {str(value): str(label) for value, label in column.flatchoices}
