"""Ending a card payment that somebody started: its session expired, its intent canceled.

Found paid, it is not closed: the money is handed back as facts, and the caller settles it. Never inside a
transaction.
"""

from django.db import transaction

from core import clock
from payments import errors, facts, gateway, progress
from payments.models import (
    CheckoutMode,
    GatewayAccount,
    GatewayCustomer,
    Payment,
    PaymentState,
)

ACTOR = "system"


def close(account: GatewayAccount, payment: Payment, *, reason: str) -> facts.Received | None:
    """End an open card payment at Stripe and here; the money, when it was paid after all.

    Raises PaymentInProgress while a bank is working on it, GatewayUnknown when Stripe does not answer: then it
    stays open.
    """
    if payment.mode == CheckoutMode.HOSTED:
        intent = _close_session(account, payment, reason=reason)
    else:
        intent = _intent_of(account, payment)
    if intent is None:
        _mark(payment, PaymentState.CANCELED, reason=reason)
        return None
    if intent.state not in (PaymentState.SUCCEEDED, PaymentState.CANCELED, PaymentState.PROCESSING):
        intent = gateway.cancel_intent(account, intent.id)
    if intent.state == PaymentState.SUCCEEDED:
        return facts.received_by_intent(intent)
    if intent.state != PaymentState.CANCELED:
        progress.note_intent(account, intent, said_at=clock.now())
        raise errors.PaymentInProgress()
    _mark(payment, PaymentState.CANCELED, reason=reason)
    return None


def _close_session(account: GatewayAccount, payment: Payment, *, reason: str) -> facts.Intent | None:
    """Expire the session; its intent when it has one, for an expired session's intent is canceled by Stripe."""
    session_id = payment.stripe_checkout_session_id
    if not session_id:
        found = gateway.find_session(
            account, customer_id=customer_id(account, payment), payment_public_id=str(payment.public_id)
        )
        if found is None:
            return None
        session_id = found.id
    session = gateway.expire_session(account, session_id)
    progress.note_session(account, session)
    if not session.is_complete or not session.intent_id:
        return None
    return gateway.retrieve_intent(account, session.intent_id)


def _intent_of(account: GatewayAccount, payment: Payment) -> facts.Intent | None:
    if payment.stripe_payment_intent_id:
        return gateway.retrieve_intent(account, payment.stripe_payment_intent_id)
    customer = customer_id(account, payment)
    if not customer:
        return None
    return gateway.find_intent(account, customer_id=customer, payment_public_id=str(payment.public_id))


def customer_id(account: GatewayAccount, payment: Payment) -> str:
    """Stripe's id of the payment's customer, empty when nothing was ever sent there."""
    known = GatewayCustomer.objects.filter(gateway_account=account, customer=payment.customer).first()
    return known.stripe_customer_id if known else ""


@transaction.atomic
def _mark(payment: Payment, to: PaymentState, *, reason: str) -> None:
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    locked.transition_to(to, actor=ACTOR, reason=reason, save=["updated_at"])
