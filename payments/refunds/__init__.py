"""Refunds: asked for under lock, agreed to by a second person where the rules want it, sent, recorded, posted.

Refunded plus requested never exceeds what was captured: under the Payment's lock, and by a constraint. Card money goes
back through Stripe and is posted when Stripe's balance moves; what came by hand is sent by hand and posted when staff
record it; credit returns to credit at once. Lock order: Membership, Booking, Payment, Refund, Credit, ledger. Called as
`refunds.request(…)`, `refunds.approve(…)`, `refunds.record(…)` by views, API, admin, events, balance and reconcile.
"""

from payments.refunds.amounts import RefundPreview, loose, preview, refundable
from payments.refunds.approving import approve, decline
from payments.refunds.executing import SEND_TASK, record_sent, send, send_due, withdraw
from payments.refunds.recording import record
from payments.refunds.requesting import Asked, create, request, route_of
from payments.refunds.sending import find, submit

__all__ = [
    "SEND_TASK",
    "Asked",
    "RefundPreview",
    "approve",
    "create",
    "decline",
    "find",
    "loose",
    "preview",
    "record",
    "record_sent",
    "refundable",
    "request",
    "route_of",
    "send",
    "send_due",
    "submit",
    "withdraw",
]
