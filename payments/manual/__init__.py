"""Money outside Stripe: Zelle, Venmo, cash and checks, from what the customer is told to what staff find and book.

The customer's side: `instructions` (reads), `start` (the Payment), `claim` ("I have sent it"; a word, not money) and
`withdraw`. The staff's side: `confirm` and `reject` end a claim; `record` books what came without one; `split` books
one transfer over several bookings; `as_credit` keeps it for the customer; `unplaced` books what nobody knows a place
for; `reverse` takes a wrong match or a bounced check back. Each is one transaction and tells who must know by e-mail.

Called by pages, API, admin, statement import and desk. Lock order: StatementLine and DeskItem are the caller's, taken
before; then Booking (by id), Slot, Payment (by id), Claim, Credit, ledger. Only `claim` speaks to Stripe, before its
transaction, to end an open card payment for the same instalment.
"""

from payments.manual.amounts import Instructions, instructions, offered, with_fee
from payments.manual.claiming import claim, reject, withdraw
from payments.manual.found import Found, Outcome, Part, Result
from payments.manual.receiving import as_credit, confirm, receive, record, split, unplaced
from payments.manual.reversing import reverse
from payments.manual.starting import lapse, start

__all__ = [
    "Found",
    "Instructions",
    "Outcome",
    "Part",
    "Result",
    "as_credit",
    "claim",
    "confirm",
    "instructions",
    "lapse",
    "offered",
    "receive",
    "record",
    "reject",
    "reverse",
    "split",
    "start",
    "unplaced",
    "with_fee",
    "withdraw",
]
