"""Starting a card payment: one click, one charge.

Short transaction (our row), no transaction (Stripe), short transaction (Stripe's ids). The amount is the plan's,
never the request's. At most one open card payment per instalment: one that fits is taken up again, one that does
not is ended first. The idempotency key is our row and its attempt; a lost answer leaves the row `unknown` and the
same key is used again; after an error that Stripe stored, the object is looked for, and a new attempt follows only
when it is proven absent.

`starting` is the click, `opening` what the customer can pay, `creating` what Stripe is asked to make.
"""

from payments.checkout.amounts import Due, due
from payments.checkout.customers import forget as forget_customer
from payments.checkout.customers import known_at_stripe
from payments.checkout.opening import Started, end
from payments.checkout.starting import PAYABLE, start
from payments.closing import look_for

__all__ = [
    "PAYABLE",
    "Due",
    "Started",
    "due",
    "end",
    "forget_customer",
    "known_at_stripe",
    "look_for",
    "start",
]
