"""What Stripe tells of a promise: made, with its card and day; lapsed."""

from datetime import datetime

from django.db import transaction

from payments import facts, progress
from payments.authorizations import following
from payments.models import Authorization, GatewayAccount, Payment, PaymentState


def note(account: GatewayAccount, intent: facts.Intent, *, said_at: datetime, event_id: str = "") -> str:
    """What an intent says short of money, as `progress.note_intent`, and what follows for the hold."""
    payment = progress.find(
        account,
        intent_id=intent.id,
        payment_public_id=intent.payment_public_id,
        customer_id=intent.customer_id,
    )
    if payment is None:
        return progress.note_intent(account, intent, said_at=said_at, event_id=event_id)
    with transaction.atomic():
        booking = following.lock_booking(payment)
        told = progress.note_intent(account, intent, said_at=said_at, event_id=event_id)
        following.follow(following.lock(payment), booking)
    return told


def note_promise(account: GatewayAccount, promise: facts.Promise, *, event_id: str = "") -> str:
    """The card behind an authorization and the day its bank lets go, as the uncaptured charge tells them."""
    payment = _promised(account, promise)
    if payment is None:
        return "not ours: its capture will tell"
    with transaction.atomic():
        booking = following.lock_booking(payment)
        payment = following.lock(payment)
        payment.card_brand, payment.card_last4 = promise.card_brand, promise.card_last4
        payment.stripe_payment_intent_id = payment.stripe_payment_intent_id or promise.intent_id
        told = ["card_brand", "card_last4", "stripe_payment_intent_id", "updated_at"]
        row, _ = Authorization.objects.get_or_create(payment=payment)
        if promise.capture_before and row.capture_before != promise.capture_before:
            row.capture_before = promise.capture_before
            row.save(update_fields=["capture_before"])
        if not payment.transition_to(
            PaymentState.AUTHORIZED, actor=following.ACTOR, event_id=event_id, save=told
        ):
            payment.save(update_fields=told)
        following.follow(payment, booking)
    return "noted: authorized"


def note_lapsed(account: GatewayAccount, promise: facts.Promise, *, event_id: str = "") -> str:
    """The card's bank let go of the money: nobody captured it in time."""
    payment = _promised(account, promise)
    if payment is None:
        return "not ours"
    with transaction.atomic():
        booking = following.lock_booking(payment)
        payment = following.lock(payment)
        moved = payment.transition_to(
            PaymentState.EXPIRED, actor=following.ACTOR, event_id=event_id, reason="The authorization lapsed"
        )
        following.follow(payment, booking)
    return "noted: expired" if moved else "nothing new"


def _promised(account: GatewayAccount, promise: facts.Promise) -> Payment | None:
    return progress.find(
        account,
        intent_id=promise.intent_id,
        payment_public_id=promise.payment_public_id,
        customer_id=promise.customer_id,
    )
