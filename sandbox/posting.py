"""One HTTP POST, on connections that each thread keeps open."""

from __future__ import annotations

import http.client
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

_kept = threading.local()


@dataclass(frozen=True, kw_only=True)
class Result:
    """`status` is None when no answer came; `problem` then says why."""

    status: int | None
    problem: str | None = None


def post(*, url: str, body: bytes, headers: dict[str, str], timeout: float) -> Result:
    """Never raises for what a network can do. A kept connection that turns out closed is opened anew, once."""
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    for fresh in (False, True):
        connection = None if fresh else _connections().pop(place, None)
        reused = connection is not None
        connection = connection or _open(scheme=parts.scheme, netloc=parts.netloc, timeout=timeout)
        try:
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as problem:
            connection.close()
            if not reused:
                return Result(status=None, problem=f"no answer: {problem}")
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            return Result(status=None, problem=f"no answer: {problem}")
        else:
            if answer.will_close:
                connection.close()
            else:
                _connections()[place] = connection
            return Result(status=answer.status)
    return Result(status=None, problem="no answer")


def _connections() -> dict[str, http.client.HTTPConnection]:
    if not hasattr(_kept, "connections"):
        _kept.connections = {}
    return _kept.connections


def _open(*, scheme: str, netloc: str, timeout: float) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    return kind(netloc, timeout=timeout)
