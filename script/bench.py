"""script/bench: runs the modules of script/benches and prints one JSON line per figure.

Each bench runs in a process of its own with fresh services: PostgreSQL with fsync on, a migrated and empty database,
Valkey. A bench is a module with `figures() -> Iterator[Figure]`; Django is set up before it is imported.
"""

import argparse
import importlib
import json
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from script.children import StoppedBySignal, dies_with_us, unwind_on_signals
from script.console import ROOT, Refusal, use_standard_error
from script.database import copy_of
from script.state import State
from script.testing import throw_away

BENCHES = Path(__file__).resolve().parent / "benches"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number. `target` bounds it from above, or from below where lower is not better."""

    name: str
    value: float
    unit: str
    target: float | None = None
    lower_is_better: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value <= self.target if self.lower_is_better else self.value >= self.target

    def line(self, *, bench: str) -> str:
        return json.dumps({"bench": bench, **asdict(self), "met": self.met})


def main(arguments: list[str]) -> int:
    known = sorted(path.stem for path in BENCHES.glob("[!_]*.py"))
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Measures; prints one JSON line per figure."
    )
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(known) or 'none yet'}; default: all"
    )
    names = parser.parse_args(arguments).names or known
    if unknown := [name for name in names if name not in known]:
        raise Refusal(f"There is no bench {', '.join(unknown)}: choose of {', '.join(known) or 'none yet'}.")
    use_standard_error()
    unwind_on_signals()
    try:
        return max([_run(name) for name in names], default=0)
    except StoppedBySignal as stopped:
        return 128 + int(stopped.args[0])


def _run(name: str) -> int:
    with (
        throw_away(state=State.opened(), durable=True) as variables,
        copy_of(
            address=variables["DATABASE_URL"], template=variables["TEST_TEMPLATE"], purpose="bench"
        ) as address,
    ):
        return subprocess.run(
            [sys.executable, "-m", "script.bench", name],
            cwd=ROOT,
            env=variables | {"DATABASE_URL": address},
            check=False,
            preexec_fn=dies_with_us(signal.SIGKILL),
        ).returncode


def measure(name: str) -> None:
    """In the bench's own process: set Django up, run it, print its figures as they come."""
    import django

    django.setup()
    for figure in importlib.import_module(f"script.benches.{name}").figures():
        print(figure.line(bench=name), flush=True)


if __name__ == "__main__":
    measure(sys.argv[1])
