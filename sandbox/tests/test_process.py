"""The process: starts quickly, goes on with its state, stops at once, says what is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.process import SandboxFailed, SandboxProcess
from sandbox.tests.support import PUBLISHABLE_KEY, SECRET_KEY, Emulator, eventually


def process(folder: Path, *, port: int = 0, secret_key: str = SECRET_KEY) -> SandboxProcess:
    return SandboxProcess(
        state_path=folder / "state.sqlite3", secret_key=secret_key, publishable_key=PUBLISHABLE_KEY, port=port
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: deriving the schema takes a second of CPU, once."""
    return tmp_path_factory.mktemp("processes")


def test_a_restart_goes_on_with_the_same_state_even_after_kill_9(folder: Path) -> None:
    with process(folder) as first:
        emulator = Emulator(first.url)
        session = emulator.session()
        emulator.v1.customers.create({"name": "kept"}, {"idempotency_key": "k"})
        emulator.control("clock", {"advance": 600})
        first.kill()
    with process(folder) as second:
        emulator = Emulator(second.url)
        assert emulator.control("clock")["offset"] == 600
        assert [one.name for one in emulator.v1.customers.list().data] == ["kept"]
        emulator.v1.customers.create({"name": "kept"}, {"idempotency_key": "k"})
        assert len(emulator.v1.customers.list().data) == 1
        emulator.control("clock", {"advance": 24 * 3600})
        assert emulator.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_the_derived_schema_is_cached_beside_the_state(tmp_path: Path) -> None:
    with process(tmp_path):
        caches = list(tmp_path.glob("stripe-schema-*.json"))
    assert len(caches) == 1
    written = caches[0].stat().st_mtime_ns
    with process(tmp_path):
        assert caches[0].stat().st_mtime_ns == written


def test_a_broken_cache_is_derived_anew(tmp_path: Path) -> None:
    with process(tmp_path):
        cache = next(tmp_path.glob("stripe-schema-*.json"))
    cache.write_text("{")
    with process(tmp_path) as again:
        assert Emulator(again.url).pay().status == "succeeded"


def test_sigterm_stops_at_once_even_with_a_request_that_hangs(folder: Path) -> None:
    running = process(folder)
    running.start()
    emulator = Emulator(running.url)
    emulator.fault("timeout_before", path="/v1/customers", seconds=60)
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as hanging:
        hanging.sendall(
            f"GET /v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET_KEY}\r\n\r\n".encode()
        )
        eventually(lambda: bool(emulator.control("requests?path=customers")["requests"]))
        started = time.monotonic()
        running.stop()
        assert time.monotonic() - started < 30, "it waited for the request"


def test_a_busy_port_and_a_bad_key_are_told_in_words(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SandboxFailed, match="is taken"):
            process(folder, port=taken.getsockname()[1]).start()
    with pytest.raises(SandboxFailed, match="set SANDBOX_SECRET_KEY"):
        process(folder, secret_key="sk_live_no").start()


@pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's")
def test_it_dies_with_the_process_that_started_it(folder: Path) -> None:
    starter = (
        "import sys, time; from pathlib import Path; from sandbox.process import SandboxProcess\n"
        f"p = SandboxProcess(state_path=Path({str(folder / 's.sqlite3')!r}), secret_key={SECRET_KEY!r}, "
        f"publishable_key={PUBLISHABLE_KEY!r})\n"
        "p.start(); print(p.url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert Emulator(url).control("health")["status"] == "ok"
        os.kill(parent.pid, signal.SIGKILL)
    host, port = url.removeprefix("http://").split(":")
    eventually(lambda: socket.socket().connect_ex((host, int(port))) != 0)
