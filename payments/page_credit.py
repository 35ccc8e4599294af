"""A signed-in customer's credit on the pay page. A booking's link alone shows none and spends none."""

from dataclasses import dataclass

from django.urls import reverse

from bookings.models import Booking
from customers.models import Customer
from payments import credit
from payments.page_state import noun_of


@dataclass(frozen=True, slots=True)
class Offer:
    """`use_minor` of `available_minor` would pay `noun`, or a part of it (`rest_minor` stays open)."""

    available_minor: int
    use_minor: int
    rest_minor: int
    noun: str
    purpose: str
    href: str


def offer(booking: Booking, *, customer: Customer | None) -> Offer | None:
    """What the signed-in customer could use on what is due next; None for anybody else, and without credit."""
    if customer is None or customer.pk != booking.customer_id:
        return None
    booking.customer = customer  # With its merchant, which the booking's own row was not loaded with.
    found = credit.spendable(booking)
    if found is None:
        return None
    part = found.instalment
    return Offer(
        available_minor=found.available_minor,
        use_minor=found.amount_minor,
        rest_minor=part.open_minor - found.amount_minor,
        noun=noun_of(part),
        purpose=part.purpose,
        href=reverse("payments:use-credit", kwargs={"code": booking.code}),
    )
