"""Refunds: asked for under lock, agreed to by a second person where the rules want it, sent, recorded, posted.

Refunded plus requested never exceeds what was captured: under the Payment's lock, and by a constraint. Card money goes
back through Stripe and is posted when Stripe's balance moves; what came by hand is sent by hand and posted when staff
record it; credit returns to credit at once. Lock order: Membership, Booking, Payment, Refund, Credit, ledger. Called as
`refunds.request(…)`, `refunds.approve(…)`, `refunds.record(…)` by views, API, admin, events, balance and reconcile.
"""

from payments.refunds.amounts import RefundPreview, loose, preview, refundable
from payments.refunds.approving import approve, decided, decline
from payments.refunds.executing import SEND_TASK, record_sent, send, send_due, withdraw
from payments.refunds.foreseeing import Foreseen, foresee
from payments.refunds.recording import record
from payments.refunds.requesting import Asked, create, create_together, request, route_of
from payments.refunds.sending import find, submit
from payments.refunds.spreading import (
    CAUSES,
    BookingPreview,
    of_booking,
    preview_of_booking,
    spread,
    with_money,
)

__all__ = [
    "CAUSES",
    "SEND_TASK",
    "Asked",
    "BookingPreview",
    "Foreseen",
    "RefundPreview",
    "approve",
    "create",
    "create_together",
    "decided",
    "decline",
    "find",
    "foresee",
    "loose",
    "of_booking",
    "preview",
    "preview_of_booking",
    "record",
    "record_sent",
    "refundable",
    "request",
    "route_of",
    "send",
    "send_due",
    "spread",
    "submit",
    "with_money",
    "withdraw",
]
