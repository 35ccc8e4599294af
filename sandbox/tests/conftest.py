"""One sandbox process for all tests that speak to it over HTTP, reset before each."""

from collections.abc import Iterator

import pytest

from sandbox.process import SandboxProcess
from sandbox.tests.browser_support import Shop, shop_server
from sandbox.tests.support import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET, Emulator, Receiver, receiving


@pytest.fixture(scope="session")
def _receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def _process(tmp_path_factory: pytest.TempPathFactory, _receiver: Receiver) -> Iterator[SandboxProcess]:
    process = SandboxProcess(
        state_path=tmp_path_factory.mktemp("sandbox") / "state.sqlite3",
        secret_key=SECRET_KEY,
        publishable_key=PUBLISHABLE_KEY,
        webhook_url=_receiver.url,
        webhook_secret=WEBHOOK_SECRET,
    )
    with process:
        yield process


@pytest.fixture
def emulator(_process: SandboxProcess) -> Emulator:
    emulator = Emulator(_process.url)
    emulator.control("reset", {})
    return emulator


@pytest.fixture
def receiver(emulator: Emulator, _receiver: Receiver) -> Receiver:
    """The webhook endpoint, after the reset: nothing of an earlier test arrives any more."""
    _receiver.clear()
    return _receiver


@pytest.fixture
def shop(emulator: Emulator) -> Iterator[Shop]:
    """For browser tests: a site that includes Stripe.js, under a strict Content-Security-Policy."""
    with shop_server(emulator=emulator) as served:
        yield served
