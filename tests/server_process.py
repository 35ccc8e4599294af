"""script/server as a subprocess, on a state folder and a port of its own: for tests of it and of the whole product."""

import os
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from script.children import birth_mark, command_line, dies_with_us
from script.console import ROOT
from script.state import State, free_port

READY = "Tableside is ready"
START_SECONDS = 120.0
STOP_SECONDS = 30.0
OUTSIDE = (
    "DATABASE_URL",
    "REDIS_URL",
    "TEST_TEMPLATE",
    "SITE_URL",
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "ENVIRONMENT",
)


class ServerProcess:
    """One start of ./script/server. `environment` adds to the outside's, from which services and keys are taken out."""

    def __init__(
        self, *, state: Path, port: int | None = None, root: Path = ROOT, **environment: str
    ) -> None:
        self.state = state
        self.port = port or free_port()
        self.log = state.parent / f"{state.name}.log"
        self._root = root
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in OUTSIDE and not name.startswith(("STRIPE_", "EMAIL_", "DJANGO_"))
        }
        self._environment = kept | {"DEV_STATE": str(state), "PORT": str(self.port)} | environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def launch(self, *arguments: str) -> None:
        """Start without waiting. It stops when this test process dies, however it dies."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["./script/server", *arguments],
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=dies_with_us(signal.SIGTERM),
            )

    def start(self, *arguments: str) -> float:
        """Start, wait until it says that it is ready, and return the seconds that took."""
        started = time.monotonic()
        self.launch(*arguments)
        while READY not in self.output():
            assert self.process.poll() is None, f"script/server ended:\n{self.output()}"
            assert time.monotonic() - started < START_SECONDS, f"script/server is not ready:\n{self.output()}"
            time.sleep(0.05)
        return time.monotonic() - started

    def refusal(self) -> str:
        """Start where it must refuse: what it printed before it ended by itself, with a failure."""
        self.launch()
        assert self.process.wait(timeout=START_SECONDS) == 1, self.output()
        return self.output()

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self, *, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP_SECONDS)

    def kill_if_running(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()

    def variables(self) -> dict[str, str]:
        """What the product's processes were given (the file that shells read)."""
        lines = (self.state / "env").read_text().splitlines()
        pairs = [shlex.split(line)[1].partition("=") for line in lines]
        return {name: value for name, _, value in pairs}

    def status(self, path: str = "/") -> int:
        """The status of a page; a refused connection raises."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as answer:
            return answer.code

    def left_behind(self) -> Mapping[int, str]:
        """Processes that still belong to this state: it remembers them, or their command or environment names it."""
        found = {
            pid: command_line(pid)
            for pid, mark in State(path=self.state).read("children.json", otherwise={}).values()
            if mark is not None and birth_mark(pid) == mark
        }
        mark = str(self.state).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            others = int(folder.name) not in (os.getpid(), self.process.pid)
            if others and command and (mark in command or b"DEV_STATE=" + mark + b"\0" in environment):
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        return found
