"""The page on which a customer cancels: what comes back, by which way, what is kept and why. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from bookings import agreement, page_legal
from bookings.models import Booking, LegalKind
from bookings.page_legal import Accepted
from core.money import format_minor
from payments import cancellation
from payments.cancellation import Preview, Returned
from payments.models import PaymentState, RefundRoute
from payments.page_money import method_words

WHEN = {
    RefundRoute.GATEWAY: "Sent at once. Banks usually take 5 to 10 business days to show it.",
    RefundRoute.MANUAL: "Sent by us by hand, usually within two working days.",
    RefundRoute.CREDIT: "Yours at once, for your next booking.",
}


@dataclass(frozen=True, slots=True)
class Way:
    """`total_minor` = principal and `fee_minor`, the share of the method's fee that goes back with it."""

    label: str
    words: str
    total_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to get the money back, with the figures that the click agrees to."""

    value: str
    label: str
    ways: tuple[Way, ...]
    total_minor: int
    expected: str


@dataclass(frozen=True, slots=True)
class Bracket:
    words: str
    percent: int
    is_yours: bool


@dataclass(frozen=True, slots=True)
class CancelPage:
    currency: str
    notice_words: str
    percent: int
    paid_minor: int
    refund_minor: int
    fee_minor: int
    total_minor: int
    kept_minor: int
    kept_tax_minor: int
    brackets: tuple[Bracket, ...]
    choices: tuple[Choice, ...]
    policy: Accepted | None
    answer_words: str
    looked_for_words: str


def build(booking: Booking) -> CancelPage:
    """Raises BookingSettled for a booking that cannot be cancelled any more."""
    shown = cancellation.preview(booking)
    choices = [_choice(shown, value="refund", label="Back the way it was paid")]
    if any(part.route != RefundRoute.CREDIT for part in shown.returned):
        kept = cancellation.preview(booking, as_credit=True)
        choices.append(_choice(kept, value="credit", label="As credit for another booking"))
    accepted = page_legal.accepted(booking)
    return CancelPage(
        currency=booking.currency,
        notice_words=_notice(shown.notice_days) + _moved(booking),
        percent=shown.percent,
        paid_minor=shown.paid_minor,
        refund_minor=shown.refund_minor,
        fee_minor=shown.total_minor - shown.refund_minor,
        total_minor=shown.total_minor,
        kept_minor=shown.kept_minor,
        kept_tax_minor=shown.kept_tax_minor,
        brackets=tuple(_brackets(booking, notice_days=shown.notice_days)),
        choices=tuple(choices),
        policy=next((text for text in accepted if text.label == LegalKind.REFUNDS.label), None),
        answer_words=_answer(shown, booking=booking) + _released(booking),
        looked_for_words=_looked_for(booking),
    )


def _released(booking: Booking) -> str:
    """What a card has promised is not paid, and comes free."""
    promised = [payment for payment in booking.payments.all() if payment.state == PaymentState.AUTHORIZED]
    total = format_minor(sum(payment.total_minor for payment in promised), booking.currency)
    return f" Your card is not charged: its authorization of {total} is released." if promised else ""


def _looked_for(booking: Booking) -> str:
    """A transfer that nobody has found yet: the figures hold only what came."""
    claimed = [payment for payment in booking.payments.all() if payment.state == PaymentState.CLAIMED]
    if not claimed:
        return ""
    said = claimed[-1]
    amount, method = format_minor(said.total_minor, said.currency), said.get_method_display()
    return (
        f"The {amount} that you said you sent by {method} is not in these figures: we have not found it yet. "
        "When it arrives we write to you about it."
    )


def _notice(days: int) -> str:
    if days <= 0:
        return "Your event is today."
    return "Your event is tomorrow." if days == 1 else f"Your event is in {days} days."


def _moved(booking: Booking) -> str:
    """Said where a move before limits what comes back now."""
    most = booking.agreement.get(agreement.MOVED, 100)
    if most == 100:
        return ""
    return f" You moved it when {most} % would have come back; it is no more than that now."


def _answer(shown: Preview, *, booking: Booking) -> str:
    if not shown.paid_minor:
        return "Nothing was paid, so nothing is owed either way."
    total = format_minor(shown.total_minor, booking.currency)
    if not shown.kept_minor:
        return f"All that you paid comes back: {total}."
    if not shown.refund_minor:
        if booking.agreement.get(agreement.MOVED, 100) == 0:
            return "Nothing comes back: the date was moved when nothing would have come back any more."
        return "On such short notice nothing comes back: we have bought and planned for your day."
    return f"{total} comes back."


def _choice(shown: Preview, *, value: str, label: str) -> Choice:
    return Choice(
        value=value,
        label=label,
        ways=tuple(_ways(shown.returned)),
        total_minor=shown.total_minor,
        expected=shown.shown,
    )


def _ways(returned: Sequence[Returned]) -> list[Way]:
    """One line for each way; payments that go the same way stand together."""
    found: dict[tuple[str, str], Way] = {}
    for part in returned:
        label = "Credit" if part.route == RefundRoute.CREDIT else method_words(part.payment)
        before = found.get((part.route, label), Way(label, WHEN[part.route], 0, 0))
        found[(part.route, label)] = Way(
            label, before.words, before.total_minor + part.total_minor, before.fee_minor + part.fee_minor
        )
    return list(found.values())


def _brackets(booking: Booking, *, notice_days: int) -> list[Bracket]:
    """The policy agreed to, longest notice first."""
    rules = sorted(booking.agreement.get("cancellation_policy", []), key=lambda rule: -rule["days_before"])
    found, above = [], None
    for rule in rules:
        low = rule["days_before"]
        mine = notice_days >= low and (above is None or notice_days < above)
        found.append(Bracket(_span(low, above), rule["refund_percent"], mine))
        above = low
    if above is None or above > 0:
        found.append(Bracket(_span(0, above), 0, above is None or notice_days < above))
    return found


def _span(low: int, above: int | None) -> str:
    if above is None:
        return f"{low} days before or earlier" if low else "At any time"
    if low == 0:
        return f"Less than {above} days before"
    return f"{low} to {above - 1} days before" if above - 1 > low else f"{low} days before"
