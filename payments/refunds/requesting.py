"""Asking for a refund under lock, and sending it to Stripe outside any transaction.

A lost answer is `unknown` and is asked for, never repeated blindly.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from core.errors import Invalid
from payments import errors, facts, gateway
from payments.models import GatewayAccount, Payment, Refund, RefundState
from payments.refunds import amounts, holding, recording


def request(
    *,
    payment: Payment,
    amount_minor: int,
    cause: str,
    reason: str,
    requested_by: User | None,
    actor: str,
    request_key: str = "",
) -> Refund:
    """Refund `amount_minor` of principal plus its share of the method fee; the same `request_key` again, the same row.

    Answers with the refund as Stripe left it: succeeded, pending, failed or unknown (being asked for). Raises
    NotRefundable, RefundTooLarge, Invalid; then nothing changed.
    """
    if not reason.strip():
        raise Invalid("Say why: the reason is kept with the refund.", fields={"reason": "Say why."})
    refund, created = _request(
        payment, amount_minor, cause, reason.strip(), requested_by=requested_by, actor=actor, key=request_key
    )
    return submit(refund) if created else refund


@transaction.atomic
def _request(
    payment: Payment,
    amount_minor: int,
    cause: str,
    reason: str,
    *,
    requested_by: User | None,
    actor: str,
    key: str,
) -> tuple[Refund, bool]:
    booking, payment = holding.lock(payment)
    if key and (earlier := payment.refunds.filter(request_key=key).first()):
        return earlier, False
    planned = amounts.preview(payment=payment, amount_minor=amount_minor, cause=cause)
    refund = Refund.objects.create(
        payment=payment,
        cause=cause,
        reason=reason,
        currency=payment.currency,
        amount_minor=planned.amount_minor,
        fee_minor=planned.fee_minor,
        total_minor=planned.total_minor,
        from_credit_minor=planned.amount_minor if cause in amounts.FROM_CREDIT else 0,
        tax_minor=planned.tax_minor,
        requested_by=requested_by,
        request_key=key,
    )
    holding.reserve(refund, booking, payment)
    refund.transition_to(RefundState.APPROVED, actor=actor, reason="needs no second person")
    refund.transition_to(RefundState.SUBMITTED, actor=actor)
    return refund, True


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
