"""One request in the handlers' hands: what was asked, by whom, and what it may do to the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox import errors, events
from sandbox.store import Object

if TYPE_CHECKING:
    from sandbox.world import World


@dataclass(kw_only=True)
class Call:
    """Handlers get one; timers and the control API make their own, without a request id."""

    world: World
    params: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    publishable: bool = False
    request_id: str | None = None
    idempotency_key: str | None = None
    base_url: str = ""
    followers: list[Callable[[Call], None]] = field(default_factory=list)

    @property
    def now(self) -> int:
        return int(self.world.clock.now())

    def find(self, *, kind: str, id: str, param: str = "id") -> Object:
        """The object, or Stripe's resource_missing."""
        found = self.world.store.get(id)
        if found is None or found["object"] != kind:
            raise errors.missing(kind=kind, id=id, param=param)
        return found

    def save(self, body: Object) -> Object:
        self.world.store.save(body)
        return body

    def emit(self, type: str, body: Object) -> None:
        """Records an event about the object as it is now and queues its deliveries."""
        events.emit(self, type=type, body=body)

    def later(self, follower: Callable[[Call], None]) -> None:
        """Runs in the same transaction, after the answer was rendered: what Stripe does a moment later."""
        self.followers.append(follower)

    def at(self, *, due: float, kind: str, object_id: str) -> None:
        """Sets a timer on the sandbox clock (see timers.py)."""
        self.world.store.db.execute(
            "INSERT INTO timers (due, kind, object) VALUES (?, ?, ?)", (due, kind, object_id)
        )
