"""The cache that all processes share: Redis, and while Redis does not answer, this process's own memory.

What lies in it may be lost at any moment: counts of attempts (throttles, sign-ins), codes that were just used. So an
outage neither locks people out nor opens the door: each process goes on counting for itself, and asks Redis again
after RETRY_SECONDS. A request waits for a Redis that hangs once in that time, not once per question.
docs/decisions/ tells why neither the database nor plain Redis.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

SOCKET_SECONDS = 0.2
RETRY_SECONDS = 5.0


class _Outage:
    """One per process: Django makes a cache object for every thread."""

    until = 0.0  # on the monotonic clock

    def is_on(self) -> bool:
        return time.monotonic() < self.until

    def begin(self, error: Exception) -> None:
        if not self.until:
            logger.warning("The shared cache does not answer (%s): counting alone.", type(error).__name__)
        self.until = time.monotonic() + RETRY_SECONDS

    def end(self) -> None:
        if self.until:
            logger.info("The shared cache answers again.")
        self.until = 0.0


outage = _Outage()


class SharedCache(BaseCache):
    """Django's cache interface; LOCATION is Redis's address. Keys of other programs in that database are left alone."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        patience = {
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            # Once more at once: a pooled connection may have been closed while it was idle.
            "retry": Retry(NoBackoff(), 1),
        }
        self._redis = RedisCache(server, {**params, "OPTIONS": patience})
        self._memory = LocMemCache("shared-cache-outage", params)

    def _ask(self, question: str, *args: Any, **kwargs: Any) -> Any:
        if not outage.is_on():
            try:
                answer = getattr(self._redis, question)(*args, **kwargs)
            except (RedisError, OSError) as error:
                outage.begin(error)
            else:
                outage.end()
                return answer
        return getattr(self._memory, question)(*args, **kwargs)

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._ask("add", key, value, timeout=timeout, version=version))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._ask("get", key, default=default, version=version)

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._ask("set", key, value, timeout=timeout, version=version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        return bool(self._ask("touch", key, timeout=timeout, version=version))

    def delete(self, key: Any, version: Any = None) -> bool:
        return bool(self._ask("delete", key, version=version))

    def has_key(self, key: Any, version: Any = None) -> bool:
        return bool(self._ask("has_key", key, version=version))

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        return int(self._ask("incr", key, delta=delta, version=version))

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        found: dict[Any, Any] = self._ask("get_many", list(keys), version=version)
        return found

    def set_many(
        self, data: Mapping[Any, Any], timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> list[Any]:
        return list(self._ask("set_many", dict(data), timeout=timeout, version=version))

    def delete_many(self, keys: Any, version: Any = None) -> None:
        self._ask("delete_many", list(keys), version=version)

    def clear(self) -> None:
        """Our own keys only: the broker's messages lie in the same database."""
        self._memory.clear()
        if outage.is_on():
            return
        try:
            client = self._redis._cache.get_client(None, write=True)
            for some in _batches(client.scan_iter(match=f"{self.key_prefix}:*", count=500)):
                client.delete(*some)
        except (RedisError, OSError) as error:
            outage.begin(error)


def _batches(keys: Iterator[bytes], *, size: int = 500) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
