"""Who books in the demonstration, and what becomes of each booking. Invented people at example.com; data alone.

A guest's e-mail address is what tells a second run that their booking was made, so the order of STORIES is kept: new
ones are added at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Story(StrEnum):
    """What becomes of a booking; the last words of each are where it stands."""

    HELD = "held, nothing begun"
    STARTED = "held, card form open"
    HOSTED_OPEN = "held, Checkout open"
    ASKED_3DS = "held, the bank asks for a confirmation"
    DECLINED = "held, card declined"
    LAPSED = "hold ended unpaid: expired"
    DEPOSIT = "deposit paid: confirmed"
    DEPOSIT_HOSTED = "deposit paid at Checkout: confirmed"
    DECLINED_THEN_PAID = "declined, then paid: confirmed"
    UNKNOWN_THEN_PAID = "Stripe's answer lost, asked again, paid: confirmed"
    PAID = "paid in full: confirmed"
    SOON = "event within a week, paid at once: confirmed"
    REFUNDED_PART = "paid in full, refunded in part: confirmed"
    REFUNDED_DEPOSIT = "deposit paid and refunded: confirmed"
    REFUNDED_WHOLE = "paid in full, all to be refunded, a large part once approved: confirmed"
    LATE_FITS = "paid after the hold ended, time still free: confirmed"
    LATE_TAKEN = "paid after the hold ended, time taken: expired, on the desk"
    PAID_TOO_MUCH = "more paid than was due: confirmed, on the desk"
    PAID_TWICE = "deposit paid a second time: confirmed, on the desk"
    ZELLE = "sent by Zelle, said, found: confirmed"
    ZELLE_WAITS = "sent by Zelle, said with a picture, in the inbox: held"
    ZELLE_REJECTED = "said to be sent by Zelle, not found: held"
    ZELLE_SHORT = "sent by Zelle, too little: held"
    ZELLE_SURPLUS = "sent by Zelle, too much, the rest is credit: confirmed"
    VENMO = "sent by Venmo with its fee: confirmed"
    CASH = "deposit in cash: confirmed"
    CREDIT = "credit given and spent: confirmed"
    MORE_GUESTS = "more guests after the deposit: confirmed"
    FEWER_GUESTS = "paid in full, then fewer guests: confirmed"
    MOVED = "moved to another day: confirmed"
    CANCELLED_EARLY = "cancelled by the customer in good time: cancelled"
    CANCELLED_LATE = "cancelled by the customer within the last days: cancelled"
    BACK_BY_HAND = "paid by Zelle, a part to be sent back by hand: confirmed"
    REFUND_FAILED = "refunded, and the bank sent it back: confirmed, on the desk"
    DISPUTED = "paid, disputed at the bank: confirmed"
    COMPLETED = "event over, all paid: completed"
    COMPLETED_OWED = "event over, a balance owed: completed"
    OVERDUE = "balance overdue, reminded: confirmed, on the desk"


STORIES: tuple[tuple[Story, int], ...] = (
    (Story.DEPOSIT, 4),
    (Story.HELD, 2),
    (Story.PAID, 3),
    (Story.DECLINED, 2),
    (Story.DEPOSIT_HOSTED, 4),
    (Story.LATE_TAKEN, 1),
    (Story.PAID_TOO_MUCH, 1),
    (Story.PAID_TWICE, 1),
    (Story.UNKNOWN_THEN_PAID, 1),
    (Story.REFUNDED_PART, 3),
    (Story.LAPSED, 3),
    (Story.DECLINED_THEN_PAID, 3),
    (Story.SOON, 2),
    (Story.REFUNDED_DEPOSIT, 1),
    (Story.REFUNDED_WHOLE, 1),
    (Story.LATE_FITS, 1),
    (Story.STARTED, 1),
    (Story.HOSTED_OPEN, 1),
    (Story.ASKED_3DS, 1),
    (Story.PAID, 3),
    *((story, 1) for story in tuple(Story)[tuple(Story).index(Story.ZELLE) :]),
)
FIRST_NAMES = (
    *(
        "Ada",
        "Bruno",
        "Clara",
        "Dario",
        "Edda",
        "Felix",
        "Greta",
        "Hugo",
        "Ines",
        "Jonas",
        "Kira",
        "Leo",
        "Mira",
    ),
    *(
        "Nils",
        "Olga",
        "Paul",
        "Quinn",
        "Rosa",
        "Sami",
        "Tara",
        "Uma",
        "Viktor",
        "Wanda",
        "Xenia",
        "Yuri",
        "Zoe",
    ),
)
LAST_NAMES = ("Example", "Sample", "Placeholder")
STREETS = ("Sample Street", "Example Avenue", "Placeholder Lane", "Specimen Court")
PLACES = (("San Francisco", "94110"), ("Berkeley", "94704"), ("San Francisco", "94117"), ("Reno", "89501"))


@dataclass(frozen=True)
class Guest:
    """One booking's customer; `number` counts from 0 and makes everything else different from the others'."""

    number: int
    story: Story

    @property
    def name(self) -> str:
        return f"{self._first} {LAST_NAMES[self.number % len(LAST_NAMES)]}"

    @property
    def email(self) -> str:
        return f"{self._first.lower()}.{self.number + 1:02}@example.com"

    @property
    def street(self) -> str:
        return f"{10 + 3 * self.number} {STREETS[self.number % len(STREETS)]}"

    @property
    def place(self) -> tuple[str, str]:
        """City and postal code."""
        return PLACES[self.number % len(PLACES)]

    @property
    def adults(self) -> int:
        least = 24 if self.story is Story.FEWER_GUESTS else 10  # above the minimum spend, also afterwards
        return least + self.number * 7 % 16

    @property
    def children(self) -> int:
        return self.number * 5 % 6

    @property
    def _first(self) -> str:
        return FIRST_NAMES[self.number % len(FIRST_NAMES)]


def guests() -> Iterator[Guest]:
    """All of them, in order."""
    told = (story for story, count in STORIES for _ in range(count))
    return (Guest(number, story) for number, story in enumerate(told))


# Takes the time of LATE_TAKEN while that one's card form is open.
TAKER = Guest(77, Story.DEPOSIT)
