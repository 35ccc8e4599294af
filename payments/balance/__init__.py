"""Reading Stripe's balance into the ledger: each balance transaction once, and the tie-out that proves it.

A charge's gross was posted at settlement; its balance transaction adds the fees alone. Refunds, payouts and the
rest post whole. One that nobody understands goes to `unallocated` with a desk item. Never inside a transaction: it
calls Stripe.
"""

from payments.balance.comparing import TieOut, tie_out
from payments.balance.payouts import follow, note
from payments.balance.reading import post_due, read

__all__ = ["TieOut", "follow", "note", "post_due", "read", "tie_out"]
