"""The sandbox clock: real time plus an offset that only grows, until a reset. Signatures never use it."""

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
            raise ValueError("The sandbox clock only goes forward; reset sets it back to real time.")
        self.offset += seconds

    def today(self) -> datetime.date:
        return datetime.datetime.fromtimestamp(self.now(), tz=datetime.UTC).date()
