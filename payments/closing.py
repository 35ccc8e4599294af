"""Ending a card payment that somebody started: its session expired, its intent canceled.

Found paid, it is not closed: the money is handed back as facts, and the caller settles it. Never inside a
transaction.
"""

from collections.abc import Callable
from typing import TypeVar

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

T = TypeVar("T")
ACTOR = "system"


def close(
    account: GatewayAccount, payment: Payment, *, reason: str, keep_authorized: bool = False
) -> facts.Received | None:
    """End an open card payment at Stripe and here; the money, when it was paid after all.

    Raises PaymentInProgress while a bank is working on it, GatewayUnknown when Stripe does not answer: then it
    stays open. Money that a card promised is released, or kept with AlreadyAuthorized when `keep_authorized`.
    """
    if payment.mode == CheckoutMode.HOSTED:
        intent = _close_session(account, payment, reason=reason)
    else:
        intent = intent_of(account, payment)
    if intent is None:
        cancel_row(payment, reason=reason)
        return None
    if keep_authorized and intent.state == PaymentState.AUTHORIZED:
        progress.note_intent(account, intent, said_at=clock.now())
        raise errors.AlreadyAuthorized()
    if intent.state not in (PaymentState.SUCCEEDED, PaymentState.CANCELED, PaymentState.PROCESSING):
        intent = gateway.cancel_intent(account, intent.id)
    if intent.state == PaymentState.SUCCEEDED:
        return facts.received_by_intent(intent)
    if intent.state != PaymentState.CANCELED:
        progress.note_intent(account, intent, said_at=clock.now())
        raise errors.PaymentInProgress()
    cancel_row(payment, reason=reason)
    return None


def _close_session(account: GatewayAccount, payment: Payment, *, reason: str) -> facts.Intent | None:
    """Expire the session; its intent when it has one, for an expired session's intent is canceled by Stripe."""
    session = session_of(account, payment)
    if session is None:
        return None
    if session.is_open:
        session = gateway.expire_session(account, session.id)
    progress.note_session(account, session)
    if not session.is_complete or not session.intent_id:
        return None
    return gateway.retrieve_intent(account, session.intent_id)


def intent_of(account: GatewayAccount, payment: Payment) -> facts.Intent | None:
    """The row's intent as it is now; None when Stripe has none: never made, or made in another account."""
    if payment.stripe_payment_intent_id:
        return _unless_missing(lambda: gateway.retrieve_intent(account, payment.stripe_payment_intent_id))
    found = look_for(account, payment)
    assert not isinstance(found, facts.Session)
    return found


def session_of(account: GatewayAccount, payment: Payment) -> facts.Session | None:
    """The row's Checkout Session as it is now; None when Stripe has none."""
    if payment.stripe_checkout_session_id:
        return _unless_missing(lambda: gateway.retrieve_session(account, payment.stripe_checkout_session_id))
    found = look_for(account, payment)
    assert not isinstance(found, facts.Intent)
    return found


def _unless_missing(retrieve: Callable[[], T]) -> T | None:
    try:
        return retrieve()
    except errors.GatewayRefused as refusal:
        if refusal.reason != "resource_missing":
            raise
        return None


def look_for(account: GatewayAccount, payment: Payment) -> facts.Intent | facts.Session | None:
    """What Stripe made for this row, found by customer and metadata; None proves that it made nothing."""
    find = gateway.find_session if payment.mode == CheckoutMode.HOSTED else gateway.find_intent
    customer = customer_id(account, payment)
    if not customer:
        return None
    return _unless_missing(
        lambda: find(account, customer_id=customer, payment_public_id=str(payment.public_id))
    )


def customer_id(account: GatewayAccount, payment: Payment) -> str:
    """Stripe's id of the payment's customer, empty when nothing was ever sent there."""
    known = GatewayCustomer.objects.filter(gateway_account=account, customer=payment.customer).first()
    return known.stripe_customer_id if known else ""


@transaction.atomic
def cancel_row(payment: Payment, *, reason: str) -> None:
    """End the row alone, when nothing at Stripe can be paid for it."""
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    locked.transition_to(PaymentState.CANCELED, actor=ACTOR, reason=reason, save=["updated_at"])
