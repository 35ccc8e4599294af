"""A receipt as a page: one payment, what it was for, what went back of it since. Which papers are the booking's."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from bookings.models import Booking
from bookings.page_words import wall_clock
from core.money import format_minor
from payments import documents
from payments.models import CreditNote, Receipt
from payments.page_money import ShownRefund, fee_noun, method_words, shown_refunds


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """`principal_minor` + `fee_minor` = `received_minor`."""

    label: str
    paid_at: datetime
    purpose_label: str
    method_words: str
    currency: str
    principal_minor: int
    fee_minor: int
    fee_label: str
    received_minor: int
    refunds: tuple[ShownRefund, ...]
    booking_words: str
    pdf_href: str


def find(booking: Booking, *, label: str) -> Receipt | None:
    """The booking's receipt of this label ("R-000012"), without its PDF; None for anything else."""
    number = documents.number_in(label, of=Receipt)
    return (
        Receipt.objects.defer("pdf")
        .select_related("payment")
        .filter(payment__booking=booking, number=number)
        .first()
    )


def find_credit_note(booking: Booking, *, label: str) -> CreditNote | None:
    """The booking's credit note of this label ("C-000012"); None for anything else."""
    number = documents.number_in(label, of=CreditNote)
    return booking.credit_notes.select_related("merchant", "booking").filter(number=number).first()


def build(receipt: Receipt, *, booking: Booking) -> ReceiptPage:
    payment = receipt.payment
    total = format_minor(booking.total_minor, booking.currency)
    without = f", without {fee_noun(payment)}" if payment.received_fee_minor else ""
    return ReceiptPage(
        label=receipt.label,
        paid_at=wall_clock(booking.local(payment.succeeded_at or payment.created_at)),
        purpose_label=payment.purpose_words,
        method_words=method_words(payment),
        currency=payment.currency,
        principal_minor=payment.received_minor - payment.received_fee_minor,
        fee_minor=payment.received_fee_minor,
        received_minor=payment.received_minor,
        refunds=tuple(shown_refunds(payment, booking=booking)),
        fee_label=payment.fee_words,
        booking_words=f"The price of the event is {total}, tax included{without}.",
        pdf_href=reverse("payments:receipt-pdf", kwargs={"code": booking.code, "number": receipt.label}),
    )
