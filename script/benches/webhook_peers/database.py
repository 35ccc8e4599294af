"""A database of the bench's own beside DATABASE_URL's: made, migrated, and dropped at the end."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def own_database() -> Iterator[str]:
    """Yields its address."""
    given = os.environ["DATABASE_URL"]
    name = f"bench_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect("postgresql://" + given.partition("://")[2], autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            address = urlsplit(given)._replace(path=f"/{name}").geturl()
            subprocess.run(
                [sys.executable, "-W", "ignore", "manage.py", "migrate", "-v", "0", "--skip-checks"],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": address},
                check=True,
            )
            yield address
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
