"""The demonstration's few bookings with a past: an event that is over and paid, one with money owed, one overdue.

They are made with this process's clock moved (core.clock), paid by hand, so that the sandbox's clock stays. A worker
beside it would judge that past by the real time, so the sweeps are kept still meanwhile; when one runs at this moment,
the past is left to the next run. Called by demo_bookings alone.
"""

import contextlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User

from bookings import slot_runs
from bookings.models import Booking, BookingState
from bookings.slot_runs import Run
from core import clock
from customers.models import Merchant, PaymentMethod
from payments import completion, demo_transfers, reminders, tasks
from payments.demo_cast import Guest, Story

SWEEPS = ("expire_holds", "complete_events", "remind")
STORIES = (Story.COMPLETED, Story.COMPLETED_OWED, Story.OVERDUE)
BOOKED_DAYS_AGO, OVER_DAYS_AGO, OVERDUE_IN_DAYS = 40, 10, 2
NOON, EVENING = time(12), time(22)


def tell(
    merchant: Merchant, guests: list[Guest], *, staff: User, book: Callable[[Guest, date], Booking]
) -> None:
    """Live through what is missing of them. `book(guest, day)` books a free time of that day."""
    emails = [guest.email for guest in guests]
    before = Booking.objects.filter(merchant=merchant, contact_email__in=emails)
    done = before.filter(state=BookingState.COMPLETED).count()
    if before.count() == len(guests) and done == sum(guest.story != Story.OVERDUE for guest in guests):
        return
    with contextlib.ExitStack() as stack:
        if not all(stack.enter_context(tasks.alone(sweep)) for sweep in SWEEPS):
            return
        _live(merchant, guests, staff=staff, book=book, put_to=stack.enter_context(clock.movable()))


def _live(
    merchant: Merchant,
    guests: list[Guest],
    *,
    staff: User,
    book: Callable[[Guest, date], Booking],
    put_to: Callable[[datetime], None],
) -> None:
    today = clock.today(merchant.timezone)

    def at(day: date, hour: time) -> None:
        put_to(datetime.combine(day, hour, tzinfo=ZoneInfo(merchant.timezone)).astimezone(UTC))

    over = today - timedelta(days=OVER_DAYS_AGO)
    with contextlib.suppress(slot_runs.RunRefused):
        run = Run(first=over, last=over, weekdays=range(7), starts=time(17), ends=time(20), capacity=3)
        slot_runs.add(run, merchant=merchant)
    at(today - timedelta(days=BOOKED_DAYS_AGO), NOON)
    made = []
    for guest in guests:
        day = today + timedelta(days=OVERDUE_IN_DAYS) if guest.story is Story.OVERDUE else over
        booking = book(guest, day)
        demo_transfers.receive(booking, method=PaymentMethod.ZELLE, staff=staff)
        made.append((guest, booking))
    at(over - timedelta(days=3), NOON)
    for guest, booking in made:
        if guest.story is Story.COMPLETED:
            demo_transfers.receive(booking, method=PaymentMethod.CHECK, staff=staff, number=2)
    at(over, EVENING)
    for guest, booking in made:
        if guest.story is not Story.OVERDUE:
            completion.complete(booking, actor="system")
    at(today - timedelta(days=1), NOON)
    reminders.remind_due()
