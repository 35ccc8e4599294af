"""Money that a card promised: noted, captured or released by staff, or lapsed.

A promise is no money: nothing is posted, and the booking is confirmed by its capture alone. A held booking stays held
as long as the promise lasts. What staff decide is a row before Stripe is asked, so that a lost answer is carried out
by reconcile; Stripe lets an authorization be captured or released once, whoever comes first. Lock order: Booking,
Payment. Called by the API, the console, events, checkout and reconcile; `capture`, `void` and `finish` never inside a
transaction.
"""

from payments.authorizations.carrying_out import capture, finish, void
from payments.authorizations.deciding import fee_of, largest_capture
from payments.authorizations.following import keep_hold
from payments.authorizations.noting import note, note_lapsed, note_promise

__all__ = [
    "capture",
    "fee_of",
    "finish",
    "keep_hold",
    "largest_capture",
    "note",
    "note_lapsed",
    "note_promise",
    "void",
]
