"""Who books when in the demonstration's year, and what becomes of it: seasons, weekends, people who come again. Pure.

The same `first`, `last` and count give the same plans, so that a run that was stopped finds its place again. A new
fate, or another weight, changes whose fate is which: a year that was begun before and is gone on with has some of each.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from payments import demo_cast

SEED = 20
COMES_AGAIN = 0.2
LONGEST_LEAD_DAYS = 84
# How many events there are in a month: gardens in summer, offices in December.
SEASONS = (6, 7, 8, 9, 12, 14, 14, 13, 11, 9, 8, 14)
# Monday to Sunday.
WEEKDAYS = (2, 2, 3, 4, 8, 14, 9)


class Fate(StrEnum):
    """What becomes of one booking of the year."""

    PAYS = "deposit, then the balance when it is due"
    PAYS_HOSTED = "the same at Stripe Checkout"
    FORGETS = "deposit, and the balance never"
    LAPSES = "held, never paid"
    DECLINED_LAPSES = "card declined, never paid"
    DECLINED_PAYS = "card declined, another one paid"
    PART_REFUNDED = "paid, one guest fewer came, refunded in part"
    WHOLLY_REFUNDED = "paid, all of it refunded"
    LATE = "paid after the hold had ended"
    SURPLUS = "more paid than was due"
    TWICE = "deposit paid twice"
    DASHBOARD_REFUND = "paid, refunded in Stripe's dashboard"
    DISPUTE_WON = "paid, disputed, won"
    DISPUTE_LOST = "paid, disputed, lost"
    ZELLE = "deposit and balance by Zelle, found by staff"
    VENMO = "deposit and balance by Venmo, found by staff"
    UNSAID = "the balance by Zelle without a word, found on the bank's file"
    NOT_FOUND = "said to be sent by Zelle, never found"
    CHECK = "deposit by card, the balance by check"
    OWED = "the balance by cash when the event was over"
    GOODWILL = "credit given by staff and spent"
    MORE_GUESTS = "more guests after the deposit"
    FEWER_GUESTS = "paid, then fewer guests, the rest is credit"
    MOVED = "moved to a later day"
    CANCELLED = "cancelled by the customer, back to the card as the policy says"
    CANCELLED_BY_HAND = "paid by Zelle, cancelled, sent back by hand"
    CANCELLED_AS_CREDIT = "cancelled, taken as credit"
    BACK_BY_HAND = "paid by Zelle, a part sent back by hand"
    REFUND_FAILED = "refunded to a card that is closed"


# In a thousand, about.
FATES: tuple[tuple[Fate, int], ...] = (
    (Fate.PAYS, 360),
    (Fate.PAYS_HOSTED, 170),
    (Fate.LAPSES, 65),
    (Fate.DECLINED_PAYS, 45),
    (Fate.FORGETS, 12),
    (Fate.DECLINED_LAPSES, 18),
    (Fate.PART_REFUNDED, 25),
    (Fate.WHOLLY_REFUNDED, 12),
    (Fate.LATE, 8),
    (Fate.SURPLUS, 6),
    (Fate.TWICE, 5),
    (Fate.DASHBOARD_REFUND, 6),
    (Fate.DISPUTE_WON, 5),
    (Fate.DISPUTE_LOST, 5),
    (Fate.ZELLE, 95),
    (Fate.VENMO, 30),
    (Fate.UNSAID, 16),
    (Fate.NOT_FOUND, 7),
    (Fate.CHECK, 20),
    (Fate.OWED, 8),
    (Fate.GOODWILL, 7),
    (Fate.MORE_GUESTS, 22),
    (Fate.FEWER_GUESTS, 18),
    (Fate.MOVED, 18),
    (Fate.CANCELLED, 30),
    (Fate.CANCELLED_BY_HAND, 8),
    (Fate.CANCELLED_AS_CREDIT, 7),
    (Fate.BACK_BY_HAND, 7),
    (Fate.REFUND_FAILED, 5),
)


@dataclass(frozen=True)
class Plan:
    """One booking: made on `booked_on`, `minute` minutes into that day, for `event_on`; `person` may come again."""

    number: int
    person: int
    booked_on: date
    minute: int
    event_on: date
    guests: int
    menu: int
    fate: Fate

    @property
    def name(self) -> str:
        last = demo_cast.LAST_NAMES[self.person // len(demo_cast.FIRST_NAMES) % len(demo_cast.LAST_NAMES)]
        return f"{self._first} {last}"

    @property
    def email(self) -> str:
        return f"{self._first.lower()}.y{self.person:04}@example.com"

    @property
    def street(self) -> str:
        return f"{10 + 3 * self.person} {demo_cast.STREETS[self.person % len(demo_cast.STREETS)]}"

    @property
    def place(self) -> tuple[str, str]:
        """City and postal code."""
        return demo_cast.PLACES[self.person % len(demo_cast.PLACES)]

    @property
    def children(self) -> int:
        return self.guests // 6 if self.event_on.weekday() >= 5 else 0

    @property
    def adults(self) -> int:
        return self.guests - self.children

    @property
    def _first(self) -> str:
        return demo_cast.FIRST_NAMES[self.person % len(demo_cast.FIRST_NAMES)]


def plans(*, first: date, last: date, count: int) -> list[Plan]:
    """`count` bookings made from `first` to `last`, in order; their events lie up to LONGEST_LEAD_DAYS later."""
    chance = random.Random(SEED)  # noqa: S311 - for variety, not for secrets
    made = sorted(_dates(chance, first=first, last=last, count=count))
    people: list[int] = []
    return [
        Plan(
            number=number,
            person=_person(chance, people),
            booked_on=booked_on,
            minute=chance.randrange(9 * 60, 20 * 60),
            event_on=event_on,
            guests=chance.choice((10, 12, 12, 14, 15, 16, 18, 20, 22, 25, 30, 40)),
            menu=chance.randrange(100),
            fate=chance.choices([fate for fate, _ in FATES], [weight for _, weight in FATES])[0],
        )
        for number, (booked_on, event_on) in enumerate(made)
    ]


def _dates(chance: random.Random, *, first: date, last: date, count: int) -> Iterator[tuple[date, date]]:
    """(booked on, event on) of each booking: a day by season and weekday, and a lead of days or weeks before it."""
    days = [first + timedelta(days=n) for n in range((last - first).days + LONGEST_LEAD_DAYS)]
    weights = [SEASONS[day.month - 1] * WEEKDAYS[day.weekday()] for day in days]
    made = 0
    while made < count:
        event_on = chance.choices(days, weights)[0]
        lead = min(2 + int(chance.expovariate(1 / 26)), LONGEST_LEAD_DAYS)
        booked_on = event_on - timedelta(days=lead)
        if first <= booked_on <= last:
            made += 1
            yield booked_on, event_on


def _person(chance: random.Random, people: list[int]) -> int:
    if people and chance.random() < COMES_AGAIN:
        return chance.choice(people)
    people.append(len(people))
    return people[-1]


def of_day(plans: Sequence[Plan], day: date) -> list[Plan]:
    """Those booked on that day, in the order of the day."""
    return sorted(
        (plan for plan in plans if plan.booked_on == day), key=lambda plan: (plan.minute, plan.number)
    )
