"""Idempotency as Stripe does it: the first answer is kept for a day and replayed, a 500 too.

Not kept: refusals before execution started (bad parameters, 401, 404 routes, 409, 429).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sandbox.errors import StripeError
from sandbox.store import Store

KEPT_SECONDS = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A stored answer; `request` is the id of the request that made it."""

    status: int
    body: str
    request: str


class Idempotency:
    """Keys in the state file, and in memory those whose first request is still running."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.running: set[str] = set()

    def recall(self, *, key: str, path: str, params: Any, now: float) -> Kept | None:
        """The answer to replay; raises when the key is in use, or was used for something else."""
        if len(key) > LONGEST_KEY:
            raise StripeError(
                f"Idempotency keys must be at most {LONGEST_KEY} characters.", type="idempotency_error"
            )
        row = self.store.db.execute(
            "SELECT path, fingerprint, status, body, request FROM idempotency WHERE key = ? AND created > ?",
            (key, now - KEPT_SECONDS),
        ).fetchone()
        if row is None:
            if key in self.running:
                raise _in_use(key)
            return None
        if row[0] != path:
            raise _misused(
                f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{path}' vs '{row[0]}').",
                key=key,
            )
        if row[1] != _fingerprint(params):
            raise _misused(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                key=key,
            )
        return Kept(status=row[2], body=row[3], request=row[4])

    def keep(self, *, key: str, path: str, params: Any, answer: Kept, now: float) -> None:
        self.store.db.execute(
            "INSERT OR REPLACE INTO idempotency (key, path, fingerprint, status, body, request, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, path, _fingerprint(params), answer.status, answer.body, answer.request, now),
        )


def _fingerprint(params: Any) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()


def _misused(message: str, *, key: str) -> StripeError:
    hint = f" Try using a key other than '{key}' if you meant to execute a different request."
    return StripeError(message + hint, type="idempotency_error")


def _in_use(key: str) -> StripeError:
    return StripeError(
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        status=409,
        type="idempotency_error",
        code="idempotency_key_in_use",
    )
