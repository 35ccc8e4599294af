"""The state folder (.dev/, or what DEV_STATE names): lock, keys, ports, logs. Nothing here reaches production.

Secrets are made once and kept with mode 0600, so a second start goes on with the same logins and signed links.
"""

import base64
import errno
import fcntl
import json
import os
import secrets
import socket
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from script.console import ROOT, Refusal

LEAST_FREE_BYTES = 200_000_000
ALPHANUMERIC = string.ascii_letters + string.digits


def _token(length: int) -> str:
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(length))


KEYS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: _token(64),
    "FIELD_ENCRYPTION_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "STRIPE_SECRET_KEY": lambda: f"sk_test_{_token(24)}",
    "STRIPE_PUBLISHABLE_KEY": lambda: f"pk_test_{_token(24)}",
    "STRIPE_WEBHOOK_SECRETS": lambda: f"whsec_{_token(32)}",
    "POSTGRES_PASSWORD": lambda: _token(32),
    "STATE_ID": lambda: secrets.token_hex(8),
}


@dataclass(frozen=True)
class State:
    path: Path

    @classmethod
    def opened(cls) -> "State":
        path = Path(os.environ.get("DEV_STATE") or ROOT / ".dev").absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path / "logs").mkdir(exist_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Refusal(
                f"{path} cannot be used as the state folder ({error.strerror}): "
                "name a folder of your own, DEV_STATE=/path/to/folder."
            ) from error
        free = os.statvfs(path)
        if free.f_bavail * free.f_frsize < LEAST_FREE_BYTES:
            raise Refusal(f"The disk of {path} is full: free at least 200 MB, then run it again.")
        return cls(path=path)

    @contextmanager
    def locked(self, name: str, *, refusal: str | None = None) -> Iterator[None]:
        """Hold the lock `name`. The kernel lets go of it with the process, so none is ever stale.

        With `refusal` a held lock is refused in these words ({pid} is filled in), otherwise waited for.
        """
        with open(self.path / f"{name}.lock", "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
            except BlockingIOError as error:
                file.seek(0)
                raise Refusal((refusal or "").format(pid=file.read().strip() or "?")) from error
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def keys(self) -> dict[str, str]:
        """Every key of KEYS; those that are missing are made and kept."""
        with self.locked("keys"):
            kept: dict[str, str] = self.read("keys.json", otherwise={})
            missing = {name: make() for name, make in KEYS.items() if name not in kept}
            if missing:
                self.write("keys.json", {**kept, **missing})
            return {**kept, **missing}

    def port(self, name: str) -> int:
        """A free port, the same as last time when it is still free: open pages and links stay good."""
        with self.locked("ports"):
            ports: dict[str, int] = self.read("ports.json", otherwise={})
            if name not in ports or not port_is_free(ports[name]):
                ports[name] = free_port()
                self.write("ports.json", ports)
            return ports[name]

    def read(self, name: str, *, otherwise: Any) -> Any:
        """The JSON of a file of ours; a missing or torn one counts as none."""
        try:
            return json.loads((self.path / name).read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return otherwise

    def write(self, name: str, content: Any) -> None:
        """Replace a file of ours as a whole, readable by its owner alone."""
        new = self.path / f"{name}.new"
        new.unlink(missing_ok=True)
        with open(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(content, file, indent=1)
        new.replace(self.path / name)

    def log(self, name: str) -> Path:
        """The log of a service; one that has grown large is put aside once."""
        path = self.path / "logs" / f"{name}.log"
        if path.exists() and path.stat().st_size > 5_000_000:
            path.replace(path.with_suffix(".old.log"))
        return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
