"""script/test: runs at once share nothing, a killed one leaves nothing, and the browser's absence is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from script.children import dies_with_us
from script.console import ROOT
from tests.server_process import OUTSIDE

ONE_TEST = "bookings/tests/test_slots.py::test_free_times_come_soonest_first_with_their_places"
# What the inner runs do not need costs each of their processes a second.
LIGHT = {"PYTEST_ADDOPTS": "-p no:schemathesis -p no:hypothesispytest -p no:faker"}
SECONDS = 180


def start(*arguments: str, state: Path, **more: str) -> subprocess.Popen[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in OUTSIDE and not name.startswith("STRIPE_")
    }
    return subprocess.Popen(
        ["./script/test", *arguments],
        cwd=ROOT,
        env=kept | LIGHT | {"DEV_STATE": str(state)} | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=dies_with_us(signal.SIGTERM),
    )


@pytest.mark.slow
def test_two_runs_at_once_share_one_template_and_a_killed_one_is_swept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    both = [start("-q", ONE_TEST, state=state) for _ in range(2)]
    said = [run.communicate(timeout=SECONDS)[0] for run in both]
    assert [run.returncode for run in both] == [0, 0], said
    assert sum("migrating a template" in text for text in said) == 1
    assert not list((state / "runs").iterdir())

    killed = start("-q", ONE_TEST, state=state)
    deadline = time.monotonic() + SECONDS
    while not list((state / "runs").glob("*/children.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert list((state / "runs").iterdir())
    after = start("-q", ONE_TEST, state=state)
    said_after = after.communicate(timeout=SECONDS)[0]
    assert after.returncode == 0, said_after
    assert not list((state / "runs").iterdir())


@pytest.mark.parametrize(
    ("required", "processes", "code", "sentence"),
    [
        ("0", "0", 0, "browser tests did NOT run: no Chromium here. Install the package chromium"),
        ("0", "2", 0, "browser tests did NOT run: no Chromium here. Install the package chromium"),
        ("1", "0", 4, "browser tests must run, but Chromium is not here"),
        ("1", "2", 4, "browser tests must run, but Chromium is not here"),
    ],
)
def test_browser_tests_without_chromium_are_told_or_fail(
    tmp_path: Path, required: str, processes: str, code: int, sentence: str
) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (tmp_path / "test_page.py").write_text(
        "import pytest\n\n@pytest.mark.browser\ndef test_page(page): raise AssertionError\n"
    )
    environment = (
        os.environ
        | LIGHT
        | {
            "PATH": str(tmp_path),
            "CHROMIUM": "",
            "REQUIRE_BROWSER": required,
            "PYTHONPATH": str(ROOT),
        }
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        processes,
        "-c",
        str(ROOT / "pytest.ini"),
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert sentence in done.stdout + done.stderr
