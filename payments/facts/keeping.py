"""Cards that are kept, and the setups that save them."""

from collections.abc import Mapping
from dataclasses import dataclass

from payments.facts import words
from payments.facts.words import Object


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


def from_card(obj: Object) -> Card:
    card = obj.get("card") or {}
    return Card(
        id=obj["id"],
        customer_id=words.id_of(obj.get("customer")),
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
        setup_public_id=(obj.get("metadata") or {}).get(words.SETUP_KEY, ""),
        customer_id=words.id_of(obj.get("customer")),
        client_secret=obj.get("client_secret") or "",
        card_id=words.id_of(card),
        error_code=error.get("decline_code") or error.get("code") or "",
        card=from_card(card) if isinstance(card, Mapping) else None,
    )
