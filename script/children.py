"""Child processes that never outlive us: own session, killed with us by the kernel, restarted when they crash.

Start children from the main thread only: Linux delivers the parent's death when the thread that forked ends.
Elsewhere than on Linux a killed supervisor's children are found and ended by the next start (`end_leftovers`).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from script.console import ROOT, Refusal, say
from script.state import State

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0
RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
RESTART_PAUSE_SECONDS = 0.5  # times the crashes so far


class StoppedBySignal(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived: unwind, stop the children, leave."""


def unwind_on_signals() -> None:
    """Make SIGINT, SIGTERM and SIGHUP unwind the stack, so that every `finally` runs; once, then deaf."""

    def unwind(number: int, _frame: object) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise StoppedBySignal(number)

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, unwind)


def dies_with_us(number: int) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `number` to the child when we die, however we die (Linux)."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != parent:  # died between fork and here
                os._exit(1)
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_DFL)

    return prepare


class Child:
    """One long-running process of ours, with its output shown under its name or kept in a log."""

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        state: State,
        stop_signal: int = signal.SIGTERM,
        death_signal: int = signal.SIGKILL,
        log: Path | None = None,
        **popen: Any,
    ) -> None:
        self.name = name
        self.process: subprocess.Popen[bytes] | None = None
        self._command = [str(part) for part in command]
        self._environment = dict(environment)
        self._state = state
        self._stop_signal = stop_signal
        self._death_signal = death_signal
        self._log = log
        self._popen = {"cwd": ROOT, **popen}
        self._crashes: list[float] = []
        self._restart_at: float | None = None

    def start(self) -> None:
        log: IO[bytes] | None = self._log.open("ab") if self._log else None
        self.process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=dies_with_us(self._death_signal),  # noqa: PLW1509 - the threads here only print
            **self._popen,
        )
        _remember(state=self._state, name=self.name, pid=self.process.pid)
        if log:
            log.close()
        else:
            threading.Thread(target=self._show, args=(self.process,), daemon=True).start()

    def _show(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._tell(line.decode(errors="replace").rstrip())

    def _tell(self, line: str) -> None:
        say(f"{self.name:8}| {line}")

    @property
    def exit_code(self) -> int | None:
        return self.process.poll() if self.process else None

    def restart_if_crashed(self) -> None:
        """Start it again with a notice. Refuses when it keeps crashing: something needs a person."""
        if self.exit_code is None:
            return
        now = time.monotonic()
        if self._restart_at is not None:
            if now >= self._restart_at:
                self._restart_at = None
                self.start()
            return
        self._crashes = [at for at in self._crashes if now - at < RESTART_WINDOW_SECONDS] + [now]
        if len(self._crashes) > RESTARTS:
            raise Refusal(
                f"{self.name} stopped {len(self._crashes)} times within a minute: "
                f"its last lines are {f'in {self._log}' if self._log else 'above'}; mend that and start again."
            )
        say(f"{self.name} stopped by itself (exit code {self.exit_code}); starting it again")
        self._restart_at = now + RESTART_PAUSE_SECONDS * (len(self._crashes) - 1)

    def ask_to_stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(self._stop_signal)

    def wait_until_stopped(self, *, deadline: float) -> None:
        """Wait, then kill what is left of its session."""
        if not self.process:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Errand(Child):
    """A process that ends by itself: `done` is called when it has ended well, otherwise a line says so.

    `hears` gets each line that it prints, in a thread of its own; the lines to which it says True are not shown.
    """

    def __init__(
        self, *, done: Callable[[], None], hears: Callable[[str], bool] | None = None, **child: Any
    ) -> None:
        super().__init__(**child)
        self._done = done
        self._hears = hears
        self._told = False

    def _tell(self, line: str) -> None:
        if self._hears is None or not self._hears(line):
            super()._tell(line)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end; whether it came."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=seconds)
        self.restart_if_crashed()
        return self._told

    def restart_if_crashed(self) -> None:
        if self._told or self.exit_code is None:
            return
        self._told = True
        if self.exit_code == 0:
            self._done()
        else:
            say(f"{self.name} ended early (its lines above say why); the next start tries again")


def stop(children: Sequence[Child]) -> None:
    """Stop all of them together, within STOP_SECONDS."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        child.wait_until_stopped(deadline=deadline)


# What a killed supervisor left ------------------------------------------------------------------------


def birth_mark(pid: int) -> str | None:
    """What tells this process from a later one of the same number; None when there is no such process."""
    try:
        if sys.platform == "linux":
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if after_name[0] == "Z" else after_name[19]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return _ps(pid, field="lstart") or None


def command_line(pid: int) -> str:
    """The command line of a running process; empty when there is none."""
    try:
        if sys.platform == "linux":
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return _ps(pid, field="args")


def _ps(pid: int, *, field: str) -> str:
    shown = ["ps", "-o", f"{field}=", "-p", str(pid)]
    return subprocess.run(shown, capture_output=True, text=True, check=False).stdout.strip()


def _remember(*, state: State, name: str, pid: int) -> None:
    remembered = state.read("children.json", otherwise={})
    remembered[name] = [pid, birth_mark(pid)]
    state.write("children.json", remembered)


def end_leftovers(state: State) -> bool:
    """End what an earlier, killed supervisor of this state left, and tell whether there was any. Hold its lock."""
    left = [
        (name, pid)
        for name, (pid, mark) in state.read("children.json", otherwise={}).items()
        if mark is not None and birth_mark(pid) == mark
    ]
    if left:
        say(f"  ending what an earlier run left: {', '.join(name for name, _ in left)}")
    for number, seconds in ((signal.SIGINT, 5.0), (signal.SIGKILL, 2.0)):
        for _, pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
        deadline = time.monotonic() + seconds
        while any(birth_mark(pid) for _, pid in left) and time.monotonic() < deadline:
            time.sleep(0.05)
    state.write("children.json", {})
    return bool(left)
