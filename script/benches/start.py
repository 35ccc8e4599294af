"""How long ./script/server takes to its first page: cold (nothing but the installed packages) and warm.

Each on a state folder and services of its own, with the demonstration's bookings, as a person starts it.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from script.bench import Figure
from tests.server_process import ServerProcess

COLD_TARGET_SECONDS, WARM_TARGET_SECONDS = 30.0, 5.0
WARM_STARTS = 3


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(state=Path(folder) / "state")
        try:
            yield _figure("cold start", server.start(), target=COLD_TARGET_SECONDS)
            warm = []
            for _ in range(WARM_STARTS):
                server.stop()
                warm.append(server.start())
            yield _figure("warm start", median(warm), target=WARM_TARGET_SECONDS)
        finally:
            server.kill_if_running()


def _figure(name: str, seconds: float, *, target: float) -> Figure:
    return Figure(name=name, value=round(seconds, 1), unit="s", target=target)
