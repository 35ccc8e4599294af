"""Money that a card promised: noted, captured or released by staff, or lapsed.

A promise is no money: nothing is posted, and the booking is confirmed by its capture alone. A held booking stays held
as long as the promise lasts. What staff decide is a row before Stripe is asked, so that a lost answer is carried out
by reconcile; Stripe lets an authorization be captured or released once, whoever comes first. Lock order: Booking,
Payment. Called by the API, the console, events, checkout and reconcile; `capture`, `void` and `finish` never inside a
transaction.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from bookings import lifecycle, minimums
from bookings.models import Booking, BookingState
from bookings.pricing import method_fee
from core import clock
from core.money import format_minor
from payments import closing, errors, facts, gateway, progress, settlement
from payments.models import (
    OPEN_STATES,
    Authorization,
    Capture,
    Decision,
    GatewayAccount,
    Payment,
    PaymentState,
)

ACTOR = "stripe"
ATTEMPTS = 2
LASTS = timedelta(days=7)  # Until Stripe tells the card's own day.
COUNTS = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)
OVER = (PaymentState.CANCELED, PaymentState.EXPIRED, PaymentState.FAILED)


# What Stripe tells ---------------------------------------------------------------------------------


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
        booking = _lock_booking(payment)
        told = progress.note_intent(account, intent, said_at=said_at, event_id=event_id)
        _follow(_lock(payment), booking)
    return told


def note_promise(account: GatewayAccount, promise: facts.Promise, *, event_id: str = "") -> str:
    """The card behind an authorization and the day its bank lets go, as the uncaptured charge tells them."""
    payment = progress.find(
        account,
        intent_id=promise.intent_id,
        payment_public_id=promise.payment_public_id,
        customer_id=promise.customer_id,
    )
    if payment is None:
        return "not ours: its capture will tell"
    with transaction.atomic():
        booking = _lock_booking(payment)
        payment = _lock(payment)
        payment.card_brand, payment.card_last4 = promise.card_brand, promise.card_last4
        payment.stripe_payment_intent_id = payment.stripe_payment_intent_id or promise.intent_id
        told = ["card_brand", "card_last4", "stripe_payment_intent_id", "updated_at"]
        row, _ = Authorization.objects.get_or_create(payment=payment)
        if promise.capture_before and row.capture_before != promise.capture_before:
            row.capture_before = promise.capture_before
            row.save(update_fields=["capture_before"])
        if not payment.transition_to(PaymentState.AUTHORIZED, actor=ACTOR, event_id=event_id, save=told):
            payment.save(update_fields=told)
        _follow(payment, booking)
    return "noted: authorized"


def note_lapsed(account: GatewayAccount, promise: facts.Promise, *, event_id: str = "") -> str:
    """The card's bank let go of the money: nobody captured it in time."""
    payment = progress.find(
        account,
        intent_id=promise.intent_id,
        payment_public_id=promise.payment_public_id,
        customer_id=promise.customer_id,
    )
    if payment is None:
        return "not ours"
    with transaction.atomic():
        booking = _lock_booking(payment)
        payment = _lock(payment)
        moved = payment.transition_to(
            PaymentState.EXPIRED, actor=ACTOR, event_id=event_id, reason="The authorization lapsed"
        )
        _follow(payment, booking)
    return "noted: expired" if moved else "nothing new"


@transaction.atomic
def keep_hold(payment: Payment) -> None:
    """Let the hold last as long as the promise; what is over gives the date back."""
    booking = _lock_booking(payment)
    _follow(_lock(payment), booking)


def _lock_booking(payment: Payment) -> Booking | None:
    if payment.booking_id is None:
        return None
    return (
        Booking.objects.select_for_update(of=("self",), no_key=True)
        .select_related("merchant")
        .get(pk=payment.booking_id)
    )


def _lock(payment: Payment) -> Payment:
    return Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)


def _follow(payment: Payment, booking: Booking | None) -> None:
    """The hold, under both locks: as long as the promise while there is one, else the merchant's hold from now on."""
    if booking is None or booking.state != BookingState.HELD or payment.capture != Capture.MANUAL:
        return
    if payment.state == PaymentState.AUTHORIZED:
        row, _ = Authorization.objects.get_or_create(payment=payment)
        if row.capture_before is None:
            row.capture_before = clock.now() + LASTS
            row.save(update_fields=["capture_before"])
        lifecycle.keep_held(
            booking,
            until=row.capture_before,
            actor=ACTOR,
            reason=f"Held while its card is authorized, until {booking.local(row.capture_before):%Y-%m-%d %H:%M}",
        )
    elif payment.state in OVER and booking.hold_expires_at is not None:
        end = clock.now() + timedelta(minutes=booking.merchant.hold_minutes)
        if booking.hold_expires_at > end and not _is_promised(booking):
            lifecycle.keep_held(booking, until=end, actor=ACTOR, reason="Its authorization is over")


def _is_promised(booking: Booking) -> bool:
    return booking.payments.filter(state=PaymentState.AUTHORIZED).exists()


# What staff decide -----------------------------------------------------------------------------------


def capture(*, payment: Payment, actor: str, amount_minor: int | None = None, reason: str = "") -> Payment:
    """Take what the card promised, or `amount_minor` (principal) of it; the method fee is added by its rate.

    The rest is released by the card's bank, and stays open on the booking. Captured before: nothing happens. Raises
    NotCapturable, CaptureTooLarge, AlreadyPaid, TooSmallForCard (nothing done); GatewayUnknown, GatewayBusy (decided,
    and carried out later; trying again is safe).
    """
    account = _account(payment)
    _learn_if_behind(account, payment)
    row = _decide_capture(payment, amount_minor=amount_minor, actor=actor, reason=reason)
    if row is not None:
        _carry_out_capture(account, row)
    return Payment.objects.get(pk=payment.pk)


