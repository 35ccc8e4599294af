"""The customer's word: "I have sent it", and what becomes of that word.

A claim is not money: it changes no instalment and no ledger. It lengthens a hold once, by the merchant's
`claim_hold_hours`, for one booking per contact at a time, so that nobody blocks a calendar with words.
"""

import logging
from datetime import date, timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from core.errors import Invalid
from customers.models import PaymentMethod
from payments import authorizations, closing, errors, proofs, settlement
from payments.manual import starting, telling
from payments.models import (
    CLAIMED_METHODS,
    OPEN_STATES,
    Claim,
    ClaimState,
    GatewayAccount,
    Payment,
    PaymentState,
)

logger = logging.getLogger(__name__)

OLDEST = timedelta(days=90)  # A transfer older than that is told to a person.
_CONTACTS = 0x7AB1C  # Our own space among PostgreSQL's advisory locks: one claim per contact at a time.


def claim(
    payment: Payment,
    *,
    sender_name: str,
    sent_on: date,
    actor: str,
    note: str = "",
    proof: proofs.Proof | None = None,
) -> Claim:
    """ "I have sent it": for staff to check. Said again while one waits, the first one stays.

    An open card payment for the same instalment is ended first, so that the customer cannot pay twice; found paid, it
    is settled and AlreadyPaid is raised. Raises Invalid (by field), AlreadyAuthorized, AlreadyPaid, NothingToPay; then
    nothing is stored.
    """
    booking = payment.booking
    if booking is None or payment.method not in CLAIMED_METHODS:
        raise errors.NothingToPay("Only transfers by Zelle or Venmo are claimed.")
    sender_name, note = " ".join(sender_name.split())[:120], note.strip()[:500]
    _check(booking, sender_name=sender_name, sent_on=sent_on)
    _end_cards(payment)
    with transaction.atomic():
        booking = starting.locked(booking)
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
        payment.booking = booking
        before = payment.claims.filter(state=ClaimState.OPEN).first()
        if before is not None:
            return before
        _check_claimable(payment, booking)
        said = Claim.objects.create(
            merchant_id=payment.merchant_id,
            payment=payment,
            sender_name=sender_name,
            sent_on=sent_on,
            note=note,
            extended_hold=_extend_hold(booking, actor=actor),
            **(proofs.keep(proof) if proof else {}),
        )
        payment.transition_to(PaymentState.CLAIMED, actor=actor, save=["updated_at"])
        telling.claimed(said, payment=payment, booking=booking)
    return said


def _check(booking: Booking, *, sender_name: str, sent_on: date) -> None:
    today = clock.today(booking.timezone)
    fields = {}
    if not sender_name:
        fields["sender_name"] = "Whose name stands on the transfer?"
    # A day's grace: the sender may be ahead of the merchant's zone.
    if sent_on > today + timedelta(days=1):
        fields["sent_on"] = "Give the day on which you sent it: that one is still to come."
    elif sent_on < today - OLDEST:
        fields["sent_on"] = "About a transfer so long ago please write to us."
    if fields:
        raise Invalid(" ".join(fields.values()), fields=fields)


def _check_claimable(payment: Payment, booking: Booking) -> None:
    if payment.state == PaymentState.SUCCEEDED:
        raise errors.AlreadyPaid()
    if PaymentState.CLAIMED not in Payment.ALLOWED[PaymentState(payment.state)]:
        raise errors.NothingToPay("This payment can no longer be made. Please open the pay page again.")
    if booking.state not in (*starting.STARTABLE, BookingState.EXPIRED):
        raise errors.NothingToPay("This booking was cancelled. If you sent money, please write to us.")
    instalment = payment.instalment
    if instalment is None or not instalment.open_minor:
        raise errors.AlreadyPaid()
    other = starting.open_payment(instalment, method=payment.method)
    if other is not None and other.pk != payment.pk:
        raise errors.NothingToPay("A newer payment is open for this. Please open the pay page again.")


def _end_cards(payment: Payment) -> None:
    """End open card payments of the instalment. Stripe's silence holds no claim up: what comes later is surplus.

    What a card promised is kept, with AlreadyAuthorized: releasing it is for staff to decide.
    """
    cards = Payment.objects.filter(
        instalment=payment.instalment_id, method=PaymentMethod.CARD, state__in=OPEN_STATES
    )
    for card in cards:
        account = GatewayAccount.objects.select_related("merchant").get(merchant_id=card.merchant_id)
        try:
            money = closing.close(account, card, reason="the customer sent a transfer", keep_authorized=True)
        except errors.AlreadyAuthorized:
            authorizations.keep_hold(card)
            raise
        except (
            errors.GatewayUnknown,
            errors.GatewayBusy,
            errors.GatewayMisconfigured,
            errors.PaymentInProgress,
        ):
            logger.warning("Payment %s stays open beside a claim", card.public_id)
            continue
        if money is not None:
            settlement.settle(account, money)
            raise errors.AlreadyPaid(
                "Your card payment had arrived already. If you also sent a transfer, please write to us."
            )


