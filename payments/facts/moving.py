"""What moves on Stripe's balance: refunds and balance transactions."""

from dataclasses import dataclass
from datetime import datetime

from payments.facts import words
from payments.facts.words import Object
from payments.models import RefundState


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


@dataclass(frozen=True)
class Payout:
    """Money that Stripe sends to the bank (negative where it takes some from there), as it stands now."""

    id: str
    amount_minor: int
    currency: str
    arrives: datetime
    is_paid: bool
    came_back: bool


def from_refund(obj: Object) -> RefundNews:
    return RefundNews(
        id=obj["id"],
        state=words.REFUND_STATES[obj["status"]],
        amount_minor=obj["amount"],
        currency=obj["currency"],
        charge_id=words.id_of(obj.get("charge")),
        intent_id=words.id_of(obj.get("payment_intent")),
        refund_public_id=(obj.get("metadata") or {}).get(words.REFUND_KEY, ""),
        balance_transaction_id=words.id_of(obj.get("balance_transaction")),
        failure_balance_transaction_id=words.id_of(obj.get("failure_balance_transaction")),
        failure_reason=obj.get("failure_reason") or "",
        created=words.moment(obj["created"]),
        pending_reason=str(obj.get("pending_reason") or ""),
    )


def from_balance_transaction(obj: Object) -> BalanceChange:
    return BalanceChange(
        id=obj["id"],
        type=obj["type"],
        source_id=words.id_of(obj.get("source")),
        amount_minor=obj["amount"],
        fee_minor=obj["fee"],
        net_minor=obj["net"],
        currency=obj["currency"],
        created=words.moment(obj["created"]),
        fees=tuple((fee["type"], fee["amount"]) for fee in obj.get("fee_details") or ()),
    )


def from_payout(obj: Object) -> Payout:
    return Payout(
        id=obj["id"],
        amount_minor=obj["amount"],
        currency=obj["currency"],
        arrives=words.moment(obj["arrival_date"]),
        is_paid=obj["status"] == "paid",
        came_back=obj["status"] in ("failed", "canceled"),
    )
