"""dj-stripe's squashed migration: the same schema as dj-stripe's own, and nothing left to migrate."""

import os
import re
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from script.console import ROOT
from script.database import copy_of
from script.postgres import binaries

THEIRS = "from config.settings import *\nMIGRATION_MODULES = {}\n"
SESSION_LINES = re.compile(r"^(--|SET |SELECT pg_catalog|\\|$)")


@pytest.mark.django_db
def test_the_squashed_migration_leaves_nothing_for_makemigrations() -> None:
    call_command("makemigrations", "djstripe", check=True, dry_run=True, verbosity=0, skip_checks=True)


@pytest.mark.slow
def test_a_database_of_dj_stripes_own_migrations_has_our_schema_and_can_be_taken_over(tmp_path: Path) -> None:
    (tmp_path / "their_settings.py").write_text(THEIRS)
    with empty_database() as ours, empty_database() as theirs:
        manage("migrate", "djstripe", address=ours)
        manage("migrate", "djstripe", address=theirs, settings="their_settings", extra_path=tmp_path)
        tables = schema(ours)
        assert tables.count("CREATE TABLE public.djstripe_") > 50
        assert statements(tables) == statements(schema(theirs))
        take_over(theirs)
        assert "(no migrations)" not in manage("showmigrations", "djstripe", address=theirs)
        manage("migrate", address=theirs)
        assert statements(schema(theirs)) == statements(tables)


def take_over(address: str) -> None:
    """What docs/decisions/0010 says for a database that ran dj-stripe's own migrations."""
    with psycopg.connect(address.replace("postgres://", "postgresql://")) as connection:
        connection.execute("delete from django_migrations where app = 'djstripe'")
    manage("migrate", "djstripe", "0001", "--fake", address=address)


def empty_database() -> AbstractContextManager[str]:
    return copy_of(address=os.environ["DATABASE_URL"], template="template1", purpose="schema")


def manage(*arguments: str, address: str, settings: str = "config.settings", extra_path: Path = ROOT) -> str:
    environment = os.environ | {
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": str(extra_path),
    }
    command = [sys.executable, "manage.py", *arguments, "--skip-checks"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def schema(address: str) -> str:
    command = [binaries() / "pg_dump", "-s", "-O", "-x", "-t", "djstripe_*", address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def statements(dump: str) -> list[str]:
    """The dump without what belongs to the session, its statements in one order.

    pg_dump orders by name and object id; the second follows the order of creation, which may differ.
    """
    lines = [line for line in dump.splitlines() if not SESSION_LINES.match(line)]
    return sorted("\n".join(lines).split(";\n"))
