"""What Stripe said, in our words: frozen, without Stripe's vocabulary, and without the database.

Each `from_…` takes Stripe's object as a plain mapping (API 2026-08-26.dahlia), from a webhook or from a call alike, and
raises KeyError on a shape that is not Stripe's. Amounts are integers in minor units, signed as Stripe signs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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


def _id(value: object) -> str:
    """The id of a relation, whether expanded or not; empty when there is none."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else ""


def id_of(value: object) -> str:
    """The id of a relation of Stripe's, for those who read an object themselves."""
    return _id(value)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


@dataclass(frozen=True)
class Decline:
    """Why a card was not charged. `source` is the failed charge's id, or empty."""

    code: str
    decline_code: str
    message: str
    source: str


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent. `received_minor` is what it captured; `charge_id` its latest charge, `charge` that one's money
    when it was told along (expanded). `is_lapsed`: Stripe itself ended it, as an authorization that nobody captured.
    """

    id: str
    state: PaymentState
    amount_minor: int
    received_minor: int
    currency: str
    livemode: bool
    created: datetime
    payment_public_id: str
    customer_id: str
    charge_id: str
    client_secret: str
    decline: Decline | None
    charge: "Received | None" = None
    is_lapsed: bool = False


@dataclass(frozen=True)
class Received:
    """Money that a card brought: one charge, captured."""

    charge_id: str
    intent_id: str
    amount_minor: int
    currency: str
    livemode: bool
    occurred_at: datetime
    payment_public_id: str
    customer_id: str
    card_brand: str = ""
    card_last4: str = ""


@dataclass(frozen=True)
class Promise:
    """Money that a card promised and nobody captured yet. `capture_before`: when its bank lets go of it."""

    charge_id: str
    intent_id: str
    payment_public_id: str
    customer_id: str
    card_brand: str
    card_last4: str
    capture_before: datetime | None


@dataclass(frozen=True)
class Card:
    """A card that Stripe keeps. `customer_id` is empty once it was detached."""

    id: str
    customer_id: str
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None


@dataclass(frozen=True)
class Setup:
    """A SetupIntent. `card_id` is the card that it saved; `card` that one when it was told along."""

    id: str
    is_open: bool
    is_done: bool
    setup_public_id: str
    customer_id: str
    client_secret: str
    card_id: str
    error_code: str
    card: Card | None = None


@dataclass(frozen=True)
class Session:
    """A Checkout Session. `url` is where the customer pays while `is_open`."""

    id: str
    is_open: bool
    is_complete: bool
    is_paid: bool
    amount_minor: int
    currency: str
    intent_id: str
    payment_public_id: str
    customer_id: str
    url: str
    expires_at: datetime


@dataclass(frozen=True)
class RefundNews:
    """A refund as Stripe has it. `balance_transaction_id` is set once Stripe's balance moved."""

    id: str
    state: RefundState
    amount_minor: int
    currency: str
    charge_id: str
    intent_id: str
    refund_public_id: str
    balance_transaction_id: str
    failure_balance_transaction_id: str
    failure_reason: str
    created: datetime
    pending_reason: str = ""


@dataclass(frozen=True)
class BalanceChange:
    """A balance transaction. `fees` are (type, amount) pairs that sum to `fee_minor`."""

    id: str
    type: str
    source_id: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    currency: str
    created: datetime
    fees: tuple[tuple[str, int], ...]


def _decline(error: Object | None) -> Decline | None:
    if not error:
        return None
    return Decline(
        code=error.get("code") or "",
        decline_code=error.get("decline_code") or "",
        message=error.get("message") or "",
        source=_id(error.get("charge")),
    )


def _intent_state(obj: Object) -> PaymentState:
    """Where an intent stands; one that was refused because the bank wants the customer waits for them."""
    state = INTENT_STATES[obj["status"]]
    refused = (obj.get("last_payment_error") or {}).get("code") == WANTS_CUSTOMER
    return PaymentState.REQUIRES_ACTION if refused and state == PaymentState.PENDING else state


def from_intent(obj: Object) -> Intent:
    charge = obj.get("latest_charge")
    return Intent(
        id=obj["id"],
        state=_intent_state(obj),
        amount_minor=obj["amount"],
        received_minor=obj.get("amount_received") or 0,
        currency=obj["currency"],
        livemode=obj["livemode"],
        created=_moment(obj["created"]),
        payment_public_id=(obj.get("metadata") or {}).get(PAYMENT_KEY, ""),
        customer_id=_id(obj.get("customer")),
        charge_id=_id(charge),
        client_secret=obj.get("client_secret") or "",
        decline=_decline(obj.get("last_payment_error")),
        charge=received_by_charge(charge) if isinstance(charge, Mapping) else None,
        is_lapsed=obj.get("cancellation_reason") == "automatic",
    )


