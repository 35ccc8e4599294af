"""The demonstration merchant, whole: catalogue and times, gateway account, and staff of each role who can sign in."""

from django.db import transaction

from bookings import demo as catalogue
from customers import opening
from customers.models import Merchant, Role
from customers.opening import SignIn
from payments import accounts

OWNER = "owner@example.com"
# So that a second person can agree to what the first one asks for, and a third may not.
COLLEAGUES = {"manager@example.com": Role.MANAGER, "clerk@example.com": Role.CLERK}


@transaction.atomic
def prepare(*, password: str = "") -> tuple[Merchant, list[SignIn]]:
    """Make what is missing of it. The sign-ins, the owner's first, hold a password only when they were made now."""
    merchant = catalogue.prepare()
    accounts.open_for(merchant)
    owner = opening.add_owner(merchant=merchant, email=OWNER, password=password, is_operator=True)
    colleagues = [
        opening.add_staff(merchant=merchant, email=email, role=role, password=password)
        for email, role in COLLEAGUES.items()
    ]
    return merchant, [owner, *colleagues]
