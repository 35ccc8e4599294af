"""The one clock. Every module asks here, so that tests and the sandbox can move time in one place."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from django.utils import timezone

_ahead = dt.timedelta(0)


def now() -> dt.datetime:
    """This moment, aware, in UTC."""
    return dt.datetime.now(tz=dt.UTC) + _ahead


def today(zone: str) -> dt.date:
    """The calendar day in an IANA zone, e.g. the merchant's: policies count these days."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextlib.contextmanager
def movable() -> Iterator[Callable[[dt.datetime], None]]:
    """Gives a function that puts this process's clock to any moment, from which time goes on; real time afterwards.

    What Django stamps by itself (auto_now, auto_now_add) follows. For demonstration data that tell a past, and for
    tests; every thread of the process lives in that time, so nothing that serves anybody may.
    """
    global _ahead

    def put_to(moment: dt.datetime) -> None:
        global _ahead
        _ahead = moment - dt.datetime.now(tz=dt.UTC)

    real = timezone.now
    timezone.now = now
    try:
        yield put_to
    finally:
        timezone.now, _ahead = real, dt.timedelta(0)
