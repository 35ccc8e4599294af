"""Staff pages of money: looked at here, moved only by the named use cases that their actions call."""

from payments.admin import bookings, cards, desk, events, gateway, ledger, payments, refunds, stripe_mirror

__all__ = ["bookings", "cards", "desk", "events", "gateway", "ledger", "payments", "refunds", "stripe_mirror"]
