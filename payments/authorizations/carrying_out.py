"""Captured or released at Stripe, as decided; again by reconcile when the answer was lost."""

from django.db.models import F

from core import clock
from payments import closing, errors, facts, gateway, settlement
from payments.authorizations import deciding, following, noting
from payments.models import (
    OPEN_STATES,
    Authorization,
    Capture,
    Decision,
    GatewayAccount,
    Payment,
    PaymentState,
)

ATTEMPTS = 2


def capture(*, payment: Payment, actor: str, amount_minor: int | None = None, reason: str = "") -> Payment:
    """Take what the card promised, or `amount_minor` (principal) of it; the method fee is added by its rate.

    The rest is released by the card's bank, and stays open on the booking. Captured before: nothing happens. Raises
    NotCapturable, CaptureTooLarge, AlreadyPaid, TooSmallForCard (nothing done); GatewayUnknown, GatewayBusy (decided,
    and carried out later; trying again is safe).
    """
    account = _account(payment)
    _learn_if_behind(account, payment)
    row = deciding.capture(payment, amount_minor=amount_minor, actor=actor, reason=reason)
    if row is not None:
        _carry_out_capture(account, row)
    return Payment.objects.get(pk=payment.pk)


def void(*, payment: Payment, actor: str, reason: str = "") -> Payment:
    """Release what the card promised. Released or lapsed before: nothing happens.

    Raises NotVoidable when it was captured (a refund is the way back), or was never promised; GatewayUnknown (decided,
    and carried out later; trying again is safe).
    """
    account = _account(payment)
    row = deciding.void(payment, actor=actor, reason=reason)
    if row is not None:
        _carry_out_void(account, row)
    return Payment.objects.get(pk=payment.pk)


def finish(payment: Payment) -> None:
    """Carry out what staff decided when its answer was lost. Called by reconcile, after Stripe was asked."""
    row = Authorization.objects.select_related("payment").filter(payment=payment).first()
    if row is None or row.payment.state not in OPEN_STATES:
        return
    if row.decision == Decision.CAPTURE and row.payment.state == PaymentState.AUTHORIZED:
        _carry_out_capture(_account(payment), row)
    elif row.decision == Decision.VOID:
        _carry_out_void(_account(payment), row)


def _account(payment: Payment) -> GatewayAccount:
    return GatewayAccount.objects.select_related("merchant").get(merchant_id=payment.merchant_id)


def _learn_if_behind(account: GatewayAccount, payment: Payment) -> None:
    """Ask Stripe about a row that may be authorized already without our knowing."""
    is_behind = payment.capture == Capture.MANUAL and payment.state in OPEN_STATES - {PaymentState.AUTHORIZED}
    if is_behind and (intent := closing.intent_of(account, payment)):
        _learn(account, intent)


def _learn(account: GatewayAccount, intent: facts.Intent) -> None:
    if intent.state == PaymentState.SUCCEEDED:
        settlement.settle(account, facts.received_by_intent(intent))
    else:
        noting.note(account, intent, said_at=clock.now())


def _carry_out_capture(account: GatewayAccount, row: Authorization) -> None:
    payment = row.payment
    for _ in range(ATTEMPTS):
        intent = _ask_to_capture(account, row)
        if intent.state != PaymentState.AUTHORIZED:
            _learn(account, intent)
            if intent.state == PaymentState.SUCCEEDED:
                return
            payment.refresh_from_db()
            raise errors.NotCapturable(deciding.standing(payment))
        # Stripe failed and keeps saying so for this key, while nothing was captured.
        Authorization.objects.filter(pk=row.pk, attempt=row.attempt).update(attempt=F("attempt") + 1)
        row.refresh_from_db(fields=["attempt"])
    raise errors.GatewayUnknown()


def _ask_to_capture(account: GatewayAccount, row: Authorization) -> facts.Intent:
    """The intent after the request; as it stands when Stripe refused or failed. A lost answer raises GatewayUnknown."""
    intent_id = row.payment.stripe_payment_intent_id
    assert row.total_minor is not None
    try:
        return gateway.capture_intent(
            account,
            intent_id,
            key=f"capture:{row.payment.public_id}:{row.attempt}",
            amount_minor=row.total_minor,
        )
    except errors.GatewayStoredFailure:
        return gateway.retrieve_intent(account, intent_id)
    except errors.GatewayRefused:
        intent = gateway.retrieve_intent(account, intent_id)
        if intent.state == PaymentState.AUTHORIZED:
            raise
        return intent


def _carry_out_void(account: GatewayAccount, row: Authorization) -> None:
    money = closing.close(account, row.payment, reason="Released by staff")
    if money is not None:
        settlement.settle(account, money)
        raise errors.NotVoidable("It was captured at the same moment: give the money back by a refund.")
    following.keep_hold(row.payment)
