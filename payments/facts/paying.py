"""What is paid or promised: intents, charges, sessions, and why a card was declined."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from payments.facts import words
from payments.facts.words import Object
from payments.models import PaymentState


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


def _decline(error: Object | None) -> Decline | None:
    if not error:
        return None
    return Decline(
        code=error.get("code") or "",
        decline_code=error.get("decline_code") or "",
        message=error.get("message") or "",
        source=words.id_of(error.get("charge")),
    )


def _intent_state(obj: Object) -> PaymentState:
    """Where an intent stands; one that was refused because the bank wants the customer waits for them."""
    state = words.INTENT_STATES[obj["status"]]
    refused = (obj.get("last_payment_error") or {}).get("code") == words.WANTS_CUSTOMER
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
        created=words.moment(obj["created"]),
        payment_public_id=(obj.get("metadata") or {}).get(words.PAYMENT_KEY, ""),
        customer_id=words.id_of(obj.get("customer")),
        charge_id=words.id_of(charge),
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
        intent_id=words.id_of(obj.get("payment_intent")),
        amount_minor=obj["amount_captured"],
        currency=obj["currency"],
        livemode=obj["livemode"],
        occurred_at=words.moment(obj["created"]),
        payment_public_id=(obj.get("metadata") or {}).get(words.PAYMENT_KEY, ""),
        customer_id=words.id_of(obj.get("customer")),
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
        intent_id=words.id_of(obj.get("payment_intent")),
        payment_public_id=(obj.get("metadata") or {}).get(words.PAYMENT_KEY, ""),
        customer_id=words.id_of(obj.get("customer")),
        card_brand=card.get("brand") or "",
        card_last4=card.get("last4") or "",
        capture_before=words.moment(before) if before else None,
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
        intent_id=words.id_of(obj.get("payment_intent")),
        payment_public_id=(obj.get("metadata") or {}).get(words.PAYMENT_KEY, ""),
        customer_id=words.id_of(obj.get("customer")),
        url=obj.get("url") or "",
        expires_at=words.moment(obj["expires_at"]),
    )
