"""The schema as one file of SQL, for a new database of our own: what all migrations together make, in a second.

The file is what pg_dump says of a database that the migrations made, with the rows that they leave (Django's record of
them, content types, permissions). Its first line names the state of the migrations: made for another one, it is left
alone and the migrations run, as they always do in a database given from outside. A test compares the file with what the
migrations make.

`python -m script.schema` writes the file anew, after every new migration.
"""

import re
import subprocess
import sys
from pathlib import Path

import psycopg

from script import database, postgres
from script.console import ROOT, say

FILE = ROOT / "script" / "schema.sql"
MADE_FOR = "-- made for the migrations of "
# When Django applied a migration; the same whenever the file is written, so that its changes can be read.
APPLIED = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+\d\d'")
ALWAYS = "'2026-01-01 00:00:00+00'"
TABLES = "select 1 from pg_tables where schemaname = 'public' limit 1"


def is_current() -> bool:
    """Whether the file was made for the migrations as they are."""
    with FILE.open() as file:
        return file.readline().strip() == f"{MADE_FOR}{database.migrations_hash()}"


def fill(address: str) -> bool:
    """Give an empty database the whole schema, or nothing; False where the migrations have to run."""
    if not FILE.exists() or not is_current():
        return False
    with psycopg.connect(database.dsn(address), connect_timeout=database.CONNECT_SECONDS) as connection:
        if connection.execute(TABLES).fetchone():
            return False
        connection.execute(FILE.read_bytes())
    return True


def dump(address: str) -> str:
    """What pg_dump says of the database, without what differs from call to call."""
    command: list[str | Path] = [
        postgres.binaries() / "pg_dump",
        "-O",
        "-x",
        "--rows-per-insert=200",
        address,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in told.splitlines() if not line.startswith(("--", "\\"))]
    return APPLIED.sub(ALWAYS, "\n".join(lines)) + "\n"


def main() -> int:
    """Write the file from a database that the migrations make now."""
    from script import testing

    with testing.throw_away(state=testing.State.opened(), durable=False) as variables:
        server = variables["DATABASE_URL"]
        with database.copy_of(address=server, template="template0", purpose="schema") as address:
            database.migrate({**variables, "DATABASE_URL": address})
            FILE.write_text(f"{MADE_FOR}{database.migrations_hash()}\n{dump(address)}")
    say(f"{FILE.relative_to(ROOT)}: {FILE.stat().st_size // 1024} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
