"""One balance transaction into the ledger, under its lock, once."""

from django.db import transaction

from core import clock
from payments import desk, disputes, ledger
from payments.models import (
    Account,
    BalanceTransaction,
    DeskKind,
    GatewayAccount,
    Payment,
)

CHARGES = frozenset({"charge", "payment"})
REFUNDS = frozenset({"refund", "payment_refund"})
REFUND_FAILURES = frozenset({"refund_failure", "payment_failure_refund"})
PAYOUTS = frozenset({"payout", "payout_cancel", "payout_failure"})


def is_booked(account: GatewayAccount, row: BalanceTransaction) -> bool:
    return bool(ledger.is_posted(merchant=account.merchant, source_keys=[f"bt:{row.stripe_id}"]))


@transaction.atomic
def post(account: GatewayAccount, row: BalanceTransaction, *, charge_id: str = "") -> bool:
    """`charge_id`: which charge a dispute's movement is about, where it is known."""
    row = BalanceTransaction.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
    if row.posted_at is not None:
        return False
    if row.type in CHARGES:
        done = _post_charge_fees(account, row)
    elif row.type in REFUNDS | REFUND_FAILURES:
        done = is_booked(account, row)
    else:
        done = _post_other(account, row, payment=_payment_of(account, charge_id))
    if done:
        row.posted_at = clock.now()
        row.save(update_fields=["posted_at"])
    return done


def _payment_of(account: GatewayAccount, charge_id: str) -> Payment | None:
    if not charge_id:
        return None
    return Payment.objects.filter(merchant_id=account.merchant_id, stripe_charge_id=charge_id).first()


def _post_charge_fees(account: GatewayAccount, row: BalanceTransaction) -> bool:
    payment = _payment_of(account, row.source_id)
    if payment is None:
        return False
    Payment.objects.filter(pk=payment.pk).update(gateway_fee_minor=row.fee_minor)
    ledger.post(
        merchant=account.merchant,
        currency=row.currency,
        source_key=f"bt:{row.stripe_id}",
        description=f"Stripe's fee on {row.source_id}",
        occurred_at=row.stripe_created,
        payment=payment,
        lines=_fee_lines(row),
    )
    return True


def _fee_lines(row: BalanceTransaction) -> list[ledger.Line]:
    platform = sum(amount for kind, amount in row.fee_details if kind == "application_fee")
    return [
        ledger.debit(Account.GATEWAY_FEES, row.fee_minor - platform),
        ledger.debit(Account.PLATFORM_FEES, platform),
        ledger.credit(Account.CLEARING_STRIPE, row.fee_minor),
    ]


def _dispute_fee_lines(row: BalanceTransaction) -> list[ledger.Line]:
    return [
        ledger.debit(Account.DISPUTE_FEES, row.fee_minor),
        ledger.credit(Account.CLEARING_STRIPE, row.fee_minor),
    ]


def _post_other(account: GatewayAccount, row: BalanceTransaction, *, payment: Payment | None) -> bool:
    counter = Account.UNALLOCATED
    if row.type in PAYOUTS:
        counter = Account.PAYOUTS_IN_TRANSIT
    elif row.type == "stripe_fee":
        counter = Account.GATEWAY_FEES
    elif disputes.is_source(row.source_id):
        counter = Account.DISPUTES
    ledger.post(
        merchant=account.merchant,
        currency=row.currency,
        source_key=f"bt:{row.stripe_id}",
        description=f"Stripe's balance: {row.type}",
        occurred_at=row.stripe_created,
        payment=payment,
        lines=[
            ledger.debit(Account.CLEARING_STRIPE, row.amount_minor),
            ledger.credit(counter, row.amount_minor),
            *(_fee_lines(row) if counter != Account.DISPUTES else _dispute_fee_lines(row)),
        ],
    )
    if counter == Account.UNALLOCATED:
        desk.raise_item(
            merchant=account.merchant,
            kind=DeskKind.BALANCE_MOVED,
            key=f"balance:{row.stripe_id}",
            summary=f"Stripe's balance moved for another reason: {row.type}",
            evidence={
                "balance_transaction": row.stripe_id,
                "type": row.type,
                "net_minor": row.net_minor,
                "currency": row.currency,
                "source": row.source_id,
            },
        )
    return True
