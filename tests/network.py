"""No test leaves the machine by mistake: sockets reach loopback and the given services. A pytest plugin."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

LOOPBACK = {"localhost", "127.0.0.1", "::1", "0.0.0.0", ""}  # noqa: S104 - compared with, never bound
SERVICES = ("DATABASE_URL", "REDIS_URL")
_opened: set[str] = set()


class NetworkRefused(AssertionError):
    """A test tried to leave the machine."""


def pytest_configure(config: pytest.Config) -> None:
    """A forgotten call to Stripe fails and says where."""
    allowed = LOOPBACK | {urlsplit(os.environ.get(name, "")).hostname or "" for name in SERVICES}

    def of_address(_socket: socket.socket, address: object) -> object:
        return address[0] if isinstance(address, tuple) else None  # a path is a local socket

    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)
        setattr(socket.socket, name, guarded(original, allowed=allowed, host_of=of_address))
    resolve = guarded(socket.getaddrinfo, allowed=allowed, host_of=lambda host, *_: host)
    setattr(socket, "getaddrinfo", remembering(resolve))  # noqa: B010


def guarded(
    original: Callable[..., Any], *, allowed: set[str], host_of: Callable[..., object]
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        host = host_of(*args)
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and name not in allowed | _opened and not name.startswith("127."):
            raise NetworkRefused(f"tests may not reach {name}: only loopback is open to them")
        return original(*args, **kwargs)

    return call


def remembering(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever may ask for a host that was opened may connect to what the answer names."""

    def call(host: Any, *args: Any, **kwargs: Any) -> Any:
        found = resolve(host, *args, **kwargs)
        if host in _opened:
            _opened.update(str(address[4][0]) for address in found)
        return found

    return call


@contextmanager
def opened_to(host: str) -> Iterator[None]:
    """For a test that was asked to reach it: this host too, until the end of the block."""
    before = set(_opened)
    _opened.add(host)
    try:
        yield
    finally:
        _opened.clear()
        _opened.update(before)


@pytest.fixture(scope="session")
def network_open_to() -> Callable[[str], Any]:
    return opened_to
