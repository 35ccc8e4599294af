"""The suite in several processes: nothing is shared between them, nothing started twice, nothing hidden."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from script.console import ROOT
from script.testing import PROCESSES, processes_for
from tests import lanes
from tests.test_run_tests import LIGHT

NOTES_DOWN = """
import json, os, pathlib
import pytest
from django.conf import settings
from django.db import connection

@pytest.mark.django_db
def test_{name}(tmp_path):
    with connection.cursor() as cursor:
        cursor.execute("select current_database()")
        own = [cursor.fetchone()[0], settings.CELERY_BROKER_URL, str(tmp_path), os.getpid()]
    pathlib.Path({folder!r}, "{name}.json").write_text(json.dumps(own))
    assert "{name}" != "second", "told as ever"
"""


def test_each_process_has_its_own_database_broker_room_and_folder_and_a_failure_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    for name in ("first", "second"):
        (tmp_path / f"test_{name}.py").write_text(NOTES_DOWN.format(name=name, folder=str(tmp_path)))
    outside = {name: value for name, value in os.environ.items() if name != "PYTEST_XDIST_WORKER"}
    ini = str(ROOT / "pytest.ini")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "-c", ini, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path,
        env=outside | LIGHT | {"PYTHONPATH": str(ROOT), "PYTEST_PLUGINS": "tests.lanes"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_second.py::test_second - AssertionError: told as ever" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "second"))
    assert all(one != other for one, other in zip(first, second, strict=True)), (first, second)


def test_files_that_share_the_started_product_stay_together_and_the_others_apart() -> None:
    together = {lanes.unit_of(path) for path in ("tests/test_browser_pages.py", "tests/test_run_product.py")}
    assert together == {lanes.PRODUCT}
    assert lanes.unit_of("core/tests/test_money.py") == "core/tests/test_money.py"
    missing = [unit for unit in lanes.SECONDS if unit != lanes.PRODUCT and not (ROOT / unit).is_file()]
    assert not missing, "tests/lanes.py names files that are gone"


def test_what_takes_longest_begins_first() -> None:
    sizes = {
        "core/tests/test_money.py": 90,
        "a.py": 5,
        "b.py": 5,
        lanes.PRODUCT: 60,
        "tests/test_chaos.py": 4,
    }
    order = sorted(sizes, key=lambda unit: lanes.place(unit, sizes=sizes))
    assert order == [lanes.PRODUCT, "tests/test_chaos.py", "core/tests/test_money.py", "a.py", "b.py"]


@pytest.mark.parametrize(
    ("arguments", "several"),
    [
        ([], True),
        (["payments"], True),
        (["-x", "-k", "refund"], True),
        (["core/tests/test_money.py", "core/tests/test_states.py"], True),
        (["core/tests/test_money.py"], False),
        (["core/tests/test_money.py::test_it", "-v"], False),
        (["-n", "0"], False),
        (["-n4", "payments"], False),
        (["payments", "--pdb"], False),
        (["payments", "-s"], False),
    ],
)
def test_one_file_a_debugger_or_a_chosen_number_is_left_as_it_is(arguments: list[str], several: bool) -> None:
    assert processes_for(arguments) == (["-n", PROCESSES] if several else [])
