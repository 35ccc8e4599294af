"""The file that gives a new database its schema: the same as all migrations make, and as new as they are."""

import os
import re

import pytest

from script import schema
from script.database import copy_of, migrate

RENEW = "the migrations changed: `.venv/bin/python -m script.schema` writes script/schema.sql anew"
# PostgreSQL writes a condition that it read from its own dump with other casts and brackets.
CASTS = re.compile(r"::(character varying|text)(\[\])?|[()]")


def statements(dump: str) -> list[str]:
    """In one order: pg_dump's follows the order of creation."""
    one_each = dump.replace("),\n", ");\n").split(";\n")
    return sorted(CASTS.sub("", one).strip() for one in one_each)


def test_the_file_was_made_for_the_migrations_as_they_are() -> None:
    assert schema.is_current(), RENEW


@pytest.mark.slow
@pytest.mark.django_db
def test_a_database_filled_by_the_file_is_the_one_that_the_migrations_make() -> None:
    server = os.environ["DATABASE_URL"]
    with (
        copy_of(address=server, template="template0", purpose="migrated") as migrated,
        copy_of(address=server, template="template0", purpose="filled") as filled,
    ):
        migrate(os.environ | {"DATABASE_URL": migrated})
        assert schema.fill(filled), RENEW
        assert statements(schema.dump(filled)) == statements(schema.dump(migrated))
        assert not schema.fill(filled)  # what has tables already is left alone
