"""script/test: pytest on throw-away services, as many runs at once as one likes.

The embedded server's data directory with a migrated template is made once per state of the migrations and kept in the
state folder; every run copies it (half a second), starts a server of its own over the copy without fsync, and removes
it at its end. With DATABASE_URL set, the template is made on that server and each run has a database of its own there.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from script import database, postgres
from script.children import Child, StoppedBySignal, dies_with_us, stop, unwind_on_signals
from script.console import ROOT, Refusal, step
from script.state import State
from script.valkey import Valkey

KEPT_TEMPLATES = 2
PROCESSES = "2"
# pytest's options that choose the number of processes, or make sense in one only.
ALONE = ("-n", "--numprocesses", "--dist", "-s", "--capture", "--pdb", "--trace", "--co", "--setup-", "-h")


def main(arguments: list[str]) -> int:
    state = State.opened()
    unwind_on_signals()
    try:
        with throw_away(state=state, durable=False) as variables:
            return _pytest(arguments, environment=variables)
    except StoppedBySignal as stopped:
        return 128 + int(stopped.args[0])


@contextlib.contextmanager
def throw_away(*, state: State, durable: bool) -> Iterator[dict[str, str]]:
    """The environment of one run: services of its own, TEST_TEMPLATE naming a migrated database to copy."""
    variables = _environment()
    children: list[Child] = []
    run = _new_run(state)
    with run.locked("alive"):
        try:
            if given := os.environ.get("DATABASE_URL"):
                database.require_usable(given)
                variables |= {
                    "DATABASE_URL": given,
                    "TEST_TEMPLATE": f"tableside_{database.migrations_hash()}",
                }
                database.make_template(address=given, name=variables["TEST_TEMPLATE"], environment=variables)
            else:
                data = _copy_of_template(state=state, run=run, environment=variables)
                server = postgres.Postgres(
                    state=run, data=data, password=state.keys()["POSTGRES_PASSWORD"], durable=durable
                )
                variables |= {"DATABASE_URL": server.start(into=children), "TEST_TEMPLATE": "template_app"}
            variables["REDIS_URL"] = os.environ.get("REDIS_URL") or Valkey(run).start(into=children)
            yield variables
        finally:
            stop(children)
            _remove(run)


def _environment() -> dict[str, str]:
    """The person's variables without those that would reach Stripe or send mail, even when .env sets them."""
    ours = {
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STRIPE_SECRET_KEY": f"sk_test_{'sandbox'.ljust(24, '0')}",
        "STRIPE_PUBLISHABLE_KEY": f"pk_test_{'sandbox'.ljust(24, '0')}",
        "STRIPE_WEBHOOK_SECRETS": f"whsec_{'sandbox'.ljust(32, '0')}",
        "STRIPE_API_BASE": "http://127.0.0.1:9",  # nobody listens there: a test that needs Stripe asks for the sandbox
        "EMAIL_URL": "memorymail://",
        "THROTTLE_BOOKING_PAGE": "100000/min",  # all tests come from one network
        "PYTEST_PLUGINS": "tests.lanes",
    }
    dropped = (
        "PORT",
        "SITE_URL",
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "STRIPE_JS_URL",
        "EMAIL_FILE_PATH",
        "DEV_STATE",
        "PYTEST_XDIST_WORKER",
    )
    if (
        os.environ.get("SANDBOX_AGAINST") == "stripe"
    ):  # asked for in as many words: sandbox/tests/real alone reads it
        ours["SANDBOX_STRIPE_KEY"] = os.environ.get("STRIPE_SECRET_KEY", "")
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, **ours}


def _pytest(arguments: list[str], *, environment: dict[str, str]) -> int:
    """In our own session, so that a terminal's Ctrl-C and a debugger's input reach it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *processes_for(arguments), *arguments],
        cwd=ROOT,
        env=environment,
        preexec_fn=dies_with_us(signal.SIGKILL),  # noqa: PLW1509 - no other thread runs by now
    )
    try:
        return process.wait()
    except StoppedBySignal as stopped:
        number = stopped.args[0]
        if number != signal.SIGINT:  # a terminal has sent that one to pytest already
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()
        raise


def processes_for(arguments: list[str]) -> list[str]:
    """Two at once, unless the person chose, wants to watch or debug one, or named a single file."""
    if any(argument.startswith(ALONE) for argument in arguments):
        return []
    named = {argument.partition("::")[0] for argument in arguments}
    files = [name for name in named if (ROOT / name).exists()]
    alone = len(files) == 1 and (ROOT / files[0]).is_file()
    return [] if alone else ["-n", PROCESSES]


# The runs and their template --------------------------------------------------------------------------


def _runs(state: State) -> Path:
    return state.path / "runs"


def _new_run(state: State) -> State:
    """A state folder for this run alone, after sweeping those of runs that were killed."""
    _runs(state).mkdir(mode=0o700, exist_ok=True)
    for path in _runs(state).iterdir():
        _sweep(State(path=path))
    path = _runs(state) / f"{os.getpid()}-{secrets.token_hex(3)}"
    (path / "logs").mkdir(parents=True)
    return State(path=path)


def _sweep(run: State) -> None:
    """Remove a run that nobody holds any more. One that is only just being made has no lock file yet."""
    if not (run.path / "alive.lock").exists():
        return
    with contextlib.suppress(Refusal, FileNotFoundError), run.locked("alive", refusal="still runs"):
        _remove(run)


def _remove(run: State) -> None:
    note = run.path / "data-folder"
    if note.exists():
        shutil.rmtree(note.read_text(), ignore_errors=True)
    shutil.rmtree(run.path, ignore_errors=True)


def _copy_of_template(*, state: State, run: State, environment: dict[str, str]) -> Path:
    home = postgres.home(state)
    templates, data = home / "templates", home / "runs" / run.path.name
    templates.mkdir(mode=0o755, exist_ok=True)
    data.parent.mkdir(mode=0o755, exist_ok=True)
    (run.path / "data-folder").write_text(str(data))
    with state.locked("template"):
        template = templates / database.migrations_hash()
        if not template.exists():
            _make_template(template=template, state=state, environment=environment)
        with step("copying the migrated database"):
            postgres.copy_data(source=template, target=data)
    return data


def _make_template(*, template: Path, state: State, environment: dict[str, str]) -> None:
    """A stopped server's data directory, complete or not there at all."""
    building = template.with_name("building")
    shutil.rmtree(building, ignore_errors=True)
    password = state.keys()["POSTGRES_PASSWORD"]
    server = postgres.Postgres(state=state, data=building, password=password, durable=False)
    children: list[Child] = []
    try:
        address = server.start(into=children)
        database.make_template(address=address, name="template_app", environment=environment)
    finally:
        stop(children)
    for old in sorted(template.parent.glob("?" * 16), key=lambda path: path.stat().st_mtime)[
        : 1 - KEPT_TEMPLATES
    ]:
        shutil.rmtree(old, ignore_errors=True)
    building.rename(template)
