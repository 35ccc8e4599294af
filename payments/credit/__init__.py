"""A customer's credit: what a merchant owes them, kept in lots and in the ledger, spent on what is due next.

Invariant: the lots' remainders of a merchant and currency are what the ledger holds on customer_credit. Every function
that moves something runs inside the transaction that books the same on the ledger. Lock order: Booking, Payment,
Refund, Credit.
"""

from payments.credit.giving import expire_due, from_deposits, grant, keep
from payments.credit.lots import available, of
from payments.credit.spending import spend, spendable
from payments.credit.taking import give_back, owed_for, take, unspend

__all__ = [
    "available",
    "expire_due",
    "from_deposits",
    "give_back",
    "grant",
    "keep",
    "of",
    "owed_for",
    "spend",
    "spendable",
    "take",
    "unspend",
]
