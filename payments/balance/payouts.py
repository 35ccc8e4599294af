"""Stripe's payouts at the bank: there once they arrived, and not any more when the bank sent them back.

That the money left Stripe's balance, or is back in it, its balance transactions post; this is the other half. Each
state that is told is Stripe's of this moment; what is posted of an old one is put right by `follow`.
"""

from datetime import timedelta

from django.db import transaction

from core import clock
from payments import facts, gateway, ledger
from payments.models import Account, GatewayAccount

# A bank may send money back some days after it arrived, which is some days after it was sent.
FOLLOWED_FOR = timedelta(days=30)


def follow(account: GatewayAccount) -> int:
    """Look at all recent payouts as Stripe has them now; how many were booked anew. Never inside a transaction."""
    recent = gateway.payouts(account, since=clock.now() - FOLLOWED_FOR)
    return sum(note(account, payout) for payout in list(recent))


def note(account: GatewayAccount, payout: facts.Payout) -> bool:
    """Book where the money is, if that is news."""
    if payout.is_paid:
        return _post(account, payout, key=_arrived(payout), arrived=True)
    was_there = ledger.is_posted(merchant=account.merchant, source_keys=[_arrived(payout)])
    if payout.came_back and was_there:
        return _post(account, payout, key=f"po:{payout.id}:returned", arrived=False)
    return False


def _arrived(payout: facts.Payout) -> str:
    return f"po:{payout.id}:paid"


@transaction.atomic
def _post(account: GatewayAccount, payout: facts.Payout, *, key: str, arrived: bool) -> bool:
    minor = payout.amount_minor if arrived else -payout.amount_minor
    return ledger.post(
        merchant=account.merchant,
        currency=payout.currency,
        source_key=key,
        description=f"Stripe's payout {'is at the bank' if arrived else 'came back from the bank'}",
        occurred_at=min(payout.arrives, clock.now()) if arrived else clock.now(),
        lines=[ledger.debit(Account.BANK, minor), ledger.credit(Account.PAYOUTS_IN_TRANSIT, minor)],
    )
