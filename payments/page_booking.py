"""What a booking's own page says: its state in words, the event, the plan, what was received and sent back.

Reads with a constant number of queries and decides nothing. Amounts by card contain the method's fee, as the customer
sees them everywhere else; `plan` and `payments` come from rows, never from a return address.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse

from bookings import agreement, page_legal, page_prices, page_words, pricing
from bookings.models import Booking, BookingState, Instalment, LineKind, Purpose
from bookings.page_legal import Accepted
from bookings.page_prices import Saving, ShownLine
from bookings.page_words import day, full_day, guests_label, wall_clock, zone_label
from core import clock
from core.money import format_minor
from customers.models import PaymentMethod
from payments import dues, page_actions, page_cancelled
from payments.models import Payment, PaymentState, Refund
from payments.page_actions import Link
from payments.page_cancelled import Cancelled
from payments.page_money import ShownNote, ShownPayment, shown_notes, shown_payment
from payments.page_notices import Notice, notices
from payments.page_state import Action, Headline, headline

# What is not asked for again while it is under way: of a part, and as the next step.
UNDER_WAY = {
    PaymentState.AUTHORIZED: "Your card is authorized for it",
    PaymentState.PROCESSING: "Your bank is working on it",
    PaymentState.CLAIMED: "We look for your payment",
}
NOW = {
    PaymentState.AUTHORIZED: "Your card is charged when we confirm the booking.",
    PaymentState.PROCESSING: "The bank is working on your payment.",
    PaymentState.CLAIMED: "We look for your payment.",
}


@dataclass(frozen=True, slots=True)
class PlanPart:
    """An instalment: its amount by card while open, what really came once it is paid."""

    label: str
    purpose: str
    status: str
    amount_minor: int
    is_paid: bool


@dataclass(frozen=True, slots=True)
class Step:
    when: str
    what: str


@dataclass(frozen=True, slots=True)
class BookingPage:
    code: str
    href: str
    currency: str
    starts: datetime
    ends: datetime
    zone_label: str
    street: str
    town: str
    guests_label: str
    menu_name: str
    contact_name: str
    contact_email: str
    notes: str
    hold_words: str
    hold_until_iso: str
    headline: Headline
    notices: tuple[Notice, ...]
    lines: tuple[ShownLine, ...]
    total_minor: int
    has_tax: bool
    card_total_minor: int
    savings: tuple[Saving, ...]
    plan: tuple[PlanPart, ...]
    payments: tuple[ShownPayment, ...]
    credit_notes: tuple[ShownNote, ...]
    next_steps: tuple[Step, ...]
    accepted: tuple[Accepted, ...]
    accepted_on: str
    cancelled: Cancelled | None
    links: tuple[Link, ...]
    too_late_words: str

    @property
    def action(self) -> Action | None:
        return self.headline.action

    @property
    def can_pay(self) -> bool:
        """Whether the page offers to pay now; the use case checks again under the lock."""
        return self.action is not None and self.action.is_payment


def load(code: str, *, among: QuerySet[Booking]) -> Booking | None:
    """The booking of this code, if it is one of those that this visitor may see (bookings/access.py: visible)."""
    if "\0" in code:  # PostgreSQL would not even look.
        return None
    return (
        among.select_related("menu", "merchant")
        .prefetch_related(
            "lines",
            "instalments",
            "cancellations",
            Prefetch(
                "payments",
                queryset=Payment.objects.select_related("receipt").defer("receipt__pdf").order_by("id"),
            ),
            Prefetch("payments__refunds", queryset=_refunds()),
            "payments__credits",
        )
        .filter(code=code.upper())
        .first()
    )


def _refunds() -> QuerySet[Refund]:
    return Refund.objects.select_related("credit_note").defer("credit_note__pdf").order_by("id")


def build(booking: Booking) -> BookingPage:
    """The page of a booking that `load` found."""
    payments = list(booking.payments.all())
    instalments = dues.shown(booking)
    rates = agreement.method_fee_rates(booking)
    shown = tuple(shown_payment(payment, booking=booking) for payment in payments if payment.received_minor)
    head = headline(booking, instalments=instalments, payments=payments, rates=rates)
    totals = pricing.totals_by_method(
        parts_minor=[part.amount_minor for part in instalments],
        rates=page_prices.taken_rates(booking.merchant, rates),
    )
    card = next(total for total in totals if total.method == PaymentMethod.CARD)
    return BookingPage(
        **_event(booking),
        headline=head,
        notices=notices(booking, payments=payments),
        lines=tuple(_lines(booking)),
        total_minor=booking.total_minor,
        has_tax=bool(booking.tax_minor),
        card_total_minor=card.total_minor,
        savings=tuple(page_prices.savings(totals)),
        plan=tuple(
            _plan_part(part, booking=booking, payments=payments, rates=rates)
            for part in instalments
            if booking.state != BookingState.CANCELLED
        ),
        payments=shown,
        credit_notes=shown_notes(payments, booking=booking),
        next_steps=tuple(_next_steps(booking, instalments=instalments)),
        accepted=page_legal.accepted(booking),
        accepted_on=full_day(booking.local(booking.terms_accepted_at).date())
        if booking.terms_accepted_at
        else "",
        cancelled=page_cancelled.build(booking, payments=payments),
        links=page_actions.links(booking),
        too_late_words=page_actions.too_late_words(booking),
    )


def _event(booking: Booking) -> dict[str, Any]:
    holds = booking.state == BookingState.HELD and booking.hold_expires_at is not None
    until = booking.hold_expires_at if holds else None
    return {
        "code": booking.code,
        "href": reverse("payments:booking", kwargs={"code": booking.code}),
        "currency": booking.currency,
        "starts": wall_clock(booking.local(booking.starts_at)),
        "ends": wall_clock(booking.local(booking.ends_at)),
        "zone_label": zone_label(booking.timezone),
        "street": booking.street,
        "town": " ".join(filter(None, [f"{booking.city},", booking.region, booking.postal_code])),
        "guests_label": guests_label(booking),
        "menu_name": booking.menu.name,
        "contact_name": booking.contact_name,
        "contact_email": booking.contact_email,
        "notes": booking.customer_notes,
        "hold_words": page_words.until(booking.local(until), today=clock.today(booking.timezone))
        if until and until > clock.now()
        else "",
        "hold_until_iso": until.isoformat() if until and until > clock.now() else "",
    }


def _lines(booking: Booking) -> list[ShownLine]:
    rows = [
        (LineKind(line.kind), line.description, line.quantity, line.unit_minor, line.amount_minor)
        for line in booking.lines.all()
    ]
    return page_prices.shown_lines(rows, currency=booking.currency)


def _plan_part(
    part: Instalment, *, booking: Booking, payments: Sequence[Payment], rates: Mapping[str, Decimal]
) -> PlanPart:
    if part.open_minor:
        payment = _under_way(part, payments=payments)
        method = payment.method if payment else PaymentMethod.CARD
        amount = pricing.method_total(part.open_minor, rate=rates.get(method, Decimal(0)))
        status = UNDER_WAY[PaymentState(payment.state)] if payment else _open_status(part, booking=booking)
    else:
        amount, status = _paid(part, payments=payments)
    return PlanPart(str(part.get_purpose_display()), part.purpose, status, amount, part.open_minor == 0)


def _paid(part: Instalment, *, payments: Sequence[Payment]) -> tuple[int, str]:
    """What really came for this part and stayed, fee included, and that in words."""
    own = [
        payment
        for payment in payments
        if payment.instalment_id == part.pk and payment.state == PaymentState.SUCCEEDED
    ]
    came = sum(payment.placed_minor + payment.received_fee_minor for payment in own)
    back = min(came, sum(payment.refunded_minor for payment in own))
    if part.forgiven_minor:
        return came - back, "Nothing more to pay"
    if not came:
        return part.amount_minor, "Paid" if part.amount_minor else "Nothing to pay"
    refunded = f", {format_minor(back, own[0].currency)} refunded" if back else ""
    return came - back, f"Paid{refunded}"


def _covers(payment: Payment, part: Instalment) -> bool:
    return payment.purpose == Purpose.FULL or payment.instalment_id == part.pk


def _under_way(part: Instalment, *, payments: Sequence[Payment]) -> Payment | None:
    """A part that a card has promised, a bank works on or a transfer was told for is not asked for again."""
    return next((one for one in payments if one.state in UNDER_WAY and _covers(one, part)), None)


def _open_status(part: Instalment, *, booking: Booking) -> str:
    if booking.state in (BookingState.EXPIRED, BookingState.CANCELLED) or _has_run_out(booking):
        return "Not paid"
    partly = "The rest of it is " if part.paid_minor else ""
    if part.due_on is None:
        words = "due now"
    elif part.due_on < clock.today(booking.timezone):
        words = f"due since {day(part.due_on)}"
    else:
        words = f"due by {day(part.due_on)}"
    return f"{partly}{words}" if partly else f"{words[0].upper()}{words[1:]}"


def _has_run_out(booking: Booking) -> bool:
    """A hold that is over, in the moments before the sweep says so."""
    until = booking.hold_expires_at
    return booking.state == BookingState.HELD and (until is None or until <= clock.now())


def _next_steps(booking: Booking, *, instalments: Sequence[Instalment]) -> list[Step]:
    """What is still to come, for a booking that stands or may still be paid."""
    if booking.state not in (BookingState.HELD, BookingState.CONFIRMED) or _has_run_out(booking):
        return []
    return [*_payment_steps(booking, instalments=instalments), *_event_steps(booking)]


def _payment_steps(booking: Booking, *, instalments: Sequence[Instalment]) -> list[Step]:
    steps = []
    if booking.state == BookingState.HELD:
        states = [payment.state for payment in booking.payments.all()]
        now = next((NOW[state] for state in NOW if state in states), "Pay what is due.")
        steps.append(
            Step("Now", f"{now} The receipt comes to {booking.contact_email}, and the date is yours.")
        )
    under_way = [payment for payment in booking.payments.all() if payment.state in NOW]
    return steps + [
        Step(f"By {day(part.due_on)}", f"Pay the {part.get_purpose_display().lower()} on this page.")
        for part in instalments
        if part.open_minor and part.due_on and not any(_covers(payment, part) for payment in under_way)
    ]


def _event_steps(booking: Booking) -> list[Step]:
    event = booking.local(booking.starts_at)
    return [
        Step("Before the day", "Tell us about stairs, parking and power; write or call at any time."),
        Step(
            f"{event:%A}, {day(event.date())}",
            "We arrive about an hour before serving, cook at your place, and clean up after.",
        ),
    ]
