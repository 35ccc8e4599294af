"""Webhook deliveries: a queue in the state file, signed posts from threads, retries with doubling pauses.

Due times follow the sandbox clock (advancing it makes retries due); the signature's `t=` is real time, always.
At least once and unordered, as Stripe promises; the control API can pause, redeliver and add faults.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox import posting
from sandbox.events import GIVE_UP_AFTER_SECONDS, signing_secret
from sandbox.store import Object, public

if TYPE_CHECKING:
    from sandbox.world import World

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 4 * 3600.0
GREATEST_CONCURRENCY = 32
COLUMNS = ("id", "event", "endpoint", "attempts", "due", "state", "response", "problem")


def signature(*, secret: str, body: str, at: int) -> str:
    """The `Stripe-Signature` header."""
    digest = hmac.new(secret.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def pause_after(attempts: int) -> float:
    return min(FIRST_PAUSE_SECONDS * 2.0 ** (attempts - 1), LONGEST_PAUSE_SECONDS)


@dataclass(kw_only=True)
class Due:
    """One delivery on its way."""

    id: int
    event: str
    attempts: int
    give_up: float
    url: str
    secret: str
    body: str


class Deliveries:
    """Queue and sender. Everything but the posting itself runs on the event loop's thread."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.paused = False
        self._woken = asyncio.Event()
        self._in_flight: set[int] = set()
        self._reordering: list[int] = []
        self._pool = ThreadPoolExecutor(GREATEST_CONCURRENCY, thread_name_prefix="webhook")
        self._tasks: set[asyncio.Task[None]] = set()

    def queue(self, *, event: Object, endpoint: str) -> None:
        """Queues one delivery, in the transaction of the event. A webhook fault is decided here."""
        fault = self.world.faults.for_webhook(event["type"])
        now = self.world.clock.now()
        due = now + (fault.seconds if fault and fault.kind == "delay" else 0)
        state = {"drop": "dropped", "reorder": "held"}.get(fault.kind if fault else "", "pending")
        for _ in range(fault.copies if fault and fault.kind == "duplicate" else 1):
            cursor = self.world.store.db.execute(
                "INSERT INTO deliveries (event, endpoint, due, give_up, state) VALUES (?, ?, ?, ?, ?)",
                (event["id"], endpoint, due, now + GIVE_UP_AFTER_SECONDS, state),
            )
        if fault and fault.kind == "reorder":
            self._hold(int(cursor.lastrowid or 0), window=fault.window)

    def queue_again(self, event: Object) -> list[int]:
        """One more delivery to every enabled endpoint, untouched by faults; their ids."""
        now = self.world.clock.now()
        return [
            int(
                self.world.store.db.execute(
                    "INSERT INTO deliveries (event, endpoint, due, give_up) VALUES (?, ?, ?, ?)",
                    (event["id"], endpoint["id"], now, now + GIVE_UP_AFTER_SECONDS),
                ).lastrowid
                or 0
            )
            for endpoint in self.world.endpoints()
            if endpoint["status"] == "enabled"
        ]

    def _hold(self, id: int, *, window: int) -> None:
        """Gathers `window` deliveries, then lets them go one after the other, last first."""
        self._reordering.append(id)
        if len(self._reordering) >= window:
            self.release_held()

    def release_held(self) -> None:
        """Lets held deliveries go in reverse order, a little apart so that the order is seen."""
        now = self.world.clock.now()
        for place, id in enumerate(reversed(self._reordering)):
            self.world.store.db.execute(
                "UPDATE deliveries SET state = 'pending', due = ? WHERE id = ?", (now + 0.05 * place, id)
            )
        self._reordering.clear()

    def pending_of(self, event_id: str) -> int:
        row = self.world.store.db.execute(
            "SELECT COUNT(DISTINCT endpoint) FROM deliveries WHERE event = ? AND state IN ('pending', 'held')",
            (event_id,),
        ).fetchone()
        return int(row[0])

    def listed(self, *, event: str = "", state: str = "", limit: int = 200) -> list[dict[str, Any]]:
        rows = self.world.store.db.execute(
            f"SELECT {', '.join(COLUMNS)} FROM deliveries WHERE (? = '' OR event = ?) AND (? = '' OR state = ?) "  # noqa: S608
            "ORDER BY id DESC LIMIT ?",
            (event, event, state, state, limit),
        ).fetchall()
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def outstanding(self) -> int:
        """Deliveries not yet answered with 2xx, given up or dropped."""
        row = self.world.store.db.execute(
            "SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'held')"
        ).fetchone()
        return int(row[0])

    def clear(self) -> None:
        """Forgets the queue; a post already on its way ends without a trace."""
        self.paused = False
        self._in_flight.clear()
        self._reordering.clear()

    def wake(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        """Sends what is due until cancelled."""
        while True:
            self._woken.clear()
            wait = self._start_due()
            try:
                await asyncio.wait_for(self._woken.wait(), wait)
            except TimeoutError:
                continue

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start_due(self) -> float | None:
        """Starts what may start; seconds until the next delivery is due."""
        free = self.world.tuning.webhook_concurrency - len(self._in_flight)
        if self.paused or free <= 0:
            return None
        for due in self._take(free):
            self._in_flight.add(due.id)
            task = asyncio.create_task(self._deliver(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        row = self.world.store.db.execute(
            "SELECT MIN(due) FROM deliveries WHERE state = 'pending' AND due > ?", (self.world.clock.now(),)
        ).fetchone()
        return max(0.0, row[0] - self.world.clock.now()) + 0.001 if row[0] is not None else None

    def _take(self, limit: int) -> Iterable[Due]:
        rows = self.world.store.db.execute(
            "SELECT id, event, endpoint, attempts, give_up FROM deliveries WHERE state = 'pending' AND due <= ? "
            "ORDER BY due, id LIMIT ?",
            (self.world.clock.now(), limit + len(self._in_flight)),
        ).fetchall()
        endpoints = {endpoint["id"]: endpoint for endpoint in self.world.endpoints()}
        waiting = [row for row in rows if row[0] not in self._in_flight][:limit]
        for id, event, endpoint_id, attempts, give_up in waiting:
            endpoint = endpoints.get(endpoint_id)
            if endpoint is None:
                self._finish(id, state="dropped", response=None, problem="the endpoint was deleted")
                continue
            yield Due(
                id=id,
                event=event,
                attempts=attempts,
                give_up=give_up,
                url=endpoint["url"],
                secret=signing_secret(endpoint),
                body=self._body(event),
            )

    def _body(self, event_id: str) -> str:
        row = self.world.store.db.execute("SELECT body FROM objects WHERE id = ?", (event_id,)).fetchone()
        return json.dumps(public(json.loads(row[0])), separators=(",", ":"))

    async def _deliver(self, due: Due) -> None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
            "Stripe-Signature": signature(secret=due.secret, body=due.body, at=int(time.time())),
        }
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(
            self._pool,
            lambda: posting.post(
                url=due.url,
                body=due.body.encode(),
                headers=headers,
                timeout=self.world.tuning.webhook_timeout,
            ),
        )
        if due.id in self._in_flight:
            self._in_flight.discard(due.id)
            self._record(due, result)
        self.wake()

    def _record(self, due: Due, result: posting.Result) -> None:
        if result.status is not None and 200 <= result.status < 300:
            self._finish(due.id, state="delivered", response=result.status, problem=None)
            return
        problem = result.problem or f"answered {result.status}"
        next_due = self.world.clock.now() + pause_after(due.attempts + 1)
        if next_due > due.give_up:
            self._finish(due.id, state="failed", response=result.status, problem=problem)
            return
        self.world.store.db.execute(
            "UPDATE deliveries SET attempts = attempts + 1, due = ?, response = ?, problem = ? WHERE id = ?",
            (next_due, result.status, problem, due.id),
        )

    def _finish(self, id: int, *, state: str, response: int | None, problem: str | None) -> None:
        self.world.store.db.execute(
            "UPDATE deliveries SET attempts = attempts + 1, state = ?, response = ?, problem = ? WHERE id = ?",
            (state, response, problem, id),
        )
