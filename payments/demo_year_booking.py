"""How the year's customers book: which times there are, and what each of them asks for. Called by demo_year alone."""

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from bookings import booking as bookings
from bookings import slot_runs, slots
from bookings.demo import MONDAY_TO_FRIDAY, WEEKEND
from bookings.models import AddOn, Menu, Per
from bookings.slot_runs import Run
from customers.models import Merchant
from payments.demo_calendar import Plan

NEARBY_DAYS = (0, 1, -1, 2, -2, 3, -3, 5, 7, -7)
# (weekdays, begins, ends, places): more than the demonstration's own times, for a caterer who is doing well.
TIMES = (
    (MONDAY_TO_FRIDAY, time(18), time(21), 3),
    (WEEKEND, time(13), time(16), 4),
    (WEEKEND, time(18), time(21), 4),
)


def open_times(merchant: Merchant, *, first: date, last: date) -> None:
    """The times of the year; those that are there stay."""
    for weekdays, starts, ends, capacity in TIMES:
        until = min(last, first + timedelta(days=364))
        run = Run(first=first, last=until, weekdays=weekdays, starts=starts, ends=ends, capacity=capacity)
        with contextlib.suppress(slot_runs.RunRefused):  # no such weekday within a few days
            slot_runs.add(run, merchant=merchant)


@dataclass(frozen=True)
class Wishes:
    """What can be ordered, and what each plan orders of it."""

    merchant: Merchant
    menus: Sequence[Menu]
    add_ons: Sequence[AddOn]

    def of(self, plan: Plan, *, notes: str) -> bookings.BookingRequest | None:
        """What the plan's customer fills in; None when all days near the one wanted are full."""
        slot = self._slot(plan)
        if slot is None:
            return None
        city, postal_code = plan.place
        return bookings.BookingRequest(
            slot_public_id=slot,
            adults=plan.adults,
            children=plan.children,
            menu_id=self.menus[plan.menu % len(self.menus)].pk,
            add_ons=self._chosen(plan),
            street=plan.street,
            city=city,
            postal_code=postal_code,
            name=plan.name,
            email=plan.email,
            notes=notes,
            terms_accepted=True,
        )

    def _slot(self, plan: Plan) -> uuid.UUID | None:
        """A free time on the day wanted, or near it."""
        for days in NEARBY_DAYS:
            found = slots.free(merchant=self.merchant, on=plan.event_on + timedelta(days=days))
            if found:
                return found[plan.number % len(found)].public_id
        return None

    def _chosen(self, plan: Plan) -> dict[int, int]:
        if not self.add_ons or plan.number % 3 == 0:
            return {}
        add_on = self.add_ons[plan.number % len(self.add_ons)]
        return {add_on.pk: 6 if add_on.per == Per.UNIT else 1}


def wishes_at(merchant: Merchant) -> Wishes:
    """What the merchant offers now."""
    add_ons = merchant.addons.filter(is_active=True).exclude(per=Per.CHILD)
    return Wishes(merchant, list(merchant.menus.filter(is_active=True)), list(add_ons))
