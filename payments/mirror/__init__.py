"""dj-stripe's tables as a mirror of Stripe, for staff to read: never for deciding about money.

`store` writes what an event carries, `keep` what was fetched, each by one upsert built from dj-stripe's model
fields, with no call to Stripe. What an event cannot tell for certain is marked, and `refetch_due` fetches it,
outside any transaction.

Invariants: a row never goes back to an older state; a row of one Stripe account is never written for another;
a row points only to rows of its own account. With the admin the only place that imports dj-stripe.
"""

from payments.mirror.refetching import learn_accounts, refetch_due
from payments.mirror.rows import Outcome, Result
from payments.mirror.storing import keep, store

__all__ = ["Outcome", "Result", "keep", "learn_accounts", "refetch_due", "store"]
