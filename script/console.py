"""What the person at the terminal reads: progress of the long parts, and refusals in one sentence."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
DOT_EVERY_SECONDS = 2.0


class Refusal(Exception):
    """Something the person must change first. Its text is one sentence that says what to do."""


_printing = threading.Lock()
_open_line = False
_output: TextIO | None = None  # None: standard output


def use_standard_error() -> None:
    """From now on: standard output belongs to a result that another program reads."""
    global _output
    _output = sys.stderr


def say(text: str, *, end: str = "\n") -> None:
    """Print a line (or, with another `end`, the beginning of one, which a later line does not run into)."""
    global _open_line
    with _printing:
        if _open_line and end == "\n":
            text = f"\n{text}"
        _open_line = end != "\n"
        _write(text + end)


def _continue(text: str, *, end: str) -> bool:
    """Go on with the open line, unless somebody else's line closed it meanwhile."""
    global _open_line
    with _printing:
        if _open_line:
            _open_line = end != "\n"
            _write(text + end)
            return True
    return False


def _write(text: str) -> None:
    """A reader that went away (`script/server | head`) is no reason to fall over."""
    global _output
    try:
        print(text, end="", flush=True, file=_output or sys.stdout)
    except BrokenPipeError:
        _output = open("/dev/null", "w")  # noqa: SIM115 - for the rest of this process


@contextmanager
def step(label: str) -> Iterator[None]:
    """`label … done, 3.1 s`, with a dot every two seconds in between, so that nobody believes it hangs."""
    started = time.monotonic()
    done = threading.Event()
    say(f"  {label} ", end="")

    def dots() -> None:
        while not done.wait(DOT_EVERY_SECONDS):
            _continue(".", end="")

    thread = threading.Thread(target=dots, daemon=True)
    thread.start()
    outcome = "stopped"
    try:
        yield
        outcome = "done"
    finally:
        done.set()
        thread.join()
        ending = f"{outcome}, {time.monotonic() - started:.1f} s"
        if not _continue(f" {ending}", end="\n"):
            say(f"  {label} {ending}")
