"""Staff charge a saved card for a booking's next instalment while its customer is away.

The amount is the plan's. It is the instalment's one open card payment and its one intent that is charged, the same that
the customer's pay page would complete: so nobody pays twice, whoever comes first. Each try is a row before Stripe is
asked, and its key. A decline is an attempt and leaves the payment pending; when the bank wants the customer, the
payment waits for them, and an e-mail leads them to it. Called by the API, the console and reconcile, never inside a
transaction. Lock order: Booking, Payment.
"""

from datetime import timedelta

from django.db import transaction

from bookings.models import Booking
from core import clock
from payments import checkout, errors, facts, gateway, notices, progress, settlement
from payments.models import (
    OPEN_STATES,
    CardCharge,
    ChargeOutcome,
    CheckoutMode,
    GatewayAccount,
    Payment,
    PaymentState,
    SavedCard,
)

ATTEMPTS = 2
KEY_LIFE = timedelta(hours=23)  # Stripe keeps an idempotency key for 24 h at least.
IN_FLIGHT = timedelta(minutes=2)  # So long a request without an answer may still be on its way.


def charge(*, booking: Booking, card: SavedCard, actor: str, purpose: str = "", reason: str = "") -> Payment:
    """Charge the card; the payment as it is then: succeeded, processing, or waiting for the customer.

    Raises CardNotUsable, AlreadyPaid, NothingToPay, PaymentInProgress, AlreadyAuthorized (nothing done), CardDeclined
    (nothing charged), GatewayBusy (try again) and GatewayUnknown (being asked for; trying again is safe).
    """
    _check(card, booking)
    started = checkout.start(booking=booking, purpose=purpose, mode=CheckoutMode.ELEMENT, actor=actor)
    account = GatewayAccount.objects.select_related("merchant").get(merchant_id=booking.merchant_id)
    row = _reserve(started.payment, card, actor=actor, reason=reason)
    for _ in range(ATTEMPTS):
        intent, was_reached = _ask(account, row)
        if was_reached:
            return _record(account, row, intent)
        row = _again(row)
    raise errors.GatewayUnknown()


def finish(account: GatewayAccount, payment: Payment, intent: facts.Intent) -> None:
    """Note how a try ended whose answer was lost, now that Stripe was asked. It is never sent again by itself."""
    row = payment.card_charges.filter(outcome=ChargeOutcome.UNKNOWN).select_related("card").last()
    if row is None:
        return
    row.payment = payment
    if not _was_reached(row, intent):
        _close(row, ChargeOutcome.NOT_MADE)
        return
    try:
        _record(account, row, intent)
    except errors.CardDeclined:
        return


def tidy() -> int:
    """Close tries whose payment was settled or ended by other news meanwhile; how many."""
    late = CardCharge.objects.filter(outcome=ChargeOutcome.UNKNOWN).exclude(payment__state__in=OPEN_STATES)
    rows = list(late.select_related("payment", "card"))
    for row in rows:
        paid = row.payment.received_minor and row.payment.card_last4 == row.card.last4
        _close(row, ChargeOutcome.SUCCEEDED if paid else ChargeOutcome.NOT_MADE)
    return len(rows)


def _check(card: SavedCard, booking: Booking) -> None:
    if card.customer_id != booking.customer_id or card.merchant_id != booking.merchant_id:
        raise errors.CardNotUsable("This card is not the booking's customer's.")
    if card.detached_at is not None or card.gateway_customer_id is None:
        raise errors.CardNotUsable("The customer removed this card.")
    if card.setup_id is None:
        raise errors.CardNotUsable(
            "The customer did not agree to be charged with this card while they are away."
        )


@transaction.atomic
def _reserve(payment: Payment, card: SavedCard, *, actor: str, reason: str) -> CardCharge:
    """The row of this try. One with the same card that has no answer yet is sent again under its own key."""
    booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(payments=payment)
    if booking.state not in checkout.PAYABLE:
        raise errors.NothingToPay("The booking ended at this moment.")
    payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    last = payment.card_charges.select_related("card").last()
    _refuse_unready(payment, last=last, card=card)
    payment.save(update_fields=["updated_at"])  # Reconcile counts from here.
    if last is not None and last.outcome == ChargeOutcome.UNKNOWN:
        if last.card_id == card.pk and last.created_at > clock.now() - KEY_LIFE:
            last.payment = payment
            return last
        if last.created_at > clock.now() - IN_FLIGHT:
            raise errors.GatewayBusy("Another charge is on its way. Please look again in two minutes.")
        _close(last, ChargeOutcome.NOT_MADE)
    return _new(payment, card, number=last.number + 1 if last else 1, actor=actor, reason=reason)


def _new(payment: Payment, card: SavedCard, *, number: int, actor: str, reason: str) -> CardCharge:
    return CardCharge.objects.create(
        payment=payment, card=card, number=number, actor=actor, reason=reason[:500]
    )


