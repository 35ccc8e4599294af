"""script/server: everything a person needs to try the product, started in order, stopped together.

Owns the database unless DATABASE_URL is given; one given from outside is migrated, but seeded only with --seed and
never emptied. With STRIPE_SECRET_KEY set the product talks to Stripe, otherwise to the sandbox.
"""

import argparse
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence

from script import database, demonstration, environment, postgres
from script.children import Child, StoppedBySignal, end_leftovers, stop, unwind_on_signals
from script.console import ROOT, Refusal, say, step
from script.state import State, port_is_free
from script.valkey import Valkey

ANSWER_SECONDS = 60.0
WATCH_SECONDS = 0.25
SERVICES = ("postgres", "valkey")  # stopped last: a worker without its broker waits for it
ROOT_IS_FINE_HERE = "ignore:You're running the worker with superuser privileges"
ALONE = ["--without-gossip", "--without-mingle"]  # no other worker to talk to: starts a second sooner
ALREADY = "Tableside already runs from this folder (process {pid}): stop it first, or name another DEV_STATE and PORT."


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    database.read_env_file(ROOT / ".env")
    environment.refuse_production(os.environ)
    port = environment.chosen_port(os.environ)
    state = State.opened()
    children: list[Child] = []
    unwind_on_signals()
    try:
        with state.locked("server", refusal=ALREADY):
            try:
                _start(state=state, port=port, options=options, children=children)
                _watch(children)
            finally:
                _deaf_to_signals()
                if children:
                    say("\nStopping")
                stop([child for child in children if child.name not in SERVICES])
                stop([child for child in children if child.name in SERVICES])
    except StoppedBySignal:
        return 0
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/server",
        description="Starts the whole product for development. PORT, DEV_STATE, DATABASE_URL, REDIS_URL, "
        "STRIPE_SECRET_KEY and RELOAD=1 change how: docs/deployment.md.",
    )
    parser.add_argument(
        "--seed", action="store_true", help="fill in demonstration data, also in a given database"
    )
    parser.add_argument(
        "--no-bookings",
        action="store_true",
        help="leave the demonstration at its catalogue, without bookings",
    )
    return parser.parse_args(arguments)


def _deaf_to_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _start(*, state: State, port: int, options: argparse.Namespace, children: list[Child]) -> None:
    started = time.monotonic()
    _require_free(port, patience_seconds=5.0 if end_leftovers(state) else 0.0)
    variables = {**os.environ, **environment.for_development(state=state, port=port)}
    variables["DATABASE_URL"] = _database(state=state, children=children)
    variables["REDIS_URL"] = _broker(state=state, children=children)
    sandbox_port = None if os.environ.get("STRIPE_SECRET_KEY") else state.port("sandbox")
    if sandbox_port:
        variables |= environment.for_sandbox(state=state, sandbox_port=sandbox_port, port=port)
        _launch(_sandbox(state=state, port=sandbox_port, variables=variables), children=children)
    else:
        environment.require_test_keys(variables)
    is_ours = not os.environ.get("DATABASE_URL")
    database.bring_up_to_date(state=state, environment=variables, is_ours=is_ours)
    environment.write_for_shells(state=state, variables=variables)
    web = _web(state=state, port=port, variables=variables)
    _launch(web, children=children)
    if options.seed or is_ours:
        with_bookings = bool(sandbox_port) and not options.no_bookings
        demonstration.make(state=state, variables=variables, children=children, with_bookings=with_bookings)
    _wait_for_an_answer(web, address=f"http://127.0.0.1:{port}/")
    for child in _background(state=state, variables=variables):
        _launch(child, children=children)
    _tell(
        variables=variables,
        sandbox_port=sandbox_port,
        logins=demonstration.sign_ins_of(state),
        seconds=time.monotonic() - started,
    )


def _database(*, state: State, children: list[Child]) -> str:
    if given := os.environ.get("DATABASE_URL"):
        database.require_usable(given)
        return given
    postgres.sweep_forgotten()
    server = postgres.Postgres(
        state=state,
        data=postgres.home(state) / f"pg{postgres.MAJOR}",
        password=state.keys()["POSTGRES_PASSWORD"],
        durable=True,
    )
    with step("PostgreSQL" if server.exists() else "PostgreSQL (making a new database)"):
        return server.start(into=children)


def _broker(*, state: State, children: list[Child]) -> str:
    if given := os.environ.get("REDIS_URL"):
        return given
    with step("Valkey"):
        return Valkey(state).start(into=children)


def _sandbox(*, state: State, port: int, variables: Mapping[str, str]) -> Child:
    kept = state.path / "sandbox.sqlite3"
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(kept)]
    return Child(name="sandbox", command=command, environment=variables, state=state)


def _web(*, state: State, port: int, variables: Mapping[str, str]) -> Child:
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "warning"]
    command += ["--reload"] if os.environ.get("RELOAD") == "1" else ["--preload"]
    # Its quick shutdown, which takes its workers along.
    return Child(name="web", command=command, environment=variables, state=state, death_signal=signal.SIGINT)


def _background(*, state: State, variables: Mapping[str, str]) -> Iterator[Child]:
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
    yield Child(
        name="worker",
        command=[*celery, "worker", "--concurrency", "1", "--loglevel", "warning", *ALONE],
        environment={**variables, "PYTHONWARNINGS": ROOT_IS_FINE_HERE},
        state=state,
    )
    yield Child(
        name="beat",
        # In memory: the schedule is static, and a file could be torn by a kill.
        command=[*celery, "beat", "--loglevel", "warning", "--scheduler", "celery.beat:Scheduler"],
        environment=variables,
        state=state,
    )


def _launch(child: Child, *, children: list[Child]) -> None:
    children.append(child)
    child.start()


def _require_free(port: int, *, patience_seconds: float) -> None:
    """What an earlier, killed run left may need a moment to let go of the port."""
    deadline = time.monotonic() + patience_seconds
    while not port_is_free(port):
        if time.monotonic() > deadline:
            raise Refusal(
                f"Port {port} is used by another program: stop that one, "
                f"or choose another port, PORT={port + 1} ./script/server."
            )
        time.sleep(0.1)


def _wait_for_an_answer(web: Child, *, address: str) -> None:
    with step("web"):
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline and web.exit_code is None:
            try:
                urllib.request.urlopen(address, timeout=ANSWER_SECONDS).close()  # noqa: S310 - our own address
            except urllib.error.HTTPError as answer:
                if answer.code < 500:
                    return
                raise Refusal(
                    f"The web process answers {address} with {answer.code}: its lines above say why."
                ) from answer
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise Refusal("The web process does not come up: its lines above say why.")


def _watch(children: list[Child]) -> None:
    while True:
        time.sleep(WATCH_SECONDS)
        for child in children:
            child.restart_if_crashed()


def _tell(
    *, variables: Mapping[str, str], sandbox_port: int | None, logins: Sequence[str], seconds: float
) -> None:
    site = variables["SITE_URL"]
    say(f"\nTableside is ready after {seconds:.1f} s\n")
    say(f"  customers   {site}/")
    say(f"  staff       {site}/admin/")
    for line in logins:
        say(f"              {line}")
    if logins:
        say("              a second step is offered below one's name; passkeys want localhost in the address")
    if sandbox_port:
        say(
            f"  sandbox     http://127.0.0.1:{sandbox_port}  (stands in for Stripe; card 4242 4242 4242 4242)"
        )
    else:
        say("  Stripe      your test account; forward its webhooks to " + f"{site}/api/stripe/webhook")
    say(f"  e-mails     {variables['EMAIL_FILE_PATH']}")
    say("\nCtrl-C stops everything.\n")
