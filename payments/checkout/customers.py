"""The booking's customer as Stripe knows them (cus_…), made there once."""

from bookings.models import Booking
from payments import gateway
from payments.models import GatewayAccount, GatewayCustomer


def at_stripe(account: GatewayAccount, booking: Booking) -> str:
    """Stripe's id of the booking's customer; created there once."""
    known = GatewayCustomer.objects.filter(gateway_account=account, customer_id=booking.customer_id).first()
    if known is not None:
        return known.stripe_customer_id
    customer = booking.customer
    stripe_id = gateway.create_customer(
        account,
        key=f"customer:{customer.public_id}",
        email=customer.email,
        name=customer.name,
        metadata={"customer": str(customer.public_id)},
    )
    row, _ = GatewayCustomer.objects.get_or_create(
        gateway_account=account, customer_id=booking.customer_id, defaults={"stripe_customer_id": stripe_id}
    )
    return row.stripe_customer_id