def void(*, payment: Payment, actor: str, reason: str = "") -> Payment:
    """Release what the card promised. Released or lapsed before: nothing happens.

    Raises NotVoidable when it was captured (a refund is the way back), or was never promised; GatewayUnknown (decided,
    and carried out later; trying again is safe).
    """
    account = _account(payment)
    row = _decide_void(payment, actor=actor, reason=reason)
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


def largest_capture(payment: Payment) -> int:
    """How much principal may be captured: promised, and still due."""
    open_minor = payment.instalment.open_minor if payment.instalment else 0
    return min(payment.amount_minor, open_minor)


def fee_of(payment: Payment, *, amount_minor: int) -> int:
    """The method fee that so much principal carries; within what the card promised."""
    return min(payment.fee_minor, method_fee(amount_minor, rate=payment.fee_rate))


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
        note(account, intent, said_at=clock.now())


@transaction.atomic
def _decide_capture(
    payment: Payment, *, amount_minor: int | None, actor: str, reason: str
) -> Authorization | None:
    """The decision, kept; None when it was captured before."""
    booking = _lock_booking(payment)
    payment = _lock(payment)
    if payment.state == PaymentState.SUCCEEDED:
        _refuse_another_amount(payment, amount_minor=amount_minor)
        return None
    if payment.state != PaymentState.AUTHORIZED:
        raise errors.NotCapturable(_standing(payment))
    if booking is None or booking.state not in COUNTS:
        raise errors.NotCapturable("The booking has ended: release the authorization instead.")
    amount = payment.amount_minor if amount_minor is None else amount_minor
    fee = _check_amount(payment, amount_minor=amount)
    words = f"Capture of {format_minor(amount + fee, payment.currency)} decided"
    return _decide(
        payment, decision=Decision.CAPTURE, amount=(amount, fee), actor=actor, reason=reason, words=words
    )


def _refuse_another_amount(payment: Payment, *, amount_minor: int | None) -> None:
    principal = payment.received_minor - payment.received_fee_minor
    if amount_minor is not None and amount_minor != principal:
        taken = format_minor(payment.received_minor, payment.currency)
        raise errors.NotCapturable(f"It was captured already, with {taken}; the rest is released.")


def _standing(payment: Payment) -> str:
    if payment.state in OVER:
        return "The authorization is over; the card has to be asked again."
    return "No card has been authorized for this payment."


def _check_amount(payment: Payment, *, amount_minor: int) -> int:
    """The fee of a capture of so much; refuses what was not promised, is not due, or no card takes."""
    assert payment.instalment is not None
    if not payment.instalment.open_minor:
        raise errors.AlreadyPaid("It was paid in another way meanwhile: release the authorization instead.")
    most = largest_capture(payment)
    if not 0 < amount_minor <= most:
        raise errors.CaptureTooLarge(
            f"Capture at most {format_minor(most, payment.currency)}, without the method fee."
        )
    fee = fee_of(payment, amount_minor=amount_minor)
    smallest = minimums.card_minor(payment.currency)
    if amount_minor + fee < smallest:
        raise errors.TooSmallForCard(
            f"Cards take {format_minor(smallest, payment.currency)} or more: capture more, or release it."
        )
    return fee


@transaction.atomic
def _decide_void(payment: Payment, *, actor: str, reason: str) -> Authorization | None:
    _lock_booking(payment)
    payment = _lock(payment)
    if payment.capture == Capture.MANUAL and payment.state in OVER:
        return None
    if payment.state in (PaymentState.SUCCEEDED, PaymentState.REVERSED):
        raise errors.NotVoidable("The money was taken: give it back by a refund.")
    if payment.capture != Capture.MANUAL or payment.state not in OPEN_STATES:
        raise errors.NotVoidable()
    return _decide(
        payment,
        decision=Decision.VOID,
        amount=(None, None),
        actor=actor,
        reason=reason,
        words="Release decided",
    )


def _decide(
    payment: Payment,
    *,
    decision: Decision,
    amount: tuple[int | None, int | None],
    actor: str,
    reason: str,
    words: str,
) -> Authorization:
    """Keep the decision. The same one again is the same request to Stripe; another one gets another key."""
    row, _ = Authorization.objects.get_or_create(payment=payment)
    row.payment = payment
    if (row.decision, row.amount_minor, row.fee_minor) == (decision, *amount):
        return row
    row.decision, (row.amount_minor, row.fee_minor) = decision, amount
    row.attempt += 1
    row.decided_by, row.decided_at = actor, clock.now()
    row.save()
    payment.changes.create(
        from_state=payment.state,
        to_state=payment.state,
        actor=actor,
        reason=f"{words}: {reason}" if reason else words,
    )
    Payment.objects.filter(pk=payment.pk).update(updated_at=clock.now())
    return row


def _carry_out_capture(account: GatewayAccount, row: Authorization) -> None:
    payment = row.payment
    for _ in range(ATTEMPTS):
        intent = _ask_to_capture(account, row)
        if intent.state != PaymentState.AUTHORIZED:
            _learn(account, intent)
            if intent.state == PaymentState.SUCCEEDED:
                return
            payment.refresh_from_db()
            raise errors.NotCapturable(_standing(payment))
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
    keep_hold(row.payment)
