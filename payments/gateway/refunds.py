"""Refunds (re_…) and the charges (ch_…) that they take from."""

from collections.abc import Mapping
from typing import Any

from payments import facts
from payments.gateway import calling
from payments.models import GatewayAccount


def retrieve_charge(account: GatewayAccount, charge_id: str) -> Mapping[str, Any]:
    return calling.call(account, lambda v1: v1.charges.retrieve(charge_id)).to_dict()


def create_refund(
    account: GatewayAccount, *, key: str, charge_id: str, amount_minor: int, metadata: Mapping[str, str]
) -> facts.RefundNews:
    params: dict[str, Any] = {"charge": charge_id, "amount": amount_minor, "metadata": dict(metadata)}
    return facts.from_refund(
        calling.created(
            account,
            lambda v1: v1.refunds.create(params, calling.key(key)),
            again=lambda v1, id: v1.refunds.retrieve(id),
        )
    )


def retrieve_refund(account: GatewayAccount, refund_id: str) -> facts.RefundNews:
    return facts.from_refund(calling.call(account, lambda v1: v1.refunds.retrieve(refund_id)).to_dict())


def find_refund(account: GatewayAccount, *, charge_id: str, refund_public_id: str) -> facts.RefundNews | None:
    """The charge's refund that carries our refund's id; None is a proof of absence."""
    mine = calling.first(
        account,
        lambda v1: v1.refunds.list({"charge": charge_id, "limit": calling.LIST_LIMIT}),
        metadata={facts.REFUND_KEY: refund_public_id},
    )
    return facts.from_refund(mine) if mine else None
