"""Payments and refunds as their payer reads them: what came and how, what goes back and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from bookings.models import Booking
from bookings.page_words import full_day
from core.money import format_minor
from customers.models import PaymentMethod
from payments.models import CreditNote, Payment, Receipt, Refund, RefundRoute, RefundState

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


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A credit note: the price fell by `amount_minor`."""

    label: str
    detail: str
    amount_minor: int
    pdf_href: str


def shown_notes(payments: Sequence[Payment], *, booking: Booking) -> tuple[ShownNote, ...]:
    """The booking's credit notes in their order; without a query when they were loaded along with the refunds."""
    refunds = [refund for payment in payments for refund in payment.refunds.all()]
    notes = [refund.credit_note for refund in refunds if hasattr(refund, "credit_note")]
    return tuple(_shown_note(note, booking=booking) for note in sorted(notes, key=lambda note: note.number))


def _shown_note(note: CreditNote, *, booking: Booking) -> ShownNote:
    tax = f", of which {format_minor(note.tax_minor, note.currency)} tax" if note.tax_minor else ""
    return ShownNote(
        label=note.label,
        detail=f"{when(note.created_at, booking=booking)}{tax}. {note.reason}",
        amount_minor=note.amount_minor,
        pdf_href=reverse("payments:credit-note", kwargs={"code": booking.code, "number": note.label}),
    )


def shown_payment(payment: Payment, *, booking: Booking) -> ShownPayment:
    receipt = receipt_of(payment)
    names = {"code": booking.code, "number": receipt.label} if receipt else {}
    fee = format_minor(payment.received_fee_minor, payment.currency)
    return ShownPayment(
        label=payment.purpose_words,
        detail=f"{method_words(payment)}, {when(payment.succeeded_at or payment.created_at, booking=booking)}",
        fee_words=f"of which {fee} {fee_noun(payment)}" if payment.received_fee_minor else "",
        received_minor=payment.received_minor,
        receipt_label=receipt.label if receipt else "",
        receipt_href=reverse("payments:receipt", kwargs=names) if receipt else "",
        receipt_pdf_href=reverse("payments:receipt-pdf", kwargs=names) if receipt else "",
        refunds=tuple(shown_refunds(payment, booking=booking)),
    )


def fee_noun(payment: Payment) -> str:
    """The method's fee within a sentence: "card processing", "Venmo fee"."""
    return payment.fee_words.replace("Card", "card")


def receipt_of(payment: Payment) -> Receipt | None:
    """The payment's receipt, without a query when it was loaded along."""
    try:
        return payment.receipt
    except Receipt.DoesNotExist:
        return None


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
    """Its state in true words: what was only asked for is promised to nobody."""
    state = RefundState(refund.state)
    minor = -refund.total_minor
    if state == RefundState.SUCCEEDED:
        return _arrived(refund, payment=payment, booking=booking)
    if state == RefundState.FAILED:
        amount = format_minor(refund.total_minor, refund.currency)
        who = "Your bank sent" if refund.route == RefundRoute.GATEWAY else "Your bank or app sent"
        words = f"{who} the {amount} back to us. The money is still yours: we will write to you."
        return ShownRefund("A refund did not arrive", words, None)
    asked = when(refund.created_at, booking=booking)
    if state == RefundState.REQUESTED:
        return ShownRefund("Refund being looked at", f"Since {asked}. Nothing was decided or sent yet.", None)
    if state == RefundState.APPROVED:
        return ShownRefund("Refund being prepared", _prepared(refund, payment=payment, asked=asked), minor)
    if state == RefundState.REQUIRES_ACTION:
        return ShownRefund(
            "Refund waiting for you", "Stripe has written to you about where to send it.", minor
        )
    words = f"Sent to {method_words(payment)} on {asked}, not confirmed yet. {BANK_DAYS}"
    return ShownRefund("Refund on its way", words, minor)


def _arrived(refund: Refund, *, payment: Payment, booking: Booking) -> ShownRefund:
    done = when(refund.succeeded_at or refund.updated_at, booking=booking)
    minor = -refund.total_minor
    if refund.route == RefundRoute.CREDIT:
        return ShownRefund("Kept as credit", f"Yours since {done}, for your next payment.", minor)
    if refund.route == RefundRoute.MANUAL:
        reference = f", reference {refund.reference}" if refund.reference else ""
        return ShownRefund("Refunded", f"Sent by {method_words(payment)} on {done}{reference}.", minor)
    return ShownRefund("Refunded", f"Sent to {method_words(payment)} on {done}. {BANK_DAYS}", minor)


def _prepared(refund: Refund, *, payment: Payment, asked: str) -> str:
    if refund.route == RefundRoute.MANUAL:
        return f"We send it by {method_words(payment)}, by hand. Since {asked}; nothing was sent yet."
    return f"Since {asked}. Nothing was sent yet."
