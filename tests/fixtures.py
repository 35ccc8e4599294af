"""Fixtures of whole-system tests: the sandbox over HTTP, and the whole product as script/server starts it.

Registered by the root conftest.py, so every test may ask for them.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from sandbox.process import SandboxProcess
from script.console import ROOT
from script.database import copy_of
from tests.server_process import ServerProcess

DELIVERY_SECONDS = 20


@dataclass(frozen=True)
class Sandbox:
    """The sandbox's address and its control API (sandbox/README.md)."""

    url: str

    def control(self, path: str, /, *, method: str = "POST", **body: Any) -> Any:
        """Call `/_sandbox/<path>` and return its JSON; an answer of 400 and above raises HTTPError."""
        return self._call(path, method=method, body=body)

    def order_fault(self, fault: dict[str, Any]) -> None:
        """The next requests or deliveries that match fail so (its `method` is the one of the request to hit)."""
        self._call("faults", method="POST", body=fault)

    def clear_faults(self) -> None:
        self._call("faults", method="DELETE", body={})

    def _call(self, path: str, *, method: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_sandbox/{path}",
            method=method,
            data=json.dumps(body).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=DELIVERY_SECONDS + 10) as answer:
            return json.load(answer)

    def reset(self) -> None:
        self.control("reset")

    def advance(self, *, seconds: float) -> None:
        """Move the sandbox's clock; what falls due on the way has happened when this returns."""
        self.control("clock", advance=seconds)

    def send_webhooks_to(self, address: str) -> None:
        self.control("webhook_endpoint", url=address)

    def wait_for_deliveries(self) -> None:
        """Until every webhook that is due was delivered (or dropped by a fault)."""
        state = self.control(f"webhooks?wait={DELIVERY_SECONDS}", method="GET")
        assert not state["outstanding"], f"webhooks still outstanding after {DELIVERY_SECONDS} s: {state}"


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """One sandbox for the whole run, with the keys that the settings carry."""
    from django.conf import settings

    with SandboxProcess(
        state_path=tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite3",
        secret_key=settings.STRIPE_SECRET_KEY,
        publishable_key=settings.STRIPE_PUBLISHABLE_KEY,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRETS[0],
    ) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, settings: Settings) -> Sandbox:
    """A sandbox as new, and the product's settings pointed at it."""
    client = Sandbox(url=sandbox_process.url)
    client.reset()
    settings.STRIPE_API_BASE = client.url
    settings.STRIPE_API_HOST = client.url
    settings.STRIPE_JS_URL = f"{client.url}/js/stripe.js"
    return client


# The whole product ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    """A product started by script/server: web, worker, beat, sandbox, on a database of its own, seeded."""

    url: str
    sandbox: Sandbox
    outbox: Path
    variables: dict[str, str]
    staff_login: tuple[str, str]

    @property
    def database_url(self) -> str:
        return self.variables["DATABASE_URL"]

    def manage(self, *arguments: str) -> str:
        """Run a management command in this product and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments} failed:\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def product(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product for browser tests, once per run. Tests share its data: each makes bookings of its own."""
    with own_database() as address:
        folder = tmp_path_factory.mktemp("product")
        server = ServerProcess(state=folder / "state", DATABASE_URL=address)
        try:
            server.start("--seed", "--no-bookings")
            variables = server.variables()
            yield Product(
                url=server.url,
                sandbox=Sandbox(url=variables["STRIPE_API_BASE"]),
                outbox=Path(variables["EMAIL_FILE_PATH"]),
                variables=dict(os.environ) | variables,
                staff_login=_staff_login(server.state),
            )
        finally:
            server.kill_if_running()


def _staff_login(state: Path) -> tuple[str, str]:
    """User name and password of the demonstration merchant's owner, as the seed command printed them."""
    username, password = json.loads((state / "logins.json").read_text())[0].split()
    return username, password


def own_database() -> AbstractContextManager[str]:
    """A database beside the tests' own, copied from the migrated template when script/test made one."""
    template = os.environ.get("TEST_TEMPLATE", "template1")
    return copy_of(address=os.environ["DATABASE_URL"], template=template, purpose="product")
