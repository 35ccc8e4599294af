"""A year of the demonstration: some 1,200 bookings, lived through day by day, with our clock and the sandbox's moved.

Everything goes through the use cases that customers, staff and beat use (demo_till, reconcile, refunds, receipts), at
the time of day at which it would; events are handled as they come (demo_events). The year's bookings carry their number
in the customer's notes: a run that was stopped goes on with the day it had reached, and one that was finished has
nothing left to do. No day is begun before the one before it is done, and each step looks at what is there first.

While it runs, workers beside it leave sweeps alone (they would judge a past by the real time); their mails and receipts
carry that past's moments when this process sends them, and the real ones when a worker was faster. What the year sends
is not written to the outbox folder.

What becomes of each booking is told in demo_fates, and a new story is added there; what beat does by itself has its
line in `_evening`. Called by `manage.py seed_demo --year`.
"""

import contextlib
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User

from bookings import booking as bookings
from bookings.models import Booking
from core import clock, outbox
from core.errors import Conflict
from core.models import OutboxEmail
from customers.models import Merchant
from payments import (
    balance,
    completion,
    credit,
    demo_bookings,
    demo_calendar,
    demo_changes,
    demo_events,
    demo_fates,
    demo_sandbox,
    demo_till,
    demo_year_booking,
    mirror,
    receipts,
    reconcile,
    refunds,
    reminders,
    tasks,
)
from payments.demo_calendar import Plan
from payments.models import GatewayAccount

DAYS, COUNT = 330, 1_200
SWEEPS = (
    "expire_holds",
    "ask_for_payments",
    "ask_for_refunds",
    "read_balance",
    "send_refunds",
    "complete_events",
    "remind",
)
TOKENS = uuid.UUID("5eedde30-0001-4000-8000-000000000000")
NOTES = re.compile(r"^Demonstration, year to (\d{4}-\d\d-\d\d), booking (\d+)\b")
MORNING, EVENING = time(9), time(22, 30)
FOREIGN_MINOR, FOREIGN_EVERY_DAYS = 4_200, 45
UNWRITTEN = "django.core.mail.backends.dummy.EmailBackend"


@dataclass(frozen=True)
class Act:
    """What happens at one moment of the year, in the merchant's own time. Without a story, the booking itself."""

    at: datetime
    plan: Plan
    story: demo_fates.Story | None = None


def make(
    merchant: Merchant,
    *,
    staff: User | None,
    told: Callable[[int, int], None],
    days: int = DAYS,
    count: int = COUNT,
) -> demo_bookings.Made:
    """Live the year, or what is left of it. `told(done, total)` hears of every booking.

    Raises NoSandbox, and Conflict when the merchant's payments go elsewhere, another run is at it, or there is no owner
    or manager to do what staff do.
    """
    manager = demo_changes.manager_of(merchant)
    if staff is None or manager is None:
        raise Conflict("The demonstration's owner or manager is gone: run seed_demo once more.")
    with contextlib.ExitStack() as stack:
        account, sandbox = stack.enter_context(demo_bookings.at_the_sandbox(merchant))
        for sweep in SWEEPS:
            if not stack.enter_context(tasks.alone(sweep)):
                raise Conflict("The product is sweeping at this moment: run this again.")
        put_to = stack.enter_context(clock.movable())
        stack.callback(sandbox.put_clock_to, None)
        year = Year(account, sandbox, staff, manager, put_to)
        if not year.is_over:
            with _mail_unwritten():
                year.live(told, days=days, count=count)
            put_to(datetime.now(tz=UTC))
            sandbox.put_clock_to(None)
            year.end()
        return year.sums()


@contextlib.contextmanager
def _mail_unwritten() -> Iterator[None]:
    """What this process sends is stamped as sent, and no file is written of it."""
    before, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, UNWRITTEN
    try:
        yield
    finally:
        settings.EMAIL_BACKEND = before


