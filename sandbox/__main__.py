"""`python -m sandbox --port 12111 --state .dev/sandbox.sqlite3`: always on loopback. Keys come from the environment."""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from sandbox import lifeline
from sandbox.app import create_app
from sandbox.config import HOST, Settings
from sandbox.world import World

KEY_SHAPES = {
    "SANDBOX_SECRET_KEY": r"sk_test_[A-Za-z0-9]{24,}",
    "SANDBOX_PUBLISHABLE_KEY": r"pk_test_[A-Za-z0-9]{24,}",
}


def main() -> None:
    arguments = _arguments()
    if arguments.parent:
        lifeline.die_with(arguments.parent)
    listening = _listen(arguments.port)
    port = int(listening.getsockname()[1])
    world = World(_settings(arguments.state, port=port, environment=os.environ))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(world),
            http="h11",
            loop="asyncio",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
            backlog=512,
        )
    )
    signal.signal(signal.SIGTERM, lambda *_: _stop(world))
    print(f"sandbox: ready on http://{HOST}:{port}", flush=True)
    server.run(sockets=[listening])
    _stop(world)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=12111, help="0 takes any free port")
    parser.add_argument("--state", type=Path, default=Path(".dev/sandbox.sqlite3"))
    parser.add_argument("--parent", type=int, default=0, help="process id to die with (Linux)")
    return parser.parse_args()


def _listen(port: int) -> socket.socket:
    """Bound before anything is made, so that a busy port is told at once."""
    # IPPROTO_TCP is named because asyncio turns Nagle off only then (40 ms an answer otherwise).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as problem:
        sys.exit(
            f"sandbox: port {port} is taken or not allowed ({problem.strerror}). Choose another with --port."
        )
    listening.listen(512)
    return listening


def _settings(state: Path, *, port: int, environment: Mapping[str, str]) -> Settings:
    for name, shape in KEY_SHAPES.items():
        if not re.fullmatch(shape, environment.get(name, "")):
            sys.exit(f"sandbox: set {name} to {shape.split('[')[0]} and at least 24 letters or digits.")
    if environment.get("SANDBOX_WEBHOOK_URL") and not environment.get("SANDBOX_WEBHOOK_SECRET"):
        sys.exit("sandbox: SANDBOX_WEBHOOK_URL needs SANDBOX_WEBHOOK_SECRET (whsec_…).")
    return Settings(
        state_path=state,
        port=port,
        secret_key=environment["SANDBOX_SECRET_KEY"],
        publishable_key=environment["SANDBOX_PUBLISHABLE_KEY"],
        webhook_url=environment.get("SANDBOX_WEBHOOK_URL", ""),
        webhook_secret=environment.get("SANDBOX_WEBHOOK_SECRET", ""),
        public_url=environment.get("SANDBOX_PUBLIC_URL", "").rstrip("/"),
    )


def _stop(world: World) -> None:
    """At once: every transaction is committed when its answer is sent, and posts under way may be cut off."""
    world.close()
    os._exit(0)


if __name__ == "__main__":
    main()
