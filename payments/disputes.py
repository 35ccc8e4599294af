"""What a dispute does to the books: its money is taken out of Stripe's balance, then lost or given back.

`accounts_of` says where a movement of the balance that belongs to a dispute goes; `closed` books the outcome, once. The
answer to a dispute is given at Stripe. Never calls Stripe.
"""

from django.db import transaction
from django.db.models import Sum

from core import clock
from payments import errors, ledger
from payments.models import (
    Account,
    BalanceTransaction,
    GatewayAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
)

SOURCES = ("dp_", "du_", "pdp_")  # Ids of disputes, by the age of the account.


def stands_against(payment: Payment) -> bool:
    """Whether the payment's money, or a part of it, was taken out of Stripe's balance by a dispute, open or lost."""
    own = LedgerEntry.objects.filter(payment=payment, account__in=[Account.DISPUTES, Account.DISPUTE_LOSSES])
    taken = own.order_by().values("account").annotate(minor=Sum("amount_minor")).filter(minor__gt=0)
    return taken.exists()


def is_source(source_id: str) -> bool:
    """Whether a movement of Stripe's balance belongs to a dispute."""
    return source_id.startswith(SOURCES)


@transaction.atomic
def closed(account: GatewayAccount, *, dispute_id: str, charge_id: str, is_lost: bool) -> str:
    """Lost: what was withdrawn is a loss. Won, also after it was lost: a loss that was booked is reversed.

    Raises NotYet while the withdrawal is not in the ledger: the loss has nothing to stand on yet.
    """
    payment = Payment.objects.filter(merchant_id=account.merchant_id, stripe_charge_id=charge_id).first()
    lost = LedgerTransaction.objects.filter(
        merchant=account.merchant,
        source_key__startswith=f"dispute-lost:{dispute_id}:",
        reversed_by__isnull=True,
    ).first()
    if not is_lost:
        return _reverse(lost, dispute_id=dispute_id) if lost else "nothing was lost"
    if lost is not None:
        return "booked before"
    withdrawn, currency = _withdrawn(account, dispute_id)
    if withdrawn <= 0:
        raise errors.NotYet(f"Dispute {dispute_id}: its withdrawal is not in the ledger yet.")
    times = LedgerTransaction.objects.filter(source_key__startswith=f"dispute-lost:{dispute_id}:").count()
    ledger.post(
        merchant=account.merchant,
        currency=currency,
        source_key=f"dispute-lost:{dispute_id}:{times + 1}",
        description=f"Dispute {dispute_id} lost",
        occurred_at=clock.now(),
        lines=[ledger.debit(Account.DISPUTE_LOSSES, withdrawn), ledger.credit(Account.DISPUTES, withdrawn)],
        payment=payment,
    )
    return "the loss is booked"


def _reverse(lost: LedgerTransaction, *, dispute_id: str) -> str:
    ledger.reverse(
        posted=lost,
        source_key=f"{lost.source_key.replace('lost', 'won')}",
        description=f"Dispute {dispute_id} won after all",
        occurred_at=clock.now(),
    )
    return "the loss is reversed"


def _withdrawn(account: GatewayAccount, dispute_id: str) -> tuple[int, str]:
    """What stands on `disputes` for it, in minor units, and its currency."""
    rows = BalanceTransaction.objects.filter(
        gateway_account=account, source_id=dispute_id, posted_at__isnull=False
    )
    keys = [f"bt:{row.stripe_id}" for row in rows]
    entries = LedgerEntry.objects.filter(
        transaction__merchant=account.merchant, transaction__source_key__in=keys, account=Account.DISPUTES
    )
    total: int = entries.aggregate(total=Sum("amount_minor", default=0))["total"]
    return total, rows[0].currency if rows else ""
