"""What every staff list and page is built from: scoping, read-only pages with panels, fields and filters.

The admins of customers, bookings and payments stand on these; nothing else imports them.
"""

from customers.console.base import DetailAdmin, ReadOnlyAdmin, ScopedAdmin
from customers.console.fields import MinorAmountField, PercentField, ScopedForm
from customers.console.filters import MerchantFilter
from customers.console.paging import CappedPaginator
from customers.console.people import people
from customers.console.shown import Figure, Panel, amount, badge, link, moment, pretty_json, stamp

__all__ = [
    "CappedPaginator",
    "DetailAdmin",
    "Figure",
    "MerchantFilter",
    "MinorAmountField",
    "Panel",
    "PercentField",
    "ReadOnlyAdmin",
    "ScopedAdmin",
    "ScopedForm",
    "amount",
    "badge",
    "link",
    "moment",
    "people",
    "pretty_json",
    "stamp",
]
