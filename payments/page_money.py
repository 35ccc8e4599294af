"""Payments and refunds as their payer reads them: what came and how, what goes back and how far it is."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from bookings.models import Booking, Purpose
from bookings.page_words import full_day
from core.money import format_minor
from customers.models import PaymentMethod
from payments.models import Payment, Receipt, Refund, RefundState

BANK_DAYS = "Banks usually take 5 to 10 business days to show it."


@dataclass(frozen=True, slots=True)
class ShownRefund:
    """`signed_minor` is negative; None for money that did not go back after all."""

    label: str
    detail: str
    signed_minor: int | None


@dataclass(frozen=True, slots=True)
class ShownPayment:
    label: str
    detail: str
    fee_words: str
    received_minor: int
    receipt_label: str
    receipt_href: str
    receipt_pdf_href: str
    refunds: tuple[ShownRefund, ...]


def shown_payment(payment: Payment, *, booking: Booking) -> ShownPayment:
    receipt = receipt_of(payment)
    names = {"code": booking.code, "number": receipt.label} if receipt else {}
    fee = format_minor(payment.received_fee_minor, payment.currency)
    return ShownPayment(
        label=purpose_label(payment),
        detail=f"{method_words(payment)}, {when(payment.succeeded_at or payment.created_at, booking=booking)}",
        fee_words=f"of which {fee} card processing" if payment.received_fee_minor else "",
        received_minor=payment.received_minor,
        receipt_label=receipt.label if receipt else "",
        receipt_href=reverse("payments:receipt", kwargs=names) if receipt else "",
        receipt_pdf_href=reverse("payments:receipt-pdf", kwargs=names) if receipt else "",
        refunds=tuple(shown_refunds(payment, booking=booking)),
    )


def receipt_of(payment: Payment) -> Receipt | None:
    """The payment's receipt, without a query when it was loaded along."""
    try:
        return payment.receipt
    except Receipt.DoesNotExist:
        return None


def purpose_label(payment: Payment) -> str:
    return {Purpose.FULL: "Payment in full"}.get(
        Purpose(payment.purpose or Purpose.FULL), str(payment.get_purpose_display())
    )


def method_words(payment: Payment) -> str:
    """ "Visa ending 4242", else the method's name."""
    if payment.method == PaymentMethod.CARD and payment.card_last4:
        brand = payment.card_brand.replace("_", " ").title() or "Card"
        return f"{brand} ending {payment.card_last4}"
    return str(payment.get_method_display())


def when(moment: datetime, *, booking: Booking) -> str:
    """The day of a moment at the place of the event."""
    return full_day(booking.local(moment).date())


def shown_refunds(payment: Payment, *, booking: Booking) -> list[ShownRefund]:
    """The refunds that the customer is told of; what staff declined or took back was never announced."""
    hidden = (RefundState.DECLINED, RefundState.CANCELED)
    return [
        _shown_refund(refund, payment=payment, booking=booking)
        for refund in sorted(payment.refunds.all(), key=lambda one: one.pk)
        if refund.state not in hidden
    ]


def _shown_refund(refund: Refund, *, payment: Payment, booking: Booking) -> ShownRefund:
    state = RefundState(refund.state)
    asked = when(refund.created_at, booking=booking)
    to = f"to {method_words(payment)}"
    if state == RefundState.SUCCEEDED:
        done = when(refund.succeeded_at or refund.updated_at, booking=booking)
        return ShownRefund("Refunded", f"Sent {to} on {done}. {BANK_DAYS}", -refund.total_minor)
    if state == RefundState.FAILED:
        amount = format_minor(refund.total_minor, refund.currency)
        return ShownRefund(
            "A refund did not arrive",
            f"Your bank sent the {amount} back to us. The money is still yours: we will write to you.",
            None,
        )
    if state in (RefundState.REQUESTED, RefundState.APPROVED):
        return ShownRefund(
            "Refund being prepared", f"Since {asked}. Nothing was sent yet.", -refund.total_minor
        )
    if state == RefundState.REQUIRES_ACTION:
        return ShownRefund(
            "Refund waiting for you", "Stripe has written to you about where to send it.", -refund.total_minor
        )
    return ShownRefund(
        "Refund on its way", f"Sent {to} on {asked}, not confirmed yet. {BANK_DAYS}", -refund.total_minor
    )
