"""The sandbox clock: real time plus an offset that grows, unless the control API puts it to an earlier moment.

That is for a past to be lived through, such as a year of demonstration data. Signatures never use this clock.
"""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass


@dataclass
class Clock:
    """`offset` is stored in the state file, so a restart goes on at the same sandbox time."""

    offset: float = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError('The clock is advanced forward only; {"to": …} puts it to an earlier moment.')
        self.offset += seconds

    def put_to(self, moment: float) -> None:
        """`moment`: seconds since 1970, from which time then goes on."""
        self.offset = moment - time.time()

    def today(self) -> datetime.date:
        return datetime.datetime.fromtimestamp(self.now(), tz=datetime.UTC).date()
