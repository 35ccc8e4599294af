"""Ending a request without an answer, as a broken network does. Knows uvicorn's insides, and nothing else does."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Receive


async def end_without_answer(receive: Receive, *, after_seconds: float) -> None:
    """Waits for the client to give up, at most `after_seconds`, then drops the connection."""
    with suppress(TimeoutError):
        await asyncio.wait_for(_disconnected(receive), after_seconds)
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
    while True:
        if (await receive())["type"] == "http.disconnect":
            return


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
