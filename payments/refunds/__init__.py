"""Refunds: asked for under lock, sent to Stripe outside any transaction, recorded from what Stripe says.

Refunded plus requested never exceeds what was captured: under the Payment's lock, and by a constraint. A refund is
posted to the ledger when Stripe's balance moves. Lock order: Booking, Payment, Refund, ledger. Called as
`refunds.request(…)`, `refunds.record(…)` by views, API, admin, events, balance and reconcile.
"""

from payments.refunds.amounts import RefundPreview, loose, preview, refundable
from payments.refunds.recording import record
from payments.refunds.requesting import find, request, submit

__all__ = ["RefundPreview", "find", "loose", "preview", "record", "refundable", "request", "submit"]