def _extend_hold(booking: Booking, *, actor: str) -> bool:
    """Lengthen the hold, once per booking and for one booking per contact at a time; whether it was."""
    if booking.state != BookingState.HELD or booking.hold_expires_at is None:
        return False
    until = clock.now() + timedelta(hours=booking.merchant.claim_hold_hours)
    if booking.hold_expires_at >= until or _has_had_its_turn(booking):
        return False
    return lifecycle.keep_held(
        booking,
        until=until,
        actor=actor,
        reason=f"Said to be paid; held to {booking.local(until):%Y-%m-%d %H:%M}",
    )


def _has_had_its_turn(booking: Booking) -> bool:
    """Whether a claim that nobody confirmed yet lengthened a hold of this contact before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            [_CONTACTS, f"{booking.merchant_id} {booking.contact_email}"],
        )
    contact = Q(payment__booking__contact_email__iexact=booking.contact_email)
    if booking.contact_phone:
        contact |= Q(payment__booking__contact_phone=booking.contact_phone)
    claims = Claim.objects.filter(contact, merchant_id=booking.merchant_id, extended_hold=True)
    return claims.filter(
        Q(payment__booking=booking) | ~Q(state=ClaimState.CONFIRMED), created_at__gt=clock.now() - OLDEST
    ).exists()


@transaction.atomic
def withdraw(said: Claim, *, actor: str) -> bool:
    """The customer takes the word back ("I did not send it after all"); False if it was decided before."""
    said, payment, _ = lock_claim(said)
    if not _decide(said, ClaimState.WITHDRAWN, actor=actor):
        return False
    payment.transition_to(PaymentState.CANCELED, actor=actor, reason="withdrawn", save=["updated_at"])
    return True


@transaction.atomic
def reject(said: Claim, *, reason: str, by: User) -> Claim:
    """Staff did not find the money; the customer reads why and may claim again.

    Raises Invalid without a reason and AlreadyDecided when somebody was faster.
    """
    reason = reason.strip()[:500]
    if not reason:
        raise Invalid("Say why: the customer reads it.", fields={"reason": "Say why: the customer reads it."})
    said, payment, booking = lock_claim(said)
    if said.state != ClaimState.OPEN:
        raise errors.AlreadyDecided(decided(said))
    said.reason = reason
    _decide(said, ClaimState.REJECTED, actor=f"user:{by.pk}", by=by, reason=reason)
    payment.transition_to(PaymentState.REJECTED, actor=f"user:{by.pk}", reason=reason, save=["updated_at"])
    telling.rejected(said, payment=payment, booking=booking)
    return said


def keep(said: Claim, payment: Payment, *, transfer_id: int, by: User | None, actor: str) -> None:
    """The claimed money was found, and all of it is kept as credit: the booking is not paid by it. Inside
    `receiving`'s transaction.
    """
    said.transfer_id = transfer_id
    _decide(said, ClaimState.CREDITED, actor=actor, by=by, reason="kept as credit")
    payment.transition_to(PaymentState.CANCELED, actor=actor, reason="kept as credit", save=["updated_at"])


def lock_claim(said: Claim) -> tuple[Claim, Payment, Booking]:
    """The claim with its booking and payment, locked in order, inside the caller's transaction."""
    payment = Payment.objects.select_related("booking__merchant").get(pk=said.payment_id)
    assert payment.booking is not None, "claims are about bookings"
    booking = starting.locked(payment.booking)
    payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    payment.booking = booking
    said = Claim.objects.select_for_update(of=("self",), no_key=True).get(pk=said.pk)
    return said, payment, booking


def decided(said: Claim) -> str:
    """Who decided, and what, for the colleague who comes second."""
    who = (
        said.decided_by.get_full_name() or said.decided_by.get_username()
        if said.decided_by
        else "the customer"
    )
    return f"{said.get_state_display()} by {who} already."


def _decide(said: Claim, state: str, *, actor: str, by: User | None = None, reason: str = "") -> bool:
    if said.state != ClaimState.OPEN:
        return False
    said.decided_at, said.decided_by = clock.now(), by
    return said.transition_to(
        state, actor=actor, reason=reason, save=["decided_at", "decided_by", "reason", "transfer"]
    )


def confirm_claims(payment: Payment, *, transfer_id: int, by: User | None, actor: str) -> None:
    """The payment's money was found: its open claim, if any, said the truth. Inside `receiving`'s transaction."""
    for said in payment.claims.filter(state=ClaimState.OPEN).select_for_update(of=("self",), no_key=True):
        said.transfer_id = transfer_id
        _decide(said, ClaimState.CONFIRMED, actor=actor, by=by)
