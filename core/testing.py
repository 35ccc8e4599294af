"""For tests alone: append-only tables are emptied between tests that commit, and what only costs time is left out.

A pytest plugin (named in the root conftest.py). The flush suspends the truncate triggers inside its own
transaction, as the tables' owner may; the row triggers, and everything outside the flush, stay as they are
in production.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from core.append_only import TRUNCATE_TRIGGER


def pytest_configure(config: pytest.Config) -> None:
    """Counts of one run must not be met by the next; the shared cache has tests of its own.

    Each test's client would look at every static file on the disk, and each password would be hashed a million times.
    """
    from django.conf import settings

    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


def flush_statements(connection: Any, *, statements: list[str]) -> list[str]:
    """The flush with the truncate triggers of the tables that have one off before and on after."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [TRUNCATE_TRIGGER])
        tables = [row[0] for row in cursor.fetchall()]
    off = [f"ALTER TABLE {table} DISABLE TRIGGER {TRUNCATE_TRIGGER}" for table in tables]
    on = [f"ALTER TABLE {table} ENABLE TRIGGER {TRUNCATE_TRIGGER}" for table in tables]
    return [*off, *statements, *on]


@pytest.fixture(autouse=True, scope="session")
def _flush_may_empty_append_only_tables() -> Iterator[None]:
    from django.db.backends.postgresql.operations import DatabaseOperations

    original = DatabaseOperations.execute_sql_flush

    def execute_sql_flush(self: Any, sql_list: list[str]) -> None:
        original(self, flush_statements(self.connection, statements=sql_list))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
