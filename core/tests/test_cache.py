"""The cache that all processes share, on the real server, and without one."""

import os
import socket
import time
import uuid

import pytest
import redis

from core import cache as module
from core.cache import SharedCache

SERVER = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "outage", module._Outage())


def shared(server: str = SERVER, prefix: str = "") -> SharedCache:
    return SharedCache(server, {"KEY_PREFIX": prefix or f"test-{uuid.uuid4().hex}"})


def test_two_processes_count_together() -> None:
    one = shared(prefix="test-together")
    one.clear()
    one.set("attempts", 1, timeout=30)
    other = shared(prefix="test-together")
    assert other.incr("attempts") == 2
    assert one.get("attempts") == 2
    assert not one.add("attempts", 9)
    one.set_many({"a": [1.5], "b": {"x": 1}}, timeout=30)
    assert other.get_many(["a", "b", "c"]) == {"a": [1.5], "b": {"x": 1}}
    assert other.has_key("a")
    assert other.delete("a")
    one.clear()
    assert other.get("attempts") is None


def test_clearing_leaves_what_others_keep_in_the_same_database() -> None:
    broker = redis.Redis.from_url(SERVER)
    broker.set("test-a-message", "work", ex=30)
    cache = shared()
    cache.set("mine", 1)
    cache.clear()
    assert cache.get("mine") is None
    assert broker.get("test-a-message") == b"work"


def test_without_a_server_each_process_counts_for_itself() -> None:
    cache = shared(NOBODY)
    cache.clear()
    cache.set("attempts", 1, timeout=30)
    assert cache.incr("attempts") == 2
    assert shared(NOBODY, prefix=cache.key_prefix).get("attempts") == 2, (
        "other threads of the process count along"
    )
    assert cache.get("another") is None


def test_a_server_that_hangs_is_waited_for_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        cache = shared(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        started = time.monotonic()
        for _ in range(50):
            cache.get("anything")
        assert time.monotonic() - started < 8, "waited for each time: that would be ten seconds and more"
        assert module.outage.is_on()


def test_when_the_server_is_back_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = shared()
    module.outage.begin(OSError())
    cache.set("kept", "in memory")
    monkeypatch.setattr(module.outage, "until", time.monotonic() - 1)
    assert cache.get("kept") is None, "the server never heard of it"
    assert not module.outage.is_on()
    cache.set("kept", "at the server")
    assert shared(prefix=cache.key_prefix).get("kept") == "at the server"
    cache.clear()
