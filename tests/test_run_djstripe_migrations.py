"""dj-stripe's squashed migration: the same schema as dj-stripe's own, and nothing left to migrate."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import djstripe
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from script.console import ROOT
from script.database import beside, copy_of
from script.postgres import binaries

THEIRS = "from config.settings import *\nMIGRATION_MODULES = {}\n"
THEIR_MIGRATIONS = Path(djstripe.__file__).parent / "migrations"
RECORD = Path(__file__).parent / "djstripe_schema.json"
SESSION_LINES = re.compile(r"^(--|SET |SELECT pg_catalog|\\|$)")


@pytest.mark.django_db
def test_the_squashed_migration_leaves_nothing_for_makemigrations() -> None:
    call_command("makemigrations", "djstripe", check=True, dry_run=True, verbosity=0, skip_checks=True)


@pytest.mark.slow
@pytest.mark.django_db
def test_the_squashed_migration_makes_the_schema_of_dj_stripes_own(tmp_path: Path) -> None:
    """Against the record, in seconds, while dj-stripe's files are those it was made from; else against the files.

    REAL_DJSTRIPE_SCHEMA=1 (as .ci/run sets) always takes the files, which costs a minute, and renews the record.
    """
    ours = schema(beside(os.environ["DATABASE_URL"], name=connection.settings_dict["NAME"]))
    assert ours.count("CREATE TABLE public.djstripe_") > 50
    record = {"made_from": sources(), "schema": fingerprint(ours)}
    recorded = json.loads(RECORD.read_text())
    if os.environ.get("REAL_DJSTRIPE_SCHEMA") == "1" or recorded["made_from"] != record["made_from"]:
        assert statements(ours) == statements(schema_of_dj_stripes_own(folder=tmp_path))
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    assert json.loads(RECORD.read_text()) == record


@pytest.mark.django_db
def test_a_database_of_dj_stripes_own_migrations_can_be_taken_over() -> None:
    """As docs/decisions/0010 says. Theirs leave the same tables (above), and other names in Django's record."""
    recorder = MigrationRecorder(connection)
    recorder.migration_qs.filter(app="djstripe").delete()
    for path in sorted(THEIR_MIGRATIONS.glob("0*.py")):
        recorder.record_applied("djstripe", path.stem)
    recorder.migration_qs.filter(app="djstripe").delete()
    call_command("migrate", "djstripe", "0001", fake=True, verbosity=0, skip_checks=True)
    call_command("migrate", verbosity=0, skip_checks=True)
    assert set(recorder.migration_qs.filter(app="djstripe").values_list("name", flat=True)) == {
        "0001_initial"
    }
    call_command("migrate", check_unapplied=True, verbosity=0, skip_checks=True)


def schema_of_dj_stripes_own(*, folder: Path) -> str:
    (folder / "their_settings.py").write_text(THEIRS)
    with copy_of(address=os.environ["DATABASE_URL"], template="template1", purpose="schema") as address:
        environment = os.environ | {
            "DATABASE_URL": address,
            "DJANGO_SETTINGS_MODULE": "their_settings",
            "PYTHONPATH": str(folder),
        }
        command = [sys.executable, "manage.py", "migrate", "djstripe", "-v", "0", "--skip-checks"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return schema(address)


def sources() -> str:
    """What decides their schema's dump: their migration files and the server's major version."""
    content = str(connection.connection.info.server_version // 10000)
    content += "".join(path.read_text() for path in sorted(THEIR_MIGRATIONS.glob("0*.py")))
    return hashlib.sha256(content.encode()).hexdigest()


def fingerprint(dump: str) -> str:
    return hashlib.sha256("\n".join(statements(dump)).encode()).hexdigest()


def schema(address: str) -> str:
    command: list[str | Path] = [binaries() / "pg_dump", "-s", "-O", "-x", "-t", "djstripe_*", address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def statements(dump: str) -> list[str]:
    """The dump without what belongs to the session, its statements in one order.

    pg_dump orders by name and object id; the second follows the order of creation, which may differ.
    """
    lines = [line for line in dump.splitlines() if not SESSION_LINES.match(line)]
    return sorted("\n".join(lines).split(";\n"))
