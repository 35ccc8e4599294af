"""The last requests, in memory, without secrets: keys are never kept, card numbers are cut to four digits."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 10_000
SECRET_PARAMETERS = {"number", "cvc", "client_secret", "secret"}


@dataclass(kw_only=True)
class Entry:
    """One request to /v1. `fault` is the kind that hit it, `status` 0 when no answer was sent."""

    request_id: str
    at: float
    method: str
    path: str
    params: dict[str, Any]
    idempotency_key: str | None
    publishable: bool = False
    status: int = 0
    milliseconds: float = 0.0
    replayed: bool = False
    fault: str | None = None
    error: dict[str, Any] | None = None
    number: int = field(default=0)


class RequestLog:
    """Numbered from 1 since start or reset."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)

    def add(self, entry: Entry) -> Entry:
        entry.number = next(self._numbers)
        self._entries.append(entry)
        return entry

    def listed(
        self, *, method: str = "", path: str = "", limit: int = 100, since: int = 0
    ) -> list[dict[str, Any]]:
        """Newest first; `path` is a part of the path, `since` a number already seen."""
        found = (
            asdict(entry)
            for entry in reversed(self._entries)
            if entry.number > since and (not method or entry.method == method.upper()) and path in entry.path
        )
        return list(itertools.islice(found, limit))


def redacted(tree: Any) -> Any:
    if isinstance(tree, list):
        return [redacted(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        name: f"…{child[-4:]}" if name in SECRET_PARAMETERS and isinstance(child, str) else redacted(child)
        for name, child in tree.items()
    }
