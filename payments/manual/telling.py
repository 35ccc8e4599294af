"""What customers are told about transfers by e-mail: true at the time it is said, once, in the caller's transaction."""

from typing import Any

from bookings import agreement, page_words
from bookings.models import Booking, Instalment
from bookings.pricing import method_total
from core.money import format_minor
from customers import letters
from payments import notices
from payments.manual.found import Result
from payments.models import Claim, Payment


def claimed(said: Claim, *, payment: Payment, booking: Booking) -> None:
    """Somebody is checking; the date is held until then, if it is."""
    _send(
        "claim_received",
        key=f"claim:{said.public_id}",
        subject=f"We are looking for your {payment.get_method_display()} payment",
        payment=payment,
        booking=booking,
        claim=said,
        held_words=page_words.until_there(booking.hold_expires_at, zone=booking.timezone)
        if said.extended_hold and booking.hold_expires_at
        else "",
    )


def rejected(said: Claim, *, payment: Payment, booking: Booking) -> None:
    """It was not found: why, and how to say it again."""
    _send(
        "claim_rejected",
        key=f"claim-rejected:{said.public_id}",
        subject=f"We could not find your {payment.get_method_display()} payment yet",
        payment=payment,
        booking=booking,
        claim=said,
    )


def received(result: Result, *, claimed: Payment | None = None) -> None:
    """What the receipt does not say: that a rest is open, or that the surplus, or all of it, is kept as credit.

    `claimed` is what they had said the money was for; then they learn that it did not pay that.
    """
    payment = result.payment
    booking, instalment = payment.booking, payment.instalment
    if booking is not None and instalment is not None and result.short_minor:
        _send_short(payment, booking=booking, rest_minor=result.short_minor, instalment=instalment)
    if result.credit_minor and (booking is not None or payment.customer is not None):
        if booking is None and claimed is not None and claimed.customer_id == payment.customer_id:
            booking = claimed.booking
        _send_credit(payment, booking=booking, credit_minor=result.credit_minor)


def _send_short(payment: Payment, *, booking: Booking, rest_minor: int, instalment: Instalment) -> None:
    rate = agreement.method_fee_rate(booking, method=payment.method)
    rest = method_total(rest_minor, rate=rate)
    _send(
        "transfer_short",
        key=f"short:{payment.public_id}",
        subject=f"{format_minor(rest, payment.currency)} is still open for your booking {booking.code}",
        payment=payment,
        booking=booking,
        rest_minor=rest,
        part=str(instalment.get_purpose_display()).lower(),
    )


def _send_credit(payment: Payment, *, booking: Booking | None, credit_minor: int) -> None:
    _send(
        "surplus_credit",
        key=f"surplus:{payment.public_id}",
        subject=f"{format_minor(credit_minor, payment.currency)} is kept for you",
        payment=payment,
        booking=booking,
        credit_minor=credit_minor,
        is_whole=credit_minor == payment.received_minor and payment.booking_id is None,
    )


def reversed_(payment: Payment, *, booking: Booking, amount_minor: int) -> None:
    """A payment that we had confirmed was none: open again, and a person to ask."""
    _send(
        "transfer_reversed",
        key=f"reversed:{payment.public_id}",
        subject=f"About your {payment.get_method_display()} payment for {booking.code}",
        payment=payment,
        booking=booking,
        amount_minor=amount_minor,
    )


def _send(
    template: str, *, key: str, subject: str, payment: Payment, booking: Booking | None, **more: Any
) -> None:
    to = booking.contact_email if booking else payment.customer.email if payment.customer else ""
    merchant = payment.merchant
    context = {
        "payment": payment,
        "method": payment.get_method_display(),
        "booking": booking,
        "link": notices.booking_link(booking) if booking else "",
        **more,
    }
    letters.leave(
        template,
        merchant=merchant,
        key=key,
        to=to,
        subject=subject,
        context=context,
        zone=booking.timezone if booking else merchant.timezone,
    )
