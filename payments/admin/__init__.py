"""Staff pages of money: looked at here, moved only by the named use cases that their actions call."""

from payments.admin import (
    bookings,
    bulk,
    cards,
    credit,
    customers,
    desk,
    events,
    gateway,
    inbox,
    inbox_transfers,
    ledger,
    papers,
    payments,
    refunds,
    statements,
    stripe_mirror,
)

__all__ = [
    "bookings",
    "bulk",
    "cards",
    "credit",
    "customers",
    "desk",
    "events",
    "gateway",
    "inbox",
    "inbox_transfers",
    "ledger",
    "papers",
    "payments",
    "refunds",
    "statements",
    "stripe_mirror",
]
