"""What the pay page shows: the next instalment by card, and what comes later. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from bookings import agreement, pricing
from bookings.models import Booking, Instalment, Purpose
from bookings.page_prices import ShownLine
from bookings.page_words import day
from bookings.pricing import percent
from core.money import format_minor
from customers.models import FeePresentation, PaymentMethod
from payments import checkout, gateway
from payments.models import GatewayAccount
from payments.page_state import noun_of


@dataclass(frozen=True, slots=True)
class DueNow:
    """`total_minor` = `amount_minor` + `fee_minor`, as `checkout.start` will charge it."""

    purpose: str
    title: str
    noun: str
    lines: tuple[ShownLine, ...]
    currency: str
    amount_minor: int
    fee_minor: int
    total_minor: int
    rest_words: str
    publishable_key: str
    method_configuration: str
    start_href: str


def due_now(booking: Booking) -> DueNow:
    """The next instalment. Raises NothingToPay in words when there is none."""
    due = checkout.due(booking)
    part = due.instalment
    noun = noun_of(part)
    account = GatewayAccount.objects.get(merchant_id=booking.merchant_id)
    return DueNow(
        purpose=part.purpose,
        title=f"Pay {noun}",
        noun=noun.removeprefix("the "),
        lines=_lines(due, booking=booking),
        currency=booking.currency,
        amount_minor=due.amount_minor,
        fee_minor=due.fee_minor,
        total_minor=due.total_minor,
        rest_words=_rest_words(booking, after=part),
        publishable_key=gateway.publishable_key(account),
        method_configuration=settings.STRIPE_PAYMENT_METHOD_CONFIGURATION,
        start_href=reverse("payments:start", kwargs={"code": booking.code}),
    )


def _lines(due: checkout.Due, *, booking: Booking) -> tuple[ShownLine, ...]:
    """As a discount the card's price is the listed one, in one line; as a surcharge the fee has a line of its own."""
    part = due.instalment
    name = {Purpose.FULL: "The whole price"}.get(Purpose(part.purpose), str(part.get_purpose_display()))
    words = "The event is near, so all of it is due now." if part.purpose == Purpose.FULL else ""
    if booking.agreement.get("fee_presentation") == FeePresentation.SURCHARGE and due.fee_minor:
        fee = ShownLine("Card fee", percent(due.fee_rate), due.fee_minor)
        return (ShownLine(name, words, due.amount_minor), fee)
    return (ShownLine(name, words or "Counts toward the price, tax included", due.total_minor),)


def _rest_words(booking: Booking, *, after: Instalment) -> str:
    later: Sequence[Instalment] = [
        part for part in booking.instalments.all() if part.position > after.position and part.open_minor
    ]
    if not later:
        return "Nothing remains to be paid after this."
    rates = agreement.method_fee_rates(booking)
    total = sum(pricing.method_total(part.open_minor, rate=rates[PaymentMethod.CARD]) for part in later)
    due_on = later[0].due_on
    by = f", by {day(due_on)}" if due_on else ""
    return f"The rest, {format_minor(total, booking.currency)} by card, is paid later{by}."