class Year:
    """One run: the caterer, the sandbox, and how far the year has come."""

    def __init__(
        self,
        account: GatewayAccount,
        sandbox: demo_sandbox.Sandbox,
        staff: User,
        manager: User,
        put_to: Callable[[datetime], None],
    ) -> None:
        self.account, self.merchant, self.sandbox = account, account.merchant, sandbox
        self.zone = ZoneInfo(self.merchant.timezone)
        self.wishes = demo_year_booking.wishes_at(self.merchant)
        self.events = demo_events.Events(account, sandbox)
        till = demo_till.Till(account, sandbox, self.events)
        self.fates = demo_fates.Fates(account, sandbox, till, staff, manager)
        self.made: dict[int, int] = {}
        self.last = clock.today(self.merchant.timezone) - timedelta(days=1)
        self.reached = self._look_back()
        self._put_clock_here = put_to

    @property
    def is_over(self) -> bool:
        return OutboxEmail.objects.filter(key=self._over).exists()

    @property
    def _over(self) -> str:
        """Names the mail that tells the merchant of the year, which is the mark that it was lived to its end."""
        return f"demo-year:{self.merchant.public_id}:{self.last}"

    def live(self, told: Callable[[int, int], None], *, days: int, count: int) -> None:
        first = self.last - timedelta(days=days - 1)
        demo_year_booking.open_times(self.merchant, first=first, last=self.last)
        plans = demo_calendar.plans(first=first, last=self.last, count=count)
        acts = sorted(self._acts(plans), key=lambda act: (act.at, act.plan.number))
        by_day = {day: list(todo) for day, todo in groupby(acts, key=lambda act: act.at.date())}
        self.events.hear()  # what an earlier run left
        for day in (first + timedelta(days=n) for n in range(days)):
            if self.reached is None or day >= self.reached:
                self._morning(day)
                for act in by_day.get(day, ()):
                    self._at(act.at)
                    self._do(act)
                    self.events.hear()
                self._evening(day, first=first)
            told(sum(plan.booked_on <= day for plan in plans), len(plans))

    def _look_back(self) -> date | None:
        """The day that an earlier run had reached; its year, and not one that ends today, is then gone on with."""
        reached = None
        mine = Booking.objects.filter(
            merchant=self.merchant, customer_notes__startswith="Demonstration, year to"
        )
        for pk, notes, created_at in mine.order_by("pk").values_list("pk", "customer_notes", "created_at"):
            if found := NOTES.match(notes):
                self.last = date.fromisoformat(found[1])
                self.made[int(found[2])] = pk
                reached = created_at.astimezone(self.zone).date()
        return reached

    def _acts(self, plans: list[Plan]) -> Iterator[Act]:
        for plan in plans:
            yield Act(self._moment(plan, plan.booked_on), plan)
            for day, story in demo_fates.later(plan):
                if day <= self.last:
                    yield Act(self._moment(plan, day), plan, story)

    def _moment(self, plan: Plan, day: date) -> datetime:
        return datetime.combine(day, time(plan.minute // 60, plan.minute % 60), tzinfo=self.zone)

    def _do(self, act: Act) -> None:
        pk = self.made.get(act.plan.number)
        booking = Booking.objects.get(pk=pk) if pk else None
        if act.story is None:
            booking = booking or self._book(act.plan)
        if booking is not None:
            story = act.story or demo_fates.ON_THE_DAY[act.plan.fate]
            story(self.fates, booking, act.plan)

    def _at(self, moment: datetime) -> None:
        self._put_clock_here(moment)
        self.sandbox.put_clock_to(moment)

    def _morning(self, day: date) -> None:
        """Who has something to pay is reminded, before the day's payments."""
        self._put_clock_here(datetime.combine(day, MORNING, tzinfo=self.zone))
        reminders.remind_due()

    def _evening(self, day: date, *, first: date) -> None:
        """What beat and staff would have done by then, and the week's payout and bank statement on Mondays."""
        self._at(datetime.combine(day, EVENING, tzinfo=self.zone))
        reconcile.expire_holds()
        completion.complete_due()
        self.fates.changes.decide()
        self.fates.transfers.send_back()
        refunds.send_due()
        if (day - first).days % FOREIGN_EVERY_DAYS == 0:
            key = f"demo year:{self.merchant.public_id}:{day}"
            self.sandbox.charge_in_dashboard(amount_minor=FOREIGN_MINOR, key=key)
        if day.weekday() == 0:
            self.sandbox.pay_out()
        self.events.hear()
        if day.weekday() == 0:
            balance.read(self.account)
            credit.expire_due()
            self.fates.transfers.bring_weeks_file(day, week=(day - first).days // 7)
        while mirror.refetch_due():
            pass
        while receipts.send_due():
            pass
        while outbox.send_due():
            pass

    def end(self) -> None:
        """Real time again: what fell due on the way, and the mark that the year is over."""
        self.events.hear()
        self.events.leave()
        balance.read(self.account)
        outbox.enqueue(
            key=self._over,
            to=self.merchant.email,
            subject="A year of demonstration bookings is there",
            text=f"{len(self.made)} bookings were made, up to {self.last}.",
            merchant_id=self.merchant.pk,
        )

    def sums(self) -> demo_bookings.Made:
        tie_out = balance.tie_out(self.account, currency=self.merchant.currency)
        states = Counter(Booking.objects.filter(pk__in=self.made.values()).values_list("state", flat=True))
        return demo_bookings.Made(dict(sorted(states.items())), tie_out.difference_minor)

    def _book(self, plan: Plan) -> Booking | None:
        notes = f"Demonstration, year to {self.last}, booking {plan.number}: {plan.fate}."
        request = self.wishes.of(plan, notes=notes)
        if request is None:
            return None  # fully booked: they went elsewhere
        token = uuid.uuid5(TOKENS, f"{self.merchant.public_id} {self.last} {plan.number}")
        booking = bookings.create(
            merchant=self.merchant, request=request, actor="customer", idempotency_token=token
        )
        self.made[plan.number] = booking.pk
        return booking
