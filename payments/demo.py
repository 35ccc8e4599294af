"""The demonstration merchant, whole: catalogue and times, gateway account, and an owner who can sign in."""

from django.db import transaction

from bookings import demo as catalogue
from customers import opening
from customers.models import Merchant
from customers.opening import SignIn
from payments import accounts

OWNER = "owner@example.com"


@transaction.atomic
def prepare(*, password: str = "") -> tuple[Merchant, SignIn]:
    """Make what is missing of it. The sign-in holds a password only when the account was made now."""
    merchant = catalogue.prepare()
    accounts.open_for(merchant)
    owner = opening.add_owner(merchant=merchant, email=OWNER, password=password, is_operator=True)
    return merchant, owner
