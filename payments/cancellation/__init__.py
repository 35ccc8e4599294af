"""Cancelling bookings: what would happen, shown before the click; and exactly that, or nothing because it changed.

The booking's place is free at once; the refunds are rows that run apart from it. Lock order: Membership, Booking, Slot,
Payment (by id), Refund, Credit, ledger. Called by pages, API, admin, and by `bulk` for a whole day.
"""

from payments.cancellation.cancelling import cancel, reinstate
from payments.cancellation.previewing import Preview, Returned, preview

__all__ = ["Preview", "Returned", "cancel", "preview", "reinstate"]
