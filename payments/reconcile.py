"""Asking Stripe about what nobody told us: nothing depends on a webhook arriving, or on the broker keeping a message.

Run by beat, each function by itself; any number of workers may run them at once. A payment or refund is asked for again
at most once in ASK_EVERY. Never inside a transaction: each calls Stripe.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from bookings import lifecycle
from bookings.models import Booking, BookingState
from core import clock
from core.errors import DomainError
from payments import (
    authorizations,
    balance,
    cancellation,
    charging,
    checkout,
    closing,
    desk,
    dues,
    errors,
    facts,
    gateway,
    manual,
    progress,
    refunds,
    settlement,
)
from payments.models import (
    OPEN_STATES,
    Authorization,
    Capture,
    CardCharge,
    ChargeOutcome,
    Decision,
    DeskKind,
    GatewayAccount,
    Payment,
    PaymentState,
    Refund,
    RefundState,
)

logger = logging.getLogger(__name__)

ASK_AFTER = timedelta(minutes=2)  # A request in flight may still be on its way.
ASK_WAITING_AFTER = timedelta(minutes=15)
KEY_LIFE = timedelta(hours=23)  # Stripe keeps an idempotency key for 24 h at least.
LATE = timedelta(days=3)
BATCH = 100
OVER = (BookingState.CANCELLED, BookingState.EXPIRED)  # Nothing may be paid for these any more.
NO_ANSWER_YET = (PaymentState.CREATED, PaymentState.UNKNOWN)
REFUNDS_TO_ASK_FOR = (
    RefundState.SUBMITTED,
    RefundState.UNKNOWN,
    RefundState.PENDING,
    RefundState.REQUIRES_ACTION,
)


def ask_for_payments(*, limit: int = BATCH) -> int:
    """Find out how open card payments stand that Stripe has not told us of; how many were asked for.

    Those of bookings that are over are ended, and those for which nothing is owed any more: whoever cancelled, wrote
    off or took the money may have died before that, or Stripe was silent.
    """
    now = clock.now()
    silent = Q(state__in=NO_ANSWER_YET, updated_at__lt=now - ASK_AFTER)
    open_lately = Q(state__in=OPEN_STATES, updated_at__lt=now - ASK_AFTER)
    tried = CardCharge.objects.filter(payment=OuterRef("pk"), outcome=ChargeOutcome.UNKNOWN)
    decisions = Authorization.objects.filter(payment=OuterRef("pk"), decision__in=Decision.values)
    is_over = Q(booking__state__in=OVER)
    covered = F("instalment__paid_minor") + F("instalment__forgiven_minor")
    is_needless = is_over | Q(instalment__amount_minor__lte=covered)
    hurried = open_lately & (Q(Exists(decisions)) | Q(Exists(tried)) | is_needless)
    waiting = Q(state__in=OPEN_STATES, updated_at__lt=now - ASK_WAITING_AFTER)
    cards = Payment.objects.filter(state__in=OPEN_STATES, method="card").select_related("booking")
    due = cards.filter(silent | hurried | waiting).order_by("updated_at", "id")[:limit]
    charging.tidy()
    asked = 0
    for payment in due:
        if not _claim(payment):
            continue
        asked += 1
        with _one_of_many(f"Payment {payment.public_id}"):
            _ask(payment)
    return asked


def _claim(row: Payment | Refund) -> bool:
    """Touch the row so that nobody else asks for it now; False when somebody was faster."""
    mine = type(row)._default_manager.filter(pk=row.pk, state=row.state, updated_at=row.updated_at)
    return bool(mine.update(updated_at=clock.now()))


def _ask(payment: Payment) -> None:
    if payment.booking is not None and payment.booking.state in OVER:
        cancellation.end_open_card(payment)
        return
    account = _account(payment)
    if _is_ended_as_needless(account, payment):
        return
    if payment.stripe_checkout_session_id and not payment.stripe_payment_intent_id:
        session = gateway.retrieve_session(account, payment.stripe_checkout_session_id)
        progress.note_session(account, session)
        if not session.intent_id:
            return
        found: facts.Intent | facts.Session | None = gateway.retrieve_intent(account, session.intent_id)
    elif payment.stripe_payment_intent_id:
        found = gateway.retrieve_intent(account, payment.stripe_payment_intent_id)
    else:
        found = checkout.look_for(account, payment)
    if isinstance(found, facts.Session):
        progress.note_session(account, found)
        found = gateway.retrieve_intent(account, found.intent_id) if found.intent_id else None
    if isinstance(found, facts.Intent):
        learn(account, found)
        charging.finish(account, payment, found)
        if payment.capture == Capture.MANUAL:
            authorizations.finish(payment)
    elif not payment.stripe_checkout_session_id and payment.created_at < clock.now() - KEY_LIFE:
        # Stripe never had it, and its key is no longer remembered: nothing can come of this row.
        _abandon(payment)


def _is_ended_as_needless(account: GatewayAccount, payment: Payment) -> bool:
    """End what would only become a surplus. What a card promised is left for staff to decide on."""
    if payment.instalment is None or dues.asked_now(payment):
        return False
    try:
        money = closing.close(account, payment, reason="nothing is owed any more", keep_authorized=True)
    except (errors.AlreadyAuthorized, errors.PaymentInProgress):
        return False
    if money is not None:
        settlement.settle(account, money)
    return True


def learn(account: GatewayAccount, intent: facts.Intent) -> str:
    """Settle or note an intent as Stripe has it now."""
    if intent.state == PaymentState.SUCCEEDED:
        return settlement.settle(account, facts.received_by_intent(intent))
    return authorizations.note(account, intent, said_at=clock.now())


@transaction.atomic
def _abandon(payment: Payment) -> None:
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    if locked.state in NO_ANSWER_YET and not locked.stripe_payment_intent_id:
        locked.transition_to(PaymentState.CANCELED, actor="system", reason="Stripe never had it")


def _account(payment: Payment) -> GatewayAccount:
    return GatewayAccount.objects.select_related("merchant").get(merchant_id=payment.merchant_id)


def ask_for_refunds(*, limit: int = BATCH) -> int:
    """Find out how refunds under way stand; one that Stripe never had is sent again under the same key."""
    now = clock.now()
    silent = Q(state__in=[RefundState.SUBMITTED, RefundState.UNKNOWN], updated_at__lt=now - ASK_AFTER)
    waiting = Q(state__in=REFUNDS_TO_ASK_FOR, updated_at__lt=now - ASK_WAITING_AFTER)
    due = (
        Refund.objects.filter(silent | waiting).select_related("payment").order_by("updated_at", "id")[:limit]
    )
    asked = 0
    for refund in due:
        if not _claim(refund):
            continue
        asked += 1
        with _one_of_many(f"Refund {refund.public_id}"):
            _ask_for_refund(refund)
    return asked


def _ask_for_refund(refund: Refund) -> None:
    account = _account(refund.payment)
    if refund.stripe_refund_id:
        refunds.record(account, gateway.retrieve_refund(account, refund.stripe_refund_id))
        return
    found = refunds.find(account, refund)
    if found is not None:
        refunds.record(account, found)
        return
    asked_first = refund.changes.filter(to_state=RefundState.SUBMITTED).first()
    # From then, not from its row: it may have waited for a second person for days.
    if (asked_first or refund).created_at < clock.now() - KEY_LIFE:
        # Proven absent, and the old key is forgotten: a new attempt is a new key.
        Refund.objects.filter(pk=refund.pk, attempt=refund.attempt).update(attempt=F("attempt") + 1)
        refund.refresh_from_db()
    refunds.submit(refund)


def read_balances(*, late: bool = False) -> int:
    """Read every account's new balance transactions; `late` reads the last days again for such as appeared late, and
    looks at what became of the payouts.
    """
    since = clock.now() - LATE if late else None
    new = 0
    for account in GatewayAccount.objects.select_related("merchant").filter(merchant__is_active=True):
        with _one_of_many(f"The balance of {account.public_id}"):
            new += balance.read(account, since=since)
            if late:
                balance.follow(account)
    return new


@contextmanager
def _one_of_many(what: str) -> Iterator[None]:
    """The boundary of a sweep: what fails for one row is told, and the others have their turn."""
    try:
        yield
    except (DomainError, errors.NotYet) as wait:
        logger.warning("%s has to wait: %s", what, getattr(wait, "code", "not yet"))
    except Exception:  # A bug in one must not stop the rest.
        logger.exception("%s failed", what)


def expire_holds() -> int:
    """End holds that ran out, after ending what could still be paid on them; how many expired.

    A hold with money on it, or on its way, does not expire by itself: a person decides.
    """
    expired = 0
    for booking in lifecycle.lapsed_holds().select_related("merchant").iterator():
        with _one_of_many(f"The hold of {booking.code}"):
            expired += _expire(booking)
    return expired


def _expire(booking: Booking) -> bool:
    for payment in booking.payments.filter(method="card", state__in=OPEN_STATES):
        account = _account(payment)
        try:
            money = closing.close(account, payment, reason="the hold ended", keep_authorized=True)
        except errors.AlreadyAuthorized:
            authorizations.keep_hold(payment)
            return False
        except errors.PaymentInProgress:
            _desk_hold(booking, payment)
            return False
        if money is not None:
            settlement.settle(account, money)
    with transaction.atomic():
        booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(pk=booking.pk)
        if booking.state != BookingState.HELD or (booking.hold_expires_at or clock.now()) > clock.now():
            return False
        has_money = Q(received_minor__gt=F("refunded_minor"))
        touched = booking.payments.filter(Q(state__in=OPEN_STATES, method="card") | has_money).first()
        if touched is not None:
            if touched.received_minor:
                _desk_hold(booking, touched)
            return False
        manual.lapse(booking)
        return lifecycle.expire(booking, actor="system", reason="The hold ended unpaid")


def _desk_hold(booking: Booking, payment: Payment) -> None:
    desk.raise_item(
        merchant=booking.merchant,
        kind=DeskKind.HOLD_WITH_MONEY,
        # The end names the hold: one that a person has dealt with stays closed, a later hold is another incident.
        key=f"hold:{booking.code}:{booking.hold_expires_at:%Y%m%dT%H%M%S}",
        summary=f"The hold of {booking.code} ended with money on it or on its way",
        payment=payment,
        booking=booking,
        evidence={
            "payment": str(payment.public_id),
            "state": payment.state,
            "received_minor": payment.received_minor,
        },
    )
