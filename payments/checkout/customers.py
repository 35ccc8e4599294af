"""A customer as Stripe knows them (cus_…): made there once, anew when Stripe has them no more."""

import hashlib
import json

from bookings.models import Booking
from core import clock
from customers.models import Customer
from payments import errors, gateway
from payments.models import GatewayAccount, GatewayCustomer


def at_stripe(account: GatewayAccount, booking: Booking) -> str:
    """Stripe's id of the booking's customer."""
    known = _known(account, customer_id=booking.customer_id)
    return (known or _learned(account, booking.customer)).stripe_customer_id


def known_at_stripe(account: GatewayAccount, customer: Customer) -> GatewayCustomer:
    """The row of this customer at Stripe, made there when Stripe has them not."""
    return _known(account, customer_id=customer.pk) or _learned(account, customer)


def _known(account: GatewayAccount, *, customer_id: int) -> GatewayCustomer | None:
    return GatewayCustomer.objects.filter(gateway_account=account, customer_id=customer_id).first()


def _learned(account: GatewayAccount, customer: Customer) -> GatewayCustomer:
    row, _ = GatewayCustomer.objects.get_or_create(
        gateway_account=account,
        customer=customer,
        defaults={"stripe_customer_id": _create(account, customer)},
    )
    return row


def forget(account: GatewayAccount, stripe_customer_id: str) -> bool:
    """Stripe has this customer no more: the next payment makes a new one. Whether we knew them."""
    gone = GatewayCustomer.objects.filter(gateway_account=account, stripe_customer_id=stripe_customer_id)
    return bool(gone.delete()[0])


def _create(account: GatewayAccount, customer: Customer) -> str:
    """A second customer at Stripe would harm nobody; one who cannot pay for a day would be harmed.

    So the key holds what is sent (a name may change after a lost answer), and after a stored failure, or when the key's
    customer was deleted since, another key follows.
    """
    sent = {"email": customer.email, "name": customer.name}
    metadata = {"customer": str(customer.public_id)}
    digest = hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()[:16]
    key = f"customer:{customer.public_id}:{digest}"
    try:
        made = gateway.create_customer(account, key=key, metadata=metadata, **sent)
    except errors.GatewayStoredFailure:
        made = gateway.find_customer(account, email=customer.email, metadata=metadata)
    again = f"{key}:{clock.now():%Y%m%dT%H%M}"
    made = made or gateway.create_customer(account, key=again, metadata=metadata, **sent)
    if not made:
        raise errors.GatewayBusy()
    return made