def received_by_intent(intent: Intent, *, said_at: datetime | None = None) -> Received:
    """The money of an intent that succeeded: as its charge tells it, else dated by when Stripe said so.

    Without the charge the card is unknown; the charge's own event tells it.
    """
    if intent.charge is not None:
        return intent.charge
    return Received(
        charge_id=intent.charge_id,
        intent_id=intent.id,
        amount_minor=intent.received_minor,
        currency=intent.currency,
        livemode=intent.livemode,
        occurred_at=said_at or intent.created,
        payment_public_id=intent.payment_public_id,
        customer_id=intent.customer_id,
    )


def received_by_charge(obj: Object) -> Received | None:
    """The money of a charge, or None while nothing was captured (authorized, pending, failed)."""
    if obj["status"] != "succeeded" or not obj["captured"]:
        return None
    card = (obj.get("payment_method_details") or {}).get("card") or {}
    return Received(
        charge_id=obj["id"],
        intent_id=_id(obj.get("payment_intent")),
        amount_minor=obj["amount_captured"],
        currency=obj["currency"],
        livemode=obj["livemode"],
        occurred_at=_moment(obj["created"]),
        payment_public_id=(obj.get("metadata") or {}).get(PAYMENT_KEY, ""),
        customer_id=_id(obj.get("customer")),
        card_brand=card.get("brand") or "",
        card_last4=card.get("last4") or "",
    )


def promised_by_charge(obj: Object) -> Promise | None:
    """The money that an uncaptured charge promises; None for one that failed or was captured."""
    if obj["status"] != "succeeded" or obj["captured"]:
        return None
    card = (obj.get("payment_method_details") or {}).get("card") or {}
    before = card.get("capture_before")
    return Promise(
        charge_id=obj["id"],
        intent_id=_id(obj.get("payment_intent")),
        payment_public_id=(obj.get("metadata") or {}).get(PAYMENT_KEY, ""),
        customer_id=_id(obj.get("customer")),
        card_brand=card.get("brand") or "",
        card_last4=card.get("last4") or "",
        capture_before=_moment(before) if before else None,
    )


def from_card(obj: Object) -> Card:
    card = obj.get("card") or {}
    return Card(
        id=obj["id"],
        customer_id=_id(obj.get("customer")),
        brand=card.get("brand") or "",
        last4=card.get("last4") or "",
        exp_month=card.get("exp_month"),
        exp_year=card.get("exp_year"),
    )


def from_setup(obj: Object) -> Setup:
    card = obj.get("payment_method")
    error = obj.get("last_setup_error") or {}
    return Setup(
        id=obj["id"],
        is_open=obj["status"] not in ("succeeded", "canceled"),
        is_done=obj["status"] == "succeeded",
        setup_public_id=(obj.get("metadata") or {}).get(SETUP_KEY, ""),
        customer_id=_id(obj.get("customer")),
        client_secret=obj.get("client_secret") or "",
        card_id=_id(card),
        error_code=error.get("decline_code") or error.get("code") or "",
        card=from_card(card) if isinstance(card, Mapping) else None,
    )


def declined_charge(obj: Object) -> Decline:
    """Why this failed charge failed."""
    outcome = obj.get("outcome") or {}
    return Decline(
        code=obj.get("failure_code") or "",
        decline_code=outcome.get("reason") or "",
        message=obj.get("failure_message") or "",
        source=obj["id"],
    )


def from_session(obj: Object) -> Session:
    return Session(
        id=obj["id"],
        is_open=obj["status"] == "open",
        is_complete=obj["status"] == "complete",
        is_paid=obj["payment_status"] == "paid",
        amount_minor=obj.get("amount_total") or 0,
        currency=obj.get("currency") or "",
        intent_id=_id(obj.get("payment_intent")),
        payment_public_id=(obj.get("metadata") or {}).get(PAYMENT_KEY, ""),
        customer_id=_id(obj.get("customer")),
        url=obj.get("url") or "",
        expires_at=_moment(obj["expires_at"]),
    )


def from_refund(obj: Object) -> RefundNews:
    return RefundNews(
        id=obj["id"],
        state=REFUND_STATES[obj["status"]],
        amount_minor=obj["amount"],
        currency=obj["currency"],
        charge_id=_id(obj.get("charge")),
        intent_id=_id(obj.get("payment_intent")),
        refund_public_id=(obj.get("metadata") or {}).get(REFUND_KEY, ""),
        balance_transaction_id=_id(obj.get("balance_transaction")),
        failure_balance_transaction_id=_id(obj.get("failure_balance_transaction")),
        failure_reason=obj.get("failure_reason") or "",
        created=_moment(obj["created"]),
        pending_reason=str(obj.get("pending_reason") or ""),
    )


def from_balance_transaction(obj: Object) -> BalanceChange:
    return BalanceChange(
        id=obj["id"],
        type=obj["type"],
        source_id=_id(obj.get("source")),
        amount_minor=obj["amount"],
        fee_minor=obj["fee"],
        net_minor=obj["net"],
        currency=obj["currency"],
        created=_moment(obj["created"]),
        fees=tuple((fee["type"], fee["amount"]) for fee in obj.get("fee_details") or ()),
    )
