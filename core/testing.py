"""For tests alone: append-only tables are emptied between tests that commit, and what only costs time is left out.

A pytest plugin (named in the root conftest.py). The flush suspends triggers inside its own transaction, as the tables'
owner may; everything outside the flush stays as it is in production.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from core.append_only import TRUNCATE_TRIGGER

NEVER_CHANGED = ("django_content_type", "auth_permission")


def pytest_configure(config: pytest.Config) -> None:
    """Counts of one run must not be met by the next; the shared cache has tests of its own.

    Each test's client would look at every static file on the disk, and each password would be hashed a million times.
    """
    from django.conf import settings

    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


def flush_statements(connection: Any, *, statements: list[str]) -> list[str]:
    """What empties the tables that Django would truncate.

    A superuser deletes from the few that hold something, triggers and references set aside; to truncate more than a
    hundred takes ten times as long. Others truncate, with the truncate triggers off before and on after. What a test
    never changes stays, so that Django need not fill it again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            filled = _filled(cursor, among=" ".join(statements))
            emptying = [f'DELETE FROM "{table}"' for table in filled]  # noqa: S608 - names of our own tables
            setting = "SET LOCAL session_replication_role ="
            return [f"{setting} replica", *emptying, f"{setting} DEFAULT"]
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [TRUNCATE_TRIGGER])
        tables = [row[0] for row in cursor.fetchall()]
    off = [f"ALTER TABLE {table} DISABLE TRIGGER {TRUNCATE_TRIGGER}" for table in tables]
    on = [f"ALTER TABLE {table} ENABLE TRIGGER {TRUNCATE_TRIGGER}" for table in tables]
    return [*off, *statements, *on]


def _filled(cursor: Any, *, among: str) -> list[str]:
    names = [name for name in re.findall(r'"(\w+)"', among) if name not in NEVER_CHANGED]
    asked = " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")"  # noqa: S608 - names of our own tables
        for name in names
    )
    if not asked:
        return []
    cursor.execute(asked)
    return [row[0] for row in cursor.fetchall()]


@pytest.fixture(autouse=True, scope="session")
def _flush_may_empty_append_only_tables() -> Iterator[None]:
    from django.db.backends.postgresql.operations import DatabaseOperations

    original = DatabaseOperations.execute_sql_flush

    def execute_sql_flush(self: Any, sql_list: list[str]) -> None:
        original(self, flush_statements(self.connection, statements=sql_list))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
