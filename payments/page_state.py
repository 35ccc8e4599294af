"""A booking's state in words: one headline, and the one thing to do now.

Says only what the rows say. No state is claimed from a return address or a click.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.urls import reverse

from bookings import page_words, pricing
from bookings.models import Booking, BookingState, Instalment, Purpose
from core import clock
from core.money import format_minor
from customers.models import PaymentMethod
from payments.models import Payment, PaymentState


@dataclass(frozen=True, slots=True)
class Action:
    href: str
    label: str
    note: str = ""
    is_payment: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    title: str
    words: str
    tag: str
    tone: str = ""  # "good", "warn", "bad" or nothing
    action: Action | None = None
    ends_with_hold: bool = False  # then the page goes on with what is left of it


def headline(
    booking: Booking,
    *,
    instalments: Sequence[Instalment],
    payments: Sequence[Payment],
    rates: Mapping[str, Decimal],
) -> Headline:
    """The page's first words, by the booking's state."""
    state = BookingState(booking.state)
    if state == BookingState.HELD:
        return _held(booking, instalments=instalments, payments=payments, rates=rates)
    if state == BookingState.CONFIRMED:
        return _confirmed(booking, instalments=instalments, payments=payments, rates=rates)
    if state == BookingState.EXPIRED:
        return _expired(booking, payments=payments)
    if state == BookingState.CANCELLED:
        return _cancelled(payments)
    if state == BookingState.COMPLETED:
        action = pay_action(booking, instalments=instalments, rates=rates)
        words = "We hope that everybody went home happy."
        open_words = " Something of the price is still open: you can pay it here." if action else ""
        action = _instead(action, booking, payments)
        return Headline("Thank you for having us", f"{words}{open_words}", "Completed", "good", action)
    return Headline("We are preparing your booking", "You will hear from us by e-mail.", str(state.label))


def _cancelled(payments: Sequence[Payment]) -> Headline:
    words = "We do not come on this date."
    if any(payment.received_minor for payment in payments):
        words += " What you paid, and how far its way back to you is, stands below."
    elif claimed(payments) is not None:
        words += " We look for what you told us that you sent; nothing else is owed."
    else:
        words += " Nothing was paid, so nothing is owed."
    return Headline("This booking is cancelled", words, "Cancelled", "bad")


def _held(
    booking: Booking,
    *,
    instalments: Sequence[Instalment],
    payments: Sequence[Payment],
    rates: Mapping[str, Decimal],
) -> Headline:
    if any(payment.state == PaymentState.PROCESSING for payment in payments):
        return Headline(
            "Your payment is on its way",
            "The bank is working on it. Your date stays held meanwhile: please do not pay again.",
            "Held",
            "warn",
        )
    if _is_promised(payments):
        return Headline(
            "Your card is authorized",
            f"{_event_day(booking)} is kept for you. Your card is charged when we confirm the booking, and not "
            "before; there is nothing more to do.",
            "Held",
            "good",
        )
    waiting = claimed(payments)
    if waiting is not None:
        return _looked_for(booking, waiting, tag="Held")
    until = booking.hold_expires_at
    if until is None or until <= clock.now():
        if _may_have_paid(payments):
            return _being_checked("Held")
        return Headline(
            "The time to pay has run out",
            "The date becomes free again now. Nothing is owed; you can book again if it is still free.",
            "Held",
            "warn",
            _again(),
        )
    return Headline(
        "Your date is held",
        f"{_event_day(booking)} is kept for you until {_until(booking, until)}",
        "Held",
        "warn",
        pay_action(booking, instalments=instalments, rates=rates),
        ends_with_hold=True,
    )


def _confirmed(
    booking: Booking,
    *,
    instalments: Sequence[Instalment],
    payments: Sequence[Payment],
    rates: Mapping[str, Decimal],
) -> Headline:
    words = f"We look forward to {_event_day(booking)}."
    if _is_promised(payments):
        words += " Your card is authorized for the next payment; it is charged when we confirm that."
        return Headline("You are booked", words, "Confirmed", "good")
    action = pay_action(booking, instalments=instalments, rates=rates)
    if action is None:
        words += " Everything is paid."
    return Headline("You are booked", words, "Confirmed", "good", _instead(action, booking, payments))


def _instead(action: Action | None, booking: Booking, payments: Sequence[Payment]) -> Action | None:
    """Who says that a transfer was sent is not asked for money in the same breath."""
    waiting = claimed(payments)
    return _told(booking, waiting) if action is not None and waiting is not None else action


def _is_promised(payments: Sequence[Payment]) -> bool:
    return any(payment.state == PaymentState.AUTHORIZED for payment in payments)


def _expired(booking: Booking, *, payments: Sequence[Payment]) -> Headline:
    if any(payment.received_minor for payment in payments):
        return Headline(
            "Your payment came after the hold had ended",
            "We have the money and have not lost it: somebody is looking at it now, and will write to you "
            "whether the date is still yours or the money comes back.",
            "Expired",
            "warn",
        )
    waiting = claimed(payments)
    if waiting is not None:
        return _looked_for(booking, waiting, tag="Expired")
    if _may_have_paid(payments):
        return _being_checked("Expired")
    return Headline(
        "The hold on this date has ended",
        "We received no payment in time, so the date is free again. Nothing is owed.",
        "Expired",
        "",
        _again(),
    )


def _may_have_paid(payments: Sequence[Payment]) -> bool:
    """Whether money came, or a card payment is open that Stripe was not asked about for the last time."""
    return any(
        (payment.is_open and payment.method == PaymentMethod.CARD)
        or payment.received_minor > payment.refunded_minor
        for payment in payments
    )


def claimed(payments: Sequence[Payment]) -> Payment | None:
    """The transfer that the customer says was sent, while nobody has checked it."""
    return next((payment for payment in payments if payment.state == PaymentState.CLAIMED), None)


def _looked_for(booking: Booking, payment: Payment, *, tag: str) -> Headline:
    until = booking.hold_expires_at
    held = ""
    if tag == "Held" and until is not None and until > clock.now():
        held = f" Your date is held for you until {_until(booking, until)}"
    return Headline(
        f"We are checking your {payment.get_method_display()} payment",
        f"Thank you for telling us. We usually find it within one working day, and write to you either way.{held}",
        tag,
        "warn",
        _told(booking, payment),
        ends_with_hold=bool(held),
    )


def _told(booking: Booking, payment: Payment) -> Action:
    return Action(transfer_href(booking, payment), "See what you told us")


def transfer_href(booking: Booking, payment: Payment) -> str:
    return reverse("payments:transfer", kwargs={"code": booking.code, "method": payment.method})


def _being_checked(tag: str) -> Headline:
    return Headline(
        "We are checking your payment",
        "The time to pay has run out. We are making sure whether a payment of yours still came; please do not pay "
        "again. We will write to you if it did.",
        tag,
        "warn",
    )


def _until(booking: Booking, moment: datetime) -> str:
    return page_words.until(booking.local(moment), today=clock.today(booking.timezone))


def _again() -> Action:
    return Action(reverse("bookings:book"), "Book again")


def pay_action(
    booking: Booking, *, instalments: Sequence[Instalment], rates: Mapping[str, Decimal]
) -> Action | None:
    """The next open instalment as a link, with what it comes to by card."""
    part = next((part for part in instalments if part.open_minor), None)
    if part is None:
        return None
    total = pricing.method_total(part.open_minor, rate=rates.get(PaymentMethod.CARD, Decimal(0)))
    note = f"Due by {part.due_on:%B} {part.due_on.day}." if part.due_on else ""
    noun = noun_of(part)
    amount = format_minor(total, booking.currency)
    href = reverse("payments:pay", kwargs={"code": booking.code})
    return Action(href, f"Pay {noun}, {amount}", note, is_payment=True)


def noun_of(part: Instalment) -> str:
    """An instalment within a sentence: "the deposit", "the rest of the deposit"."""
    if part.purpose == Purpose.FULL:
        return "all that is open" if part.paid_minor else "the whole price"
    noun = {Purpose.ADDON: "the addition"}.get(
        Purpose(part.purpose), f"the {part.get_purpose_display().lower()}"
    )
    return f"the rest of {noun}" if part.paid_minor else noun


def noun_of_all(booking: Booking) -> str:
    """Everything that is open, paid at once."""
    paid = any(part.paid_minor for part in booking.instalments.all())
    return "all that is open" if paid else "the whole price"


def _event_day(booking: Booking) -> str:
    local = booking.local(booking.starts_at)
    return f"{local:%A, %B} {local.day}"
