"""A transfer as staff or a statement found it, into which parts it goes, and what became of them. No database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth.models import User

from bookings.models import Booking
from core import clock
from core.errors import Invalid
from customers.models import Customer, Merchant
from payments.models import MANUAL_METHODS, Payment, StatementLine, Transfer

OLDEST = timedelta(days=5 * 366)
MOST_MINOR = 10**10


@dataclass(frozen=True, kw_only=True)
class Found:
    """A transfer as it was found. `request_key` is the form's (or the import's) own: the same one records once."""

    merchant: Merchant
    method: str
    amount_minor: int
    currency: str
    received_on: date
    by: User | None
    reference: str = ""
    sender_name: str = ""
    note: str = ""
    request_key: str = ""
    statement_line: StatementLine | None = None

    @property
    def actor(self) -> str:
        return f"user:{self.by.pk}" if self.by else "system"


@dataclass(frozen=True, kw_only=True)
class Part:
    """So much of it for a booking's next instalment, or, without a booking, for a customer's credit; for neither, it is
    unallocated. `payment` is the one that was claimed; purpose `full` lets the part pay all that is open.
    """

    amount_minor: int
    booking: Booking | None = None
    purpose: str = ""
    payment: Payment | None = None
    customer: Customer | None = None


@dataclass(frozen=True)
class Result:
    """What became of one part. `short_minor` of principal is still open on its instalment, `forgiven_minor` is not
    asked for (cash that was a few cents short); `refusal` is the desk item's kind, empty when all of it fits.
    """

    payment: Payment
    placed_minor: int
    fee_minor: int
    credit_minor: int
    unallocated_minor: int
    short_minor: int
    refusal: str
    forgiven_minor: int = 0


@dataclass(frozen=True)
class Outcome:
    """`is_new` is False when the same request had been recorded before: nothing happened now."""

    transfer: Transfer
    results: tuple[Result, ...]
    is_new: bool = True

    @property
    def short_minor(self) -> int:
        return sum(result.short_minor for result in self.results)

    @property
    def credit_minor(self) -> int:
        return sum(result.credit_minor for result in self.results)


def check(found: Found, *, parts: Sequence[Part]) -> None:
    """Raises Invalid, by field, for amounts, days or parts that cannot be."""
    fields = {}
    if found.method not in MANUAL_METHODS:
        fields["method"] = "Zelle, Venmo, cash or check."
    if found.amount_minor > MOST_MINOR:
        fields["amount"] = "So much is not recorded here: check the amount."
    elif found.amount_minor <= 0 or any(part.amount_minor <= 0 for part in parts):
        fields["amount"] = "The amount must be more than zero."
    elif sum(part.amount_minor for part in parts) != found.amount_minor:
        fields["amount"] = "The parts do not sum to what was received."
    bookings = [part.booking.pk for part in parts if part.booking]
    if len(bookings) != len(set(bookings)):
        fields["parts"] = "Name each booking once."
    today = clock.today(found.merchant.timezone)
    if found.received_on > today:
        fields["received_on"] = "That day is still to come."
    elif found.received_on < today - OLDEST:
        fields["received_on"] = "That day is more than five years ago: check the year."
    if fields:
        raise Invalid(" ".join(fields.values()), fields=fields)
    for part in parts:
        owner = part.booking or part.customer
        if owner is not None and owner.merchant_id != found.merchant.pk:
            raise Invalid("A part names another merchant's booking or customer.")
        if part.booking is not None and part.booking.currency != found.currency:
            raise Invalid("The booking is in another currency.", fields={"amount": "Another currency."})
