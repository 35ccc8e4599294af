"""The one clock. Every module asks here, so that tests and the sandbox can move time in one place."""

import datetime as dt
from zoneinfo import ZoneInfo


def now() -> dt.datetime:
    """This moment, aware, in UTC."""
    return dt.datetime.now(tz=dt.UTC)


def today(zone: str) -> dt.date:
    """The calendar day in an IANA zone, e.g. the merchant's: policies count these days."""
    return now().astimezone(ZoneInfo(zone)).date()
