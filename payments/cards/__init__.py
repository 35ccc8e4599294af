"""Cards that customers keep at Stripe: saved with consent, listed, preferred, removed; and the portal at Stripe.

Only a customer whose e-mail address is proven may keep a card, and sees only their own. Numbers never reach us.
`keeping` is what a customer does, `noting` what Stripe tells. Called by the pages, the API and events.
"""

from payments.cards.keeping import (
    Begun,
    begin,
    catch_up,
    consent,
    kept,
    offered,
    picked,
    portal,
    prefer,
    refresh,
    remove,
    require_proof,
    secret_of,
)
from payments.cards.noting import forget, note_card, note_default, note_detached, note_setup

__all__ = [
    "Begun",
    "begin",
    "catch_up",
    "consent",
    "forget",
    "kept",
    "note_card",
    "note_default",
    "note_detached",
    "note_setup",
    "offered",
    "picked",
    "portal",
    "prefer",
    "refresh",
    "remove",
    "require_proof",
    "secret_of",
]
