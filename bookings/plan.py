"""The payment plan: how a price is paid, part by part. Pure: no query, no clock.

`plan` derives it anew whenever price, date or payments change. Invariants: the parts sum to the price; a part with
money on it stays, in its place; nobody is asked again for what was paid. What was paid beyond the price is
`surplus_minor`, which the caller turns into credit. All amounts in minor units of the booking's currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bookings.models.instalment import Purpose


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """The deposit asked for (tax included), and how many calendar days before the event the rest is due.

    `minimum_minor` is the smallest part that can be paid by card.
    """

    deposit_minor: int
    balance_due_days: int
    minimum_minor: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment to be; `due_on` None means now."""

    purpose: Purpose
    amount_minor: int
    due_on: date | None


@dataclass(frozen=True, slots=True)
class PaidPart:
    """An instalment as it stands, with what was paid of it."""

    purpose: Purpose
    amount_minor: int
    paid_minor: int
    due_on: date | None = None


def plan(
    *,
    total_minor: int,
    policy: PlanPolicy,
    event_date: date,
    today: date,
    paid: Sequence[PaidPart] = (),
) -> tuple[Part, ...]:
    """The parts of the price, in order. `paid` holds the instalments so far; those without money are planned anew.

    Nothing paid: deposit now and balance `balance_due_days` before the event; everything at once when that day has
    passed, or when there is no rest to wait for. A free booking has no parts.
    """
    if total_minor < 0 or any(part.paid_minor < 0 for part in paid):
        raise ValueError("A plan is made of amounts of zero or more.")
    due = event_date - timedelta(days=policy.balance_due_days)
    kept = [part for part in paid if part.paid_minor > 0]
    if not kept:
        return _fresh(total_minor=total_minor, policy=policy, due=due, today=today)
    if sum(part.paid_minor for part in kept) >= total_minor:
        return _within(total_minor=total_minor, kept=kept)
    return _rest(total_minor=total_minor, paid=paid, policy=policy, due=due, today=today)


def surplus_minor(*, total_minor: int, paid: Sequence[PaidPart]) -> int:
    """What was paid beyond the price."""
    return max(0, sum(part.paid_minor for part in paid) - total_minor)


def _fresh(*, total_minor: int, policy: PlanPolicy, due: date, today: date) -> tuple[Part, ...]:
    deposit = min(policy.deposit_minor, total_minor)
    if total_minor == 0:
        return ()
    # Without a deposit too, everything is asked for at once: a hold needs a payment to become a booking. So it is when
    # one of the two parts would be too small for a card.
    smallest = max(1, policy.minimum_minor)
    if today > due or min(deposit, total_minor - deposit) < smallest:
        return (Part(Purpose.FULL, total_minor, None),)
    return (Part(Purpose.DEPOSIT, deposit, None), Part(Purpose.BALANCE, total_minor - deposit, due))


def _within(*, total_minor: int, kept: Sequence[PaidPart]) -> tuple[Part, ...]:
    """All is paid: each part becomes what was paid of it; a surplus comes off the last ones."""
    parts = []
    left = total_minor
    for part in kept:
        amount = min(part.paid_minor, left)
        left -= amount
        parts.append(Part(part.purpose, amount, part.due_on))
    return tuple(parts)


def _rest(
    *, total_minor: int, paid: Sequence[PaidPart], policy: PlanPolicy, due: date, today: date
) -> tuple[Part, ...]:
    """What is open goes first to the deposit agreed to, then to the part that collects the rest."""
    kept = [part for part in paid if part.paid_minor > 0 or part.purpose == Purpose.DEPOSIT]
    open_minor = total_minor - sum(part.paid_minor for part in kept)
    parts = []
    for part in kept:
        agreed = min(policy.deposit_minor, part.amount_minor) if part.purpose == Purpose.DEPOSIT else 0
        more = min(open_minor, max(0, agreed - part.paid_minor))
        open_minor -= more
        parts.append(Part(part.purpose, part.paid_minor + more, part.due_on))
    if open_minor:
        collector = next((place for place, part in enumerate(kept) if _collects(part)), None)
        if collector is None:
            parts.append(_new_part(open_minor, kept=kept, paid=paid, due=due, today=today))
        else:
            begun = parts[collector]
            day = _due(due=due, today=today, before=begun.due_on)
            parts[collector] = Part(begun.purpose, begun.amount_minor + open_minor, day)
    return tuple(part for part in parts if part.amount_minor)


def _collects(part: PaidPart) -> bool:
    """A part begun and not yet paid in full takes up what is open."""
    return part.purpose != Purpose.DEPOSIT and 0 < part.paid_minor < part.amount_minor


def _new_part(
    amount_minor: int, *, kept: Sequence[PaidPart], paid: Sequence[PaidPart], due: date, today: date
) -> Part:
    """The balance, as long as there is none; after it, or after all was paid at once, what was added later."""
    only_deposits = all(part.purpose == Purpose.DEPOSIT for part in kept)
    purpose = Purpose.BALANCE if only_deposits else Purpose.ADDON
    before = next((part.due_on for part in paid if part.purpose == purpose), None)
    return Part(purpose, amount_minor, _due(due=due, today=today, before=before))


def _due(*, due: date, today: date, before: date | None) -> date | None:
    """The balance's day; once it has passed, now, unless that very day was agreed to before: then it is overdue."""
    return due if today <= due or before == due else None
