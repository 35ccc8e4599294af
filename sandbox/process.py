"""Starting and stopping a sandbox from a test or a supervisor: a plain subprocess on a port of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

READY = "sandbox: ready on "
START_SECONDS = 30.0
STOP_SECONDS = 5.0
PACKAGE_PARENT = Path(__file__).resolve().parent.parent


class SandboxFailed(Exception):
    """The sandbox ended, or was not ready in time; the message holds what it printed."""


class SandboxProcess:
    """`url` is known after `start()`. On Linux the process dies with the one that started it."""

    def __init__(
        self,
        *,
        state_path: Path,
        secret_key: str,
        publishable_key: str,
        webhook_url: str = "",
        webhook_secret: str = "",
        port: int = 0,
    ) -> None:
        self.state_path = state_path
        self.secret_key = secret_key
        self.publishable_key = publishable_key
        self.webhook_url = webhook_url
        self.webhook_secret = webhook_secret
        self.port = port
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when requests are accepted; raises SandboxFailed."""
        command = [sys.executable, "-m", "sandbox", "--port", str(self.port), "--state", str(self.state_path)]
        self._process = subprocess.Popen(  # noqa: S603
            [*command, "--parent", str(os.getpid())],
            cwd=PACKAGE_PARENT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = self._await_ready(self._process)

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "SANDBOX_SECRET_KEY": self.secret_key,
            "SANDBOX_PUBLISHABLE_KEY": self.publishable_key,
            "SANDBOX_WEBHOOK_URL": self.webhook_url,
            "SANDBOX_WEBHOOK_SECRET": self.webhook_secret,
            "PYTHONUNBUFFERED": "1",
        }

    def _await_ready(self, process: subprocess.Popen[str]) -> str:
        if process.stdout is None or process.stderr is None:
            raise SandboxFailed("the sandbox was started without pipes")
        watchdog = threading.Timer(START_SECONDS, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        if not line.startswith(READY):
            process.kill()
            raise SandboxFailed(line + process.stderr.read())
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=_pass_on, args=(stream,), daemon=True).start()
        return line.removeprefix(READY).strip()

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """Ends it as a crash does; what was answered is stored."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _pass_on(stream: object) -> None:
    """Keeps the pipe empty; what the sandbox says goes to our standard error."""
    for line in stream:  # type: ignore[attr-defined]
        sys.stderr.write(line)
