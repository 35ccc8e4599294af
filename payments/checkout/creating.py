"""What Stripe is asked to make, under the row's own key; a lost or stored failure never becomes a second object."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction

from bookings import codes
from bookings.models import Booking
from core import clock
from customers import merchants
from payments import closing, errors, facts, gateway, progress
from payments.checkout import customers
from payments.models import Capture, GatewayAccount, Payment, PaymentState

ATTEMPTS = 2
KEY_LIFE = timedelta(hours=23)  # Stripe keeps an idempotency key for 24 h at least.
SESSION_MARGIN = timedelta(seconds=60)  # Stripe counts its minimum of 30 minutes by its own clock.

Opened = facts.Intent | facts.Session


class StartAnew(Exception):
    """Stripe cannot be asked like this (again), and made nothing of it: begin once more from the click."""


def intent(account: GatewayAccount, payment: Payment, booking: Booking, customer: str) -> facts.Intent:
    """The row's PaymentIntent, made now or by an earlier try."""
    made = _create(
        account,
        payment,
        customer,
        lambda attempt: _intent(account, payment, booking, customer, attempt=attempt),
    )
    assert isinstance(made, facts.Intent)
    return made


def session(account: GatewayAccount, payment: Payment, booking: Booking, customer: str) -> facts.Session:
    """The row's Checkout Session, made now or by an earlier try."""
    made = _create(
        account,
        payment,
        customer,
        lambda attempt: _session(account, payment, booking, customer, attempt=attempt),
    )
    assert isinstance(made, facts.Session)
    return made


def _create(account: GatewayAccount, payment: Payment, customer: str, ask: Callable[[int], Opened]) -> Opened:
    """Create at Stripe under the row's key; a lost or stored failure never becomes a second object."""
    if _is_too_late(payment):
        return _found_or_anew(account, payment)
    for _ in range(ATTEMPTS):
        try:
            return ask(payment.attempt)
        except errors.GatewayStoredFailure:
            _set(payment, PaymentState.UNKNOWN, reason="Stripe failed while creating it")
        except errors.GatewayUnknown:
            _set(payment, PaymentState.UNKNOWN, reason="Stripe did not answer")
            raise
        except errors.GatewayRefused as refusal:
            if refusal.lacks("customer"):
                customers.forget(account, customer)
                _next_attempt(payment)  # Refused, hence absent; the old key belongs to the old customer.
                raise StartAnew from refusal
            _refuse(payment, refusal)
            raise
        found = closing.look_for(account, payment)
        if found is not None:
            return found
        _next_attempt(payment)
    raise errors.GatewayUnknown()


def _is_too_late(payment: Payment) -> bool:
    """Whether an earlier request cannot be sent again: Stripe forgot its key, or the end that it names is too near."""
    now = clock.now()
    end = payment.checkout_expires_at
    too_near = (
        end is not None and end < now + timedelta(seconds=gateway.CHECKOUT_SECONDS) + SESSION_MARGIN / 2
    )
    return too_near or payment.created_at < now - KEY_LIFE


def _found_or_anew(account: GatewayAccount, payment: Payment) -> Opened:
    """What the lost request made; when it is proven to have made nothing, its row ends and another takes its place."""
    found = closing.look_for(account, payment)
    if found is None:
        closing.cancel_row(payment, reason="Stripe never had it")
        raise StartAnew
    return found


@transaction.atomic
def _set(payment: Payment, to: PaymentState, *, reason: str) -> None:
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    locked.transition_to(to, actor="system", reason=reason, save=["updated_at"])


@transaction.atomic
def _next_attempt(payment: Payment) -> None:
    """A new idempotency key, after a proven absence. Two at once get the same one: only the first may raise it."""
    Payment.objects.filter(pk=payment.pk, attempt=payment.attempt).update(attempt=payment.attempt + 1)
    payment.refresh_from_db(fields=["attempt"])


@transaction.atomic
def _refuse(payment: Payment, refusal: errors.GatewayRefused) -> None:
    locked = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment.pk)
    decline = facts.Decline(refusal.reason, refusal.decline_code, refusal.detail, "")
    progress.note_decline(locked, decline, source=f"request:{payment.attempt}")
    locked.transition_to(PaymentState.FAILED, actor="stripe", reason=refusal.reason, save=["updated_at"])


def _shared(payment: Payment, booking: Booking) -> dict[str, Any]:
    return {
        "currency": payment.currency,
        "description": f"{payment.get_purpose_display()} for {booking.code}",
        "descriptor_suffix": codes.descriptor(booking.code),
        "metadata": {
            facts.PAYMENT_KEY: str(payment.public_id),
            facts.BOOKING_KEY: booking.code,
        },
    }


def _intent(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str, *, attempt: int
) -> facts.Intent:
    return gateway.create_intent(
        account,
        key=f"payment:{payment.public_id}:{attempt}",
        amount_minor=payment.total_minor,
        customer_id=customer,
        is_captured_later=payment.capture == Capture.MANUAL,
        **_shared(payment, booking),
    )


def _session(
    account: GatewayAccount, payment: Payment, booking: Booking, customer: str, *, attempt: int
) -> facts.Session:
    page = f"{merchants.site_url(account.merchant)}/b/{booking.code}"
    return gateway.create_session(
        account,
        key=f"payment:{payment.public_id}:{attempt}",
        lines=_lines(payment, booking),
        customer_id=customer,
        success_url=f"{page}/paid?payment={payment.public_id}",
        cancel_url=f"{page}/pay",
        expires_at=_session_end(payment),
        **_shared(payment, booking),
    )


def _session_end(payment: Payment) -> Any:
    """Told to Stripe once and kept, for the same key must send the same request again."""
    if payment.checkout_expires_at is None:
        payment.checkout_expires_at = (
            clock.now() + timedelta(seconds=gateway.CHECKOUT_SECONDS) + SESSION_MARGIN
        ).replace(microsecond=0)
        unset = Payment.objects.filter(pk=payment.pk, checkout_expires_at__isnull=True)
        if not unset.update(checkout_expires_at=payment.checkout_expires_at):
            payment.refresh_from_db(fields=["checkout_expires_at"])
    return payment.checkout_expires_at


def _lines(payment: Payment, booking: Booking) -> list[tuple[str, int]]:
    """What Checkout lists. Presented as a discount, the card's price is the listed one and has no fee line."""
    name = f"{payment.get_purpose_display()} for {booking.code}"
    if booking.agreement.get("fee_presentation") == "surcharge" and payment.fee_minor:
        return [(name, payment.amount_minor), ("Card fee", payment.fee_minor)]
    return [(name, payment.total_minor)]
