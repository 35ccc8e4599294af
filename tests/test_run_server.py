"""script/server as a person meets it: first start, next starts, every way of stopping, every refusal in words."""

import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from script.children import command_line
from script.console import ROOT
from tests.server_process import ServerProcess

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def used_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder after a first start that was ended by SIGTERM."""
    state = tmp_path_factory.mktemp("server") / "state"
    server = ServerProcess(state=state)
    try:
        server.start()
        assert server.status() == 200
        assert server.stop(number=signal.SIGTERM) == 0
        assert not server.left_behind()
    finally:
        server.kill_if_running()
    return state


@pytest.fixture
def server(used_state: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(state=used_state)
    yield process
    process.kill_if_running()


def until(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return bool(condition())


def test_a_second_start_migrates_nothing_and_after_a_kill_the_next_takes_over_with_the_same_data(
    server: ServerProcess, used_state: Path
) -> None:
    server.start()
    assert "migrating" not in server.output()
    first = server.variables()
    for told in (
        f"{server.url}/",
        f"{server.url}/admin/",
        first["STRIPE_API_BASE"],
        first["EMAIL_FILE_PATH"],
    ):
        assert told in server.output()
    for secret in ("env", "keys.json", "children.json"):
        assert (server.state / secret).stat().st_mode & 0o077 == 0
    mark = f"mark_{secrets.token_hex(4)}"
    with psycopg.connect(first["DATABASE_URL"].replace("postgres://", "postgresql://")) as connection:
        connection.execute(f"create table {mark} ()")
    children = server.left_behind()
    server.process.kill()
    server.process.wait()

    again = ServerProcess(state=used_state, port=server.port)
    try:
        again.start()
        assert again.status() == 200
        assert not any(command_line(pid) == line for pid, line in children.items())
        second = again.variables()
        with psycopg.connect(second["DATABASE_URL"].replace("postgres://", "postgresql://")) as connection:
            connection.execute(f"drop table {mark}")
        kept = (
            "SECRET_KEY",
            "FIELD_ENCRYPTION_KEYS",
            "STRIPE_SECRET_KEY",
            "STRIPE_WEBHOOK_SECRETS",
            "STRIPE_API_BASE",
        )
        assert {name: first[name] for name in kept} == {name: second[name] for name in kept}
        again.process.kill()
        again.process.wait()
        assert until(lambda: not again.left_behind()), again.left_behind()
    finally:
        again.kill_if_running()


def test_a_signal_in_the_middle_of_the_start_leaves_nothing(server: ServerProcess) -> None:
    server.launch()
    assert until(lambda: "PostgreSQL" in server.output())
    assert server.stop() == 0
    assert not server.left_behind()


def test_a_crashed_process_is_started_again_a_second_server_refused_and_ctrl_c_leaves_nothing(
    server: ServerProcess, used_state: Path
) -> None:
    server.start()
    running = " ".join(server.left_behind().values())
    for name in ("gunicorn", "celery", "sandbox", "postgres", "valkey"):
        assert name in running, "it must be found while it runs, or the last line proves nothing"
    workers = [pid for pid, line in server.left_behind().items() if "celery" in line and " worker " in line]
    assert workers
    os.kill(min(workers), signal.SIGKILL)
    assert until(lambda: "worker stopped by itself" in server.output())

    def another_runs() -> bool:
        now = [pid for pid, line in server.left_behind().items() if "celery" in line and " worker " in line]
        return bool(set(now) - set(workers))

    assert until(another_runs)

    said = ServerProcess(state=used_state).refusal()
    assert f"already runs from this folder (process {server.process.pid})" in said
    assert "Traceback" not in said
    assert server.status() == 200
    assert server.stop(number=signal.SIGINT) == 0
    assert not server.left_behind()


def test_a_busy_port_is_told_in_a_sentence(used_state: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = ServerProcess(state=used_state, port=port).refusal()
        assert f"Port {port} is used by another program" in said
        assert f"PORT={port + 1} ./script/server" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT is eighty, which is no port"),
        ({"ENVIRONMENT": "production"}, "script/server is for development only"),
        ({"STRIPE_SECRET_KEY": "sk_live_" + "0" * 24}, "a live key, which moves real money"),
        (
            {"STRIPE_SECRET_KEY": "sk_test_" + "0" * 24},
            "STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRETS not",
        ),
        (
            {"DATABASE_URL": "postgres://app:hidden@127.0.0.1:9/app"},
            "DATABASE_URL cannot be used (127.0.0.1/app",
        ),
        ({"DATABASE_URL": "mysql://app@127.0.0.1/app"}, "DATABASE_URL must name a PostgreSQL database"),
        ({"DEV_STATE": "/proc/tableside"}, "cannot be used as the state folder"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    said = ServerProcess(state=tmp_path / "state", port=None, root=ROOT, **variables).refusal()
    assert sentence in said
    assert "Traceback" not in said
    assert "hidden" not in said


def test_a_database_given_from_outside_is_migrated_but_not_seeded(
    tmp_path: Path, django_db_setup: None
) -> None:
    from tests.fixtures import own_database

    with own_database() as address:
        server = ServerProcess(state=tmp_path / "state", DATABASE_URL=address)
        try:
            server.start()
            assert server.status("/admin/login/") == 200
            assert "demonstration" not in server.output()
            with psycopg.connect(address.replace("postgres://", "postgresql://")) as connection:
                bookings = connection.execute("select count(*) from bookings_booking").fetchone()
            assert bookings == (0,)
            server.stop()
        finally:
            server.kill_if_running()
