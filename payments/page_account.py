"""What a signed-in customer's account lists: bookings with what is due next, and receipts.

Constant numbers of queries, however much there is; the oldest beyond SHOWN are left to a message to the merchant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from bookings import agreement
from bookings.models import Booking, BookingState
from bookings.page_words import full_day, guests_label, wall_clock
from core import clock
from customers.models import Customer
from payments import credit
from payments.models import Payment, Receipt
from payments.page_money import method_words
from payments.page_state import Action, headline

SHOWN = 100
ENDED = (BookingState.CANCELLED, BookingState.EXPIRED, BookingState.COMPLETED)


@dataclass(frozen=True, slots=True)
class ShownBooking:
    code: str
    href: str
    starts: datetime
    menu_name: str
    guests_label: str
    place: str
    tag: str
    tone: str
    action: Action | None


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    label: str
    href: str
    pdf_href: str
    paid_on: str
    what: str
    method: str
    booking_code: str
    received_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """`upcoming` is soonest first, `past` (with what was cancelled) newest first."""

    upcoming: tuple[ShownBooking, ...]
    past: tuple[ShownBooking, ...]
    has_more: bool
    credit_minor: int
    currency: str


def bookings(customer: Customer) -> AccountPage:
    """The customer's bookings and their credit, in four queries."""
    rows = list(_rows(customer)[: SHOWN + 1])
    shown, now = rows[:SHOWN], clock.now()
    ahead = [row for row in shown if row.ends_at > now and row.state not in ENDED]
    behind = [row for row in shown if row not in ahead]
    return AccountPage(
        upcoming=tuple(_shown(row) for row in reversed(ahead)),
        past=tuple(_shown(row) for row in behind),
        has_more=len(rows) > SHOWN,
        credit_minor=credit.available(customer, currency=customer.merchant.currency),
        currency=customer.merchant.currency,
    )


def _rows(customer: Customer) -> QuerySet[Booking]:
    return (
        Booking.objects.filter(customer=customer, merchant_id=customer.merchant_id)
        .exclude(state=BookingState.DRAFT)
        .select_related("menu")
        .prefetch_related("instalments", Prefetch("payments", queryset=Payment.objects.order_by("id")))
        .order_by("-starts_at", "-id")
    )


def _shown(booking: Booking) -> ShownBooking:
    payments: Sequence[Payment] = list(booking.payments.all())
    head = headline(
        booking,
        instalments=list(booking.instalments.all()),
        payments=payments,
        rates=agreement.method_fee_rates(booking),
    )
    return ShownBooking(
        code=booking.code,
        href=reverse("payments:booking", kwargs={"code": booking.code}),
        starts=wall_clock(booking.local(booking.starts_at)),
        menu_name=booking.menu.name,
        guests_label=guests_label(booking),
        place=f"{booking.street}, {booking.city}",
        tag=head.tag,
        tone=head.tone,
        action=head.action if head.action and head.action.is_payment else None,
    )


def receipts(customer: Customer) -> list[ShownReceipt]:
    """The newest receipts, in one query."""
    rows = (
        Receipt.objects.defer("pdf")
        .select_related("payment__booking")
        .filter(merchant_id=customer.merchant_id, payment__booking__customer=customer)
        .order_by("-id")
    )
    return [_receipt(row) for row in rows[:SHOWN]]


def _receipt(receipt: Receipt) -> ShownReceipt:
    payment, booking = receipt.payment, receipt.payment.booking
    assert booking is not None  # the customer's receipts were found by their bookings
    names = {"code": booking.code, "number": receipt.label}
    return ShownReceipt(
        label=receipt.label,
        href=reverse("payments:receipt", kwargs=names),
        pdf_href=reverse("payments:receipt-pdf", kwargs=names),
        paid_on=full_day(booking.local(payment.succeeded_at or payment.created_at).date()),
        what=payment.purpose_words,
        method=method_words(payment),
        booking_code=booking.code,
        received_minor=payment.received_minor,
        currency=payment.currency,
    )
