"""A customer's e-mail address changes when the link that went to the new one is used.

One transaction: the link is used, the customer has the address, verified; every other sign-in ends; bookings whose
contact was the old address get the new one, and their links in old messages open nothing any more. The old address is
told. Order of locks: the link, the customer, the bookings by id. Called by the account's pages.
"""

from django.db import IntegrityError, transaction

from bookings import access
from bookings.models import Booking
from core import clock
from customers import letters, links
from customers.errors import AddressTaken
from customers.models import Customer, LinkPurpose, Merchant


def confirm(*, merchant: Merchant, token: str) -> Customer:
    """The customer with the new address. LinkRefused, or AddressTaken (then nothing changed, the link included)."""
    try:
        with transaction.atomic():
            link, customer = links.take(merchant=merchant, token=token, purpose=LinkPurpose.NEW_EMAIL)
            _move(customer, email=link.email)
    except IntegrityError as error:
        raise AddressTaken(
            "There are other bookings under that address already. Please write to us, and we will bring them together."
        ) from error
    return customer


def _move(customer: Customer, *, email: str) -> None:
    before = customer.email
    customer.email = email
    customer.email_verified_at = clock.now()
    customer.sign_in_version += 1
    customer.save(update_fields=["email", "email_verified_at", "sign_in_version"])
    links.withdraw(customer)
    for booking in _contacted_at(before, customer=customer):
        booking.contact_email = email
        booking.save(update_fields=["contact_email"])
        access.withdraw(booking, actor="customer", reason="the contact's e-mail address changed")
    _tell(before, customer=customer)


def _contacted_at(email: str, *, customer: Customer) -> list[Booking]:
    rows = Booking.objects.filter(customer=customer, contact_email=email)
    return list(rows.select_for_update(of=("self",), no_key=True).order_by("id"))


def _tell(before: str, *, customer: Customer) -> None:
    merchant = customer.merchant
    letters.leave(
        "email_changed",
        merchant=merchant,
        key=f"email-changed:{customer.public_id}:{customer.sign_in_version}",
        to=before,
        subject=f"Your e-mail address for {merchant.name} was changed",
        context={"customer": customer},
    )
