"""A merchant and a customer of theirs, for tests of this room; it knows no bookings."""

from itertools import count

from customers.models import Customer, Merchant

_numbers = count(1)


def a_merchant(*, host: str = "", is_default: bool = False) -> Merchant:
    number = next(_numbers)
    return Merchant.objects.create(
        name=f"Kitchen {number}",
        slug=f"kitchen-{number}",
        email=f"kitchen{number}@example.com",
        host=host,
        is_default=is_default,
    )


def a_customer(merchant: Merchant, *, email: str = "") -> Customer:
    email = email or f"guest{next(_numbers)}@example.com"
    return Customer.objects.create(merchant=merchant, name="Ada Example", email=email)
