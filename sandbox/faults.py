"""Faults the control API has ordered: each hits the next `count` requests or deliveries that match it."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

RequestFault = Literal[
    "timeout_before",
    "timeout_after",
    "hangup_before",
    "hangup_after",
    "error_500_before",
    "error_500_after",
    "rate_limit",
    "lock_timeout",
    "delay",
]
WebhookFault = Literal["duplicate", "reorder", "delay", "drop"]
REQUEST_FAULTS: tuple[str, ...] = get_args(RequestFault)
WEBHOOK_FAULTS: tuple[str, ...] = get_args(WebhookFault)
FOR_EVER = -1


class UnknownFault(Exception):
    """The control API was asked for a fault that does not exist."""


@dataclass(kw_only=True)
class Fault:
    """`path` and `event_type` are shell patterns. `count` is how many hits are left; -1 never ends.

    `seconds` is the length of a delay, or how long a timeout holds the connection before closing it;
    `copies` how often a duplicated event is sent in all; `window` how many deliveries a reorder gathers.
    """

    kind: str
    target: Literal["request", "webhook"] = "request"
    method: str = "*"
    path: str = "*"
    event_type: str = "*"
    count: int = 1
    seconds: float = 60.0
    copies: int = 2
    window: int = 2
    id: int = field(default=0)


class Faults:
    """First ordered, first applied."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, wanted: dict[str, Any]) -> Fault:
        target = wanted.get("target", "request")
        kinds = {"request": REQUEST_FAULTS, "webhook": WEBHOOK_FAULTS}.get(target, ())
        if wanted.get("kind") not in kinds:
            raise UnknownFault(
                f"kind of a {target} fault must be one of {', '.join(kinds) or 'request, webhook'}"
            )
        try:
            fault = Fault(**wanted)
        except TypeError as problem:
            raise UnknownFault(str(problem)) from problem
        fault.id = next(self._ids)
        self._faults.append(fault)
        return fault

    def for_request(self, *, method: str, path: str, kinds: tuple[str, ...]) -> Fault | None:
        for fault in self._faults:
            matches = fnmatchcase(method, fault.method.upper()) and fnmatchcase(path, fault.path)
            if fault.target == "request" and fault.kind in kinds and matches:
                return self._used(fault)
        return None

    def for_webhook(self, event_type: str) -> Fault | None:
        for fault in self._faults:
            if fault.target == "webhook" and fnmatchcase(event_type, fault.event_type):
                return self._used(fault)
        return None

    def _used(self, fault: Fault) -> Fault:
        if fault.count != FOR_EVER:
            fault.count -= 1
            if fault.count <= 0:
                self._faults.remove(fault)
        return fault

    def remove(self, id: int) -> bool:
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.id != id]
        return len(self._faults) < before

    def clear(self) -> None:
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]
