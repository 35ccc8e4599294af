"""Customers at Stripe (cus_…)."""

from collections.abc import Mapping

from payments.gateway import calling
from payments.models import GatewayAccount


def create_customer(
    account: GatewayAccount, *, key: str, email: str, name: str, metadata: Mapping[str, str]
) -> str:
    """Stripe's customer id; empty when this key made one earlier that was deleted since."""
    params = {"email": email, "name": name, "metadata": dict(metadata)}
    made = calling.created(
        account,
        lambda v1: v1.customers.create(params, calling.key(key)),
        again=lambda v1, id: v1.customers.retrieve(id),
    )
    return "" if made.get("deleted") else str(made["id"])


def find_customer(account: GatewayAccount, *, email: str, metadata: Mapping[str, str]) -> str:
    """The newest customer of this e-mail address that carries these values; empty is a proof of absence."""
    mine = calling.first(
        account,
        lambda v1: v1.customers.list({"email": email, "limit": calling.LIST_LIMIT}),
        metadata=metadata,
    )
    return str(mine["id"]) if mine else ""
