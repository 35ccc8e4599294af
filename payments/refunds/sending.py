"""Sending a refund to Stripe, outside any transaction. A lost answer is `unknown`, never repeated blindly."""

from django.db import transaction
from django.db.models import F

from payments import errors, facts, gateway
from payments.models import GatewayAccount, Refund, RefundState
from payments.refunds import holding, recording


def submit(refund: Refund) -> Refund:
    """Ask Stripe to refund, under the row's own key. Twice is harmless: the key, and the row's state, make it one."""
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=refund.payment.merchant_id)
    try:
        news = _send(account, refund)
    except errors.GatewayRefused as refusal:
        return _end(refund, RefundState.FAILED, why=refusal.detail)
    except errors.GatewayUnknown:
        return _end(refund, RefundState.UNKNOWN, why="Stripe did not answer")
    except (errors.GatewayBusy, errors.GatewayMisconfigured):
        return refund  # Nothing was done; reconcile sends it again under the same key.
    recording.record(account, news)
    return Refund.objects.get(pk=refund.pk)


def _send(account: GatewayAccount, refund: Refund) -> facts.RefundNews:
    """Create it at Stripe; after an error that Stripe stored, look for it, and try anew only when it is not there."""
    try:
        return _create(account, refund)
    except errors.GatewayStoredFailure:
        found = find(account, refund)
    if found is not None:
        return found
    Refund.objects.filter(pk=refund.pk, attempt=refund.attempt).update(attempt=F("attempt") + 1)
    refund.refresh_from_db(fields=["attempt"])
    return _create(account, refund)


def _create(account: GatewayAccount, refund: Refund) -> facts.RefundNews:
    return gateway.create_refund(
        account,
        key=f"refund:{refund.public_id}:{refund.attempt}",
        charge_id=refund.payment.stripe_charge_id,
        amount_minor=refund.total_minor,
        metadata={
            facts.REFUND_KEY: str(refund.public_id),
            facts.PAYMENT_KEY: str(refund.payment.public_id),
        },
    )


def find(account: GatewayAccount, refund: Refund) -> facts.RefundNews | None:
    """What Stripe made of this row, found by charge and metadata; None proves that it made nothing."""
    charge_id = refund.payment.stripe_charge_id
    return gateway.find_refund(account, charge_id=charge_id, refund_public_id=str(refund.public_id))


@transaction.atomic
def _end(refund: Refund, to: RefundState, *, why: str) -> Refund:
    booking, payment = holding.lock(refund.payment)
    refund = Refund.objects.select_for_update(of=("self",), no_key=True).get(pk=refund.pk)
    before = refund.state
    refund.failure_reason = why[:200] if to == RefundState.FAILED else ""
    if refund.transition_to(to, actor="stripe", reason=why[:200], save=["failure_reason", "updated_at"]):
        holding.move(refund, payment, booking, before=before)
    return refund
