"""What Stripe said, in our words: frozen, without Stripe's vocabulary, and without the database.

Each `from_…` takes Stripe's object as a plain mapping (API 2026-08-26.dahlia), from a webhook or from a call alike, and
raises KeyError on a shape that is not Stripe's. Amounts are integers in minor units, signed as Stripe signs them.
"""

from payments.facts.keeping import Card, Setup, from_card, from_setup
from payments.facts.moving import (
    BalanceChange,
    Payout,
    RefundNews,
    from_balance_transaction,
    from_payout,
    from_refund,
)
from payments.facts.paying import (
    Decline,
    Intent,
    Promise,
    Received,
    Session,
    declined_charge,
    from_intent,
    from_session,
    promised_by_charge,
    received_by_charge,
    received_by_intent,
)
from payments.facts.words import (
    BOOKING_KEY,
    INTENT_STATES,
    PAYMENT_KEY,
    REFUND_KEY,
    REFUND_STATES,
    SETUP_KEY,
    WANTS_CUSTOMER,
    Object,
    id_of,
)

__all__ = [
    "BOOKING_KEY",
    "INTENT_STATES",
    "PAYMENT_KEY",
    "REFUND_KEY",
    "REFUND_STATES",
    "SETUP_KEY",
    "WANTS_CUSTOMER",
    "BalanceChange",
    "Card",
    "Decline",
    "Intent",
    "Object",
    "Payout",
    "Promise",
    "Received",
    "RefundNews",
    "Session",
    "Setup",
    "declined_charge",
    "from_balance_transaction",
    "from_card",
    "from_intent",
    "from_payout",
    "from_refund",
    "from_session",
    "from_setup",
    "id_of",
    "promised_by_charge",
    "received_by_charge",
    "received_by_intent",
]
