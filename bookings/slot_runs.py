"""Opening times in the merchant's own wall clock: one slot, or one on each chosen weekday of a stretch of days."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bookings.models import Slot
from core.errors import Invalid
from customers.models import Merchant

LONGEST_RUN = timedelta(days=366)


class RunRefused(Invalid):
    """The run cannot be added; the detail says why."""

    code = "slot_run_refused"
    title = "Those times cannot be added"


@dataclass(frozen=True)
class Run:
    """From `first` to `last`, both included, on `weekdays` (Monday is 0); `ends` before `starts`: past midnight."""

    first: date
    last: date
    weekdays: Collection[int]
    starts: time
    ends: time
    capacity: int

    def days(self) -> Iterator[date]:
        for offset in range((self.last - self.first).days + 1):
            day = self.first + timedelta(days=offset)
            if day.weekday() in self.weekdays:
                yield day


def span(day: date, *, starts: time, ends: time, timezone: str) -> tuple[datetime, datetime]:
    """Beginning and end in that zone; an end not after the beginning is on the next day.

    Raises RunRefused for an hour that is left out where clocks are put forward.
    """
    zone = ZoneInfo(timezone)
    last_day = day if ends > starts else day + timedelta(days=1)
    span = datetime.combine(day, starts, tzinfo=zone), datetime.combine(last_day, ends, tzinfo=zone)
    for moment in span:
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise RunRefused(f"Clocks are put forward on {moment:%d %b %Y}: {moment:%H:%M} does not exist.")
    return span


def add(run: Run, *, merchant: Merchant) -> int:
    """Add the run's slots; how many are new. Times that exist already are left as they are."""
    if run.last < run.first:
        raise RunRefused("The last day is before the first.")
    if run.last - run.first > LONGEST_RUN:
        raise RunRefused("A run is at most a year long.")
    spans = [span(day, starts=run.starts, ends=run.ends, timezone=merchant.timezone) for day in run.days()]
    if not spans:
        raise RunRefused("None of the chosen weekdays lies between those days.")
    known = set(
        Slot.objects.filter(merchant=merchant, starts_at__in=[start for start, _end in spans]).values_list(
            "starts_at", "ends_at"
        )
    )
    missing = [each for each in spans if each not in known]
    Slot.objects.bulk_create(
        [
            Slot(merchant=merchant, starts_at=start, ends_at=end, capacity=run.capacity)
            for start, end in missing
        ],
        ignore_conflicts=True,
    )
    return len(missing)
