"""Customers at Stripe (cus_…)."""

from collections.abc import Mapping

from payments.gateway import calling
from payments.models import GatewayAccount


def create_customer(
    account: GatewayAccount, *, key: str, email: str, name: str, metadata: Mapping[str, str]
) -> str:
    """Returns Stripe's customer id."""
    params = {"email": email, "name": name, "metadata": dict(metadata)}
    return calling.call(account, lambda v1: v1.customers.create(params, calling.key(key)))["id"]
