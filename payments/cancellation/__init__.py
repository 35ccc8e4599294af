"""Cancelling bookings: what would happen, shown before the click; and exactly that, or nothing because it changed.

The booking's place is free at once; the refunds are rows that run apart from it. Lock order: Membership, Booking, Slot,
Payment (by id), Refund, Credit, ledger. Called by pages, API, admin, and by `bulk` for a whole day.
"""

from payments.cancellation.cancelling import (
    cancel,
    cancel_in_bulk,
    end_open_card,
    end_open_cards,
    reinstate,
)
from payments.cancellation.previewing import CANCELLABLE, Preview, Returned, preview

__all__ = [
    "CANCELLABLE",
    "Preview",
    "Returned",
    "cancel",
    "cancel_in_bulk",
    "end_open_card",
    "end_open_cards",
    "preview",
    "reinstate",
]
