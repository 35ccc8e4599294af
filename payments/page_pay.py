"""What the pay page shows: how much the payer may pick, what that is by card, and what comes later. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from bookings import agreement, pricing
from bookings.models import Booking, Instalment, Purpose
from bookings.page_prices import ShownLine
from bookings.page_words import day
from bookings.pricing import percent
from core import clock
from core.money import format_minor
from customers.models import FeePresentation, PaymentMethod
from payments import checkout, dues, gateway, manual
from payments.models import GatewayAccount
from payments.page_state import noun_of, noun_of_all


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


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount to pick: what is due next, or (`purpose` full) everything at once. With the method's fee."""

    purpose: str
    label: str
    words: str
    total_minor: int
    is_current: bool


def picked(request: HttpRequest) -> str:
    """What a visitor picked by the address: `full`, or "" for what is due next; anything else counts as that."""
    return Purpose.FULL.value if request.GET.get("purpose") == Purpose.FULL else ""


def amounts(booking: Booking, *, method: str, purpose: str) -> tuple[Amount, ...]:
    """What the payer may pick from; empty where there is only one."""
    asks = dues.choices(booking)
    if len(asks) < 2:
        return ()
    first, everything = asks
    later = everything.amount_minor - first.amount_minor
    rest = format_minor(manual.with_fee(booking, later, method=method).total_minor, booking.currency)
    due_on = _later(booking, after=first.instalment)[0].due_on
    by = f" by {day(due_on)}" if due_on else ""
    return (
        _amount(
            booking, first, method=method, label=_label(first), words=f"Then {rest}{by}", chosen=not purpose
        ),
        _amount(
            booking,
            everything,
            method=method,
            label="Everything at once",
            words="Then nothing is left to pay",
            chosen=bool(purpose),
        ),
    )


def _amount(booking: Booking, ask: dues.Ask, *, method: str, label: str, words: str, chosen: bool) -> Amount:
    total = manual.with_fee(booking, ask.amount_minor, method=method).total_minor
    return Amount(ask.purpose, label, words, total, chosen)


def _label(ask: dues.Ask) -> str:
    noun = noun_of(ask.instalment).removeprefix("the ")
    return f"{noun[0].upper()}{noun[1:]}"


def due_now(booking: Booking, *, purpose: str = "") -> DueNow:
    """The next instalment, or all that is open. Raises NothingToPay in words when there is none."""
    due = checkout.due(booking, purpose=purpose)
    noun = noun_of_all(booking) if due.purpose == Purpose.FULL else noun_of(due.instalment)
    account = GatewayAccount.objects.get(merchant_id=booking.merchant_id)
    return DueNow(
        purpose=due.purpose,
        title=f"Pay {noun}",
        noun=noun,
        lines=_lines(due, booking=booking),
        currency=booking.currency,
        amount_minor=due.amount_minor,
        fee_minor=due.fee_minor,
        total_minor=due.total_minor,
        rest_words=_rest_words(booking, due=due),
        publishable_key=gateway.publishable_key(account),
        method_configuration=settings.STRIPE_PAYMENT_METHOD_CONFIGURATION,
        start_href=reverse("payments:start", kwargs={"code": booking.code}),
    )


def _lines(due: checkout.Due, *, booking: Booking) -> tuple[ShownLine, ...]:
    """As a discount the card's price is the listed one, in one line; as a surcharge the fee has a line of its own."""
    noun = noun_of_all(booking) if due.purpose == Purpose.FULL else noun_of(due.instalment)
    noun = noun.removeprefix("the ")
    name = f"{noun[0].upper()}{noun[1:]}"
    words = why_all(booking, instalment=due.instalment) if due.purpose == Purpose.FULL else ""
    if booking.agreement.get("fee_presentation") == FeePresentation.SURCHARGE and due.fee_minor:
        fee = ShownLine("Card fee", percent(due.fee_rate), due.fee_minor)
        return (ShownLine(name, words, due.amount_minor), fee)
    return (ShownLine(name, words or "Counts toward the price, tax included", due.total_minor),)


def why_all(booking: Booking, *, instalment: Instalment) -> str:
    """Why all of it is paid now: because it is due, or because the payer likes it so."""
    days = agreement.plan_policy(booking).balance_due_days
    near = (booking.event_date - clock.today(booking.timezone)).days < days
    if instalment.purpose == Purpose.FULL and near:
        return "The event is near, so all of it is due now."
    return "All that is open, paid at once; tax included"


def _rest_words(booking: Booking, *, due: checkout.Due) -> str:
    later = _later(booking, after=due.instalment)
    if due.purpose == Purpose.FULL or not later:
        return "Nothing remains to be paid after this."
    rates = agreement.method_fee_rates(booking)
    total = sum(pricing.method_total(part.open_minor, rate=rates[PaymentMethod.CARD]) for part in later)
    due_on = later[0].due_on
    by = f", by {day(due_on)}" if due_on else ""
    return f"The rest, {format_minor(total, booking.currency)} by card, is paid later{by}."


def _later(booking: Booking, *, after: Instalment) -> Sequence[Instalment]:
    return [part for part in booking.instalments.all() if part.position > after.position and part.open_minor]
