"""A payment as the customer can pay it: the intent's secret, or the address of Stripe's page.

Found paid, it is settled; found ended, nothing is opened and the caller starts another.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from bookings import lifecycle
from bookings.models import Booking
from core import clock
from payments import authorizations, closing, errors, facts, gateway, progress, settlement
from payments.checkout import creating
from payments.models import OPEN_STATES, CheckoutMode, GatewayAccount, Payment, PaymentState

GONE = "Stripe does not have it"
HOLD_PAST_SESSION = timedelta(minutes=5)


def end(account: GatewayAccount, payment: Payment, *, reason: str) -> None:
    """End a payment that cannot serve; found paid, it is settled, and there is nothing more to pay.

    What a card promised is kept: AlreadyAuthorized, for releasing it is for staff to decide.
    """
    try:
        money = closing.close(account, payment, reason=reason, keep_authorized=True)
    except errors.AlreadyAuthorized:
        authorizations.keep_hold(payment)
        raise
    if money is not None:
        settlement.settle(account, money)
        raise errors.AlreadyPaid()


@dataclass(frozen=True)
class Started:
    """A payment the customer can make now: `client_secret` for the Payment Element, or `redirect_url` to Checkout.

    The secret is Stripe's, fetched for this answer and stored nowhere.
    """

    payment: Payment
    publishable_key: str
    client_secret: str | None = None
    redirect_url: str | None = None


def open_at_stripe(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str
) -> Started | None:
    """The payment as the customer can pay it; None when it ended meanwhile and another must be started."""
    if payment.mode == CheckoutMode.HOSTED:
        return _open_session(account, payment, booking, customer)
    intent = (
        closing.intent_of(account, payment)
        if payment.stripe_payment_intent_id
        else creating.intent(account, payment, booking, customer)
    )
    if intent is None:
        closing.cancel_row(payment, reason=GONE)
        return None
    if intent.state == PaymentState.SUCCEEDED:
        settlement.settle(account, facts.received_by_intent(intent))
        raise errors.AlreadyPaid()
    if intent.state == PaymentState.AUTHORIZED:
        authorizations.note(account, intent, said_at=clock.now())
        raise errors.AlreadyAuthorized()
    progress.note_intent(account, intent, said_at=clock.now())
    if intent.state == PaymentState.PROCESSING:
        raise errors.PaymentInProgress()
    payment.refresh_from_db()
    if intent.state == PaymentState.CANCELED:
        return None
    if intent.customer_id != customer:
        end(account, payment, reason="its customer is no longer at Stripe")
        return None
    if payment.state not in OPEN_STATES:
        # It was ended here while Stripe was being asked: what Stripe made must not stay open.
        gateway.cancel_intent(account, intent.id)
        return None
    return Started(payment, gateway.publishable_key(account), client_secret=intent.client_secret)


def _open_session(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str
) -> Started | None:
    session = (
        closing.session_of(account, payment)
        if payment.stripe_checkout_session_id
        else creating.session(account, payment, booking, customer)
    )
    if session is None:
        closing.cancel_row(payment, reason=GONE)
        return None
    progress.note_session(account, session)
    if session.is_complete:
        _settle_session(account, session)
    if not session.is_open:
        return None
    payment.refresh_from_db()
    if payment.state not in OPEN_STATES:
        gateway.expire_session(account, session.id)
        return None
    _extend_hold(payment, session)
    return Started(payment, gateway.publishable_key(account), redirect_url=session.url)


def _settle_session(account: GatewayAccount, session: facts.Session) -> None:
    intent = gateway.retrieve_intent(account, session.intent_id)
    if intent.state == PaymentState.SUCCEEDED:
        settlement.settle(account, facts.received_by_intent(intent))
        raise errors.AlreadyPaid()
    raise errors.PaymentInProgress()


@transaction.atomic
def _extend_hold(payment: Payment, session: facts.Session) -> None:
    booking = Booking.objects.select_for_update(of=("self",), no_key=True).get(payments=payment)
    lifecycle.extend_hold(booking, until=session.expires_at + HOLD_PAST_SESSION, actor="system")