def _refuse_unready(payment: Payment, *, last: CardCharge | None, card: SavedCard) -> None:
    if payment.state == PaymentState.SUCCEEDED:
        raise errors.AlreadyPaid()
    if payment.state not in OPEN_STATES:
        raise errors.GatewayBusy("The payment ended at this moment. Please try again.")
    if payment.state == PaymentState.AUTHORIZED:
        raise errors.AlreadyAuthorized("A card is authorized for this: capture that.")
    if payment.state == PaymentState.PROCESSING:
        raise errors.PaymentInProgress()
    if payment.state == PaymentState.REQUIRES_ACTION:
        if last is None or last.outcome != ChargeOutcome.NEEDS_CUSTOMER:
            raise errors.PaymentInProgress(
                "The customer is confirming a payment with their bank at this moment."
            )
        if last.card_id == card.pk:
            raise errors.PaymentInProgress(
                "The bank wants the customer for this card; they were written to. Wait for them, or use another card."
            )


def _ask(account: GatewayAccount, row: CardCharge) -> tuple[facts.Intent, bool]:
    """The intent after the request, and whether the request had an end there. A lost answer raises GatewayUnknown."""
    intent_id = row.payment.stripe_payment_intent_id
    try:
        confirmed = gateway.confirm_intent(
            account,
            intent_id,
            key=f"charge:{row.payment.public_id}:{row.number}",
            payment_method_id=row.card.stripe_payment_method_id,
        )
    except errors.GatewayStoredFailure:
        intent = gateway.retrieve_intent(account, intent_id)
        return intent, _was_reached(row, intent)
    except errors.GatewayRefused as refusal:
        intent = gateway.retrieve_intent(account, intent_id)
        if not (_is_the_banks(refusal) or _was_reached(row, intent)):
            _close(row, ChargeOutcome.NOT_MADE)
            raise errors.CardNotUsable("Stripe cannot charge this card any more.") from refusal
        return intent, True
    return confirmed, True


def _is_the_banks(refusal: errors.GatewayRefused) -> bool:
    return isinstance(refusal.payload, dict) and refusal.payload.get("type") == "card_error"


def _was_reached(row: CardCharge, intent: facts.Intent) -> bool:
    """Whether the intent shows an end of this try: it moved on, or it has a decline that we did not know of."""
    if intent.state not in (PaymentState.PENDING, PaymentState.REQUIRES_ACTION):
        return True
    decline = intent.decline
    if decline is None or not decline.source:
        return False
    known = row.payment.attempts.filter(source=decline.source).first()
    return known is None or known.created_at >= row.created_at


def _again(row: CardCharge) -> CardCharge:
    """Stripe failed, keeps saying so for this key, and charged nothing: the next try has another key."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=row.payment_id)
        _close(row, ChargeOutcome.NOT_MADE)
        last = payment.card_charges.last()
        assert last is not None
        return _new(payment, row.card, number=last.number + 1, actor=row.actor, reason=row.reason)


def _close(row: CardCharge, outcome: ChargeOutcome) -> bool:
    """Once: what is known of a try does not change any more."""
    open_rows = CardCharge.objects.filter(pk=row.pk, outcome=ChargeOutcome.UNKNOWN)
    return bool(open_rows.update(outcome=outcome))


def _record(account: GatewayAccount, row: CardCharge, intent: facts.Intent) -> Payment:
    if intent.state == PaymentState.SUCCEEDED:
        settlement.settle(account, facts.received_by_intent(intent))
        _close(row, ChargeOutcome.SUCCEEDED)
    elif intent.state == PaymentState.REQUIRES_ACTION:
        _wait_for_customer(account, row, intent)
    else:
        progress.note_intent(account, intent, said_at=clock.now())
        if intent.state == PaymentState.PENDING:
            _close(row, ChargeOutcome.DECLINED)
            raise _decline(row, intent)
        is_processing = intent.state == PaymentState.PROCESSING
        _close(row, ChargeOutcome.PROCESSING if is_processing else ChargeOutcome.NOT_MADE)
        if not is_processing:
            raise errors.GatewayBusy("The payment ended at this moment. Please try again.")
    return Payment.objects.get(pk=row.payment_id)


@transaction.atomic
def _wait_for_customer(account: GatewayAccount, row: CardCharge, intent: facts.Intent) -> None:
    """The bank wants the customer: they are written to, once, in the transaction that says so."""
    booking = Booking.objects.select_related("merchant").get(payments=row.payment)
    progress.note_intent(account, intent, said_at=clock.now())
    if _close(row, ChargeOutcome.NEEDS_CUSTOMER):
        notices.bank_wants_customer(row, payment=row.payment, booking=booking)


def _decline(row: CardCharge, intent: facts.Intent) -> errors.CardDeclined:
    decline = intent.decline
    assert decline is not None
    return errors.CardDeclined(
        decline.message,
        reason=decline.code,
        decline_code=decline.decline_code,
        payment=str(row.payment.public_id),
    )
