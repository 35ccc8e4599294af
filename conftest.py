"""What every test stands on: a database from a template, no network but loopback, Chromium or a clear word.

`script/test` names the template in TEST_TEMPLATE. Without it (plain `pytest` with a DATABASE_URL) the test
database is made in pytest-django's ordinary way, so `--reuse-db` and `--create-db` work as documented there.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

# core.testing: append-only tables must still be emptied between tests that commit.
pytest_plugins = ["core.testing", "tests.fixtures", "tests.lanes", "tests.network"]

# Playwright's own 5 seconds are not enough for a page on a crowded machine.
PATIENCE_MS = 20_000
# The headless shell first: the same engine without the desktop browser around it, for a third of the work.
CHROMIUM_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
NO_CHROMIUM = "Chromium is not here (install the package chromium, or name it in CHROMIUM)"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
]

# Browser ------------------------------------------------------------------------------------------


def find_chromium() -> str | None:
    """Chromium's path: the variable CHROMIUM, else the first known name on the PATH."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def pytest_configure(config: pytest.Config) -> None:
    """With several processes nobody sees all tests before they run, so this is asked at once."""
    several = getattr(config.option, "numprocesses", 0) and not hasattr(config, "workerinput")
    if several and os.environ.get("REQUIRE_BROWSER") == "1" and not find_chromium():
        raise pytest.UsageError(f"browser tests must run, but {NO_CHROMIUM}.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    browser_tests = [item for item in items if item.get_closest_marker("browser")]
    if browser_tests:
        # Playwright's synchronous API leaves an event loop running in this thread, for the rest of the run; Django
        # would refuse every database call beside it, in the tests and fixtures that come later too.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        expect.set_options(timeout=PATIENCE_MS)
    if not browser_tests or find_chromium():
        return
    if os.environ.get("REQUIRE_BROWSER") == "1":
        raise pytest.UsageError(f"{len(browser_tests)} browser tests must run, but {NO_CHROMIUM}.")
    for item in browser_tests:
        item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    if skipped := sum(NO_CHROMIUM in str(report.longrepr) for report in reports):
        terminalreporter.write_line(
            f"{skipped} browser tests did NOT run: no Chromium here. Install the package chromium, "
            "or name the program in CHROMIUM.",
            yellow=True,
        )


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    """The machine's Chromium, with what it needs to run as root and in small containers."""
    return {**browser_type_launch_args, "executable_path": find_chromium(), "args": CHROMIUM_FLAGS}


# Database -----------------------------------------------------------------------------------------

if os.environ.get("TEST_TEMPLATE"):

    @pytest.fixture(scope="session")
    def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
        """A copy of the migrated template: a second instead of ten, and a name of its own for every run."""
        from django.db import connection

        name = f"test_{os.getpid()}_{secrets.token_hex(4)}"
        template = os.environ["TEST_TEMPLATE"]
        with django_db_blocker.unblock():
            original = connection.settings_dict["NAME"]
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            connection.close()
            connection.settings_dict["NAME"] = name
        yield
        with django_db_blocker.unblock():
            connection.close()
            connection.settings_dict["NAME"] = original
            with connection._nodb_cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
