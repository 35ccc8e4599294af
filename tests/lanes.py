"""The suite in several processes at once (pytest-xdist): what runs in which, and in which order. A pytest plugin.

A file's tests stay together and in order, and so do all files that share the product started for browser tests: it
is started once. The units that take longest go first, so that no process is left alone with one at the end. Each
process has its own database (a copy of the template), sandbox, Chromium, temporary folders and Valkey database.
Without xdist's `-n` nothing here does anything.
"""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = "the product for browser tests"
SHARES_PRODUCT = re.compile(r"\bproduct: Product\b")
# Rough seconds, of what takes longer than its number of tests tells. Only the order follows from them.
SECONDS = {
    PRODUCT: 120.0,
    "tests/test_run_server.py": 70.0,
    "payments/tests/test_histories.py": 50.0,
    "tests/permissions/test_permissions.py": 55.0,
    "tests/test_chaos.py": 55.0,
    "tests/test_run_djstripe_migrations.py": 56.0,
    "tests/test_run_tests.py": 30.0,
    "payments/tests/test_statement_browser.py": 20.0,
    "tests/browser/test_staff_refunds.py": 25.0,
    "tests/test_schema_file.py": 26.0,
    "payments/tests/test_seed_year.py": 15.0,
    "payments/tests/test_seed_demo.py": 15.0,
    "payments/tests/test_admin_pages.py": 20.0,
    "tests/test_run_install.py": 15.0,
    "tests/api/test_document_tried.py": 20.0,
    "payments/tests/test_concurrency.py": 15.0,
}
SECONDS_PER_TEST = 0.15
VALKEY_DATABASES = 16


def _take_valkey_database(*, worker: str) -> None:
    """Room of its own for this process's messages and counters, and for those of the processes that it starts."""
    given = urlsplit(os.environ["REDIS_URL"])
    number = int(given.path.strip("/") or 0) + int(worker.removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = given._replace(path=f"/{number % VALKEY_DATABASES}").geturl()


# As script/test loads this plugin (PYTEST_PLUGINS) the settings are not read yet.
if "PYTEST_XDIST_WORKER" in os.environ and "REDIS_URL" in os.environ and not settings.configured:
    _take_valkey_database(worker=os.environ["PYTEST_XDIST_WORKER"])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same order in every process, whole units, the longest first; a single process keeps pytest's own."""
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(unit_of(_file(item.nodeid)) for item in items)
    items.sort(key=lambda item: place(unit_of(_file(item.nodeid)), sizes=sizes))


def place(unit: str, *, sizes: Mapping[str, int]) -> tuple[float, str]:
    return -max(SECONDS.get(unit, 0.0), sizes[unit] * SECONDS_PER_TEST), unit


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out units in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class InUnits(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(_file(nodeid))

    config.option.loadscopereorder = False
    return InUnits(config, log)


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


@functools.cache
def unit_of(path: str) -> str:
    """What stays in one process with the tests of this file: the file, or all that share the product."""
    file = ROOT / path
    return PRODUCT if file.is_file() and SHARES_PRODUCT.search(file.read_text()) else path
