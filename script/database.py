"""The database's schema and first content: migrated only when the code or the database changed since.

A warm start must not pay for Django's look at every migration, so what was done is noted with a fingerprint of both
sides: the migration files here, and the rows of django_migrations there (a database made anew has other rows).
"""

import hashlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from script.children import dies_with_us
from script.console import ROOT, Refusal, say, step
from script.state import State

CONNECT_SECONDS = 5
APPLIED = "select md5(string_agg(app || name || applied, ',' order by id)) from django_migrations"
TEMPLATE_FORMAT = "1"


def migrations_hash() -> str:
    """Of all that decides the schema: our migrations, and the packages that bring theirs."""
    content = hashlib.sha256(TEMPLATE_FORMAT.encode())
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("payments/djstripe_migrations/*.py")]):
        content.update(f"{path.relative_to(ROOT)}".encode() + path.read_bytes())
    content.update((ROOT / "requirements.txt").read_bytes())
    return content.hexdigest()[:16]


def require_usable(address: str) -> None:
    """Refuse a DATABASE_URL that cannot be used, in words and without its password."""
    parts = urlsplit(address)
    if parts.scheme not in ("postgres", "postgresql", "psql", "pgsql"):
        raise Refusal(
            "DATABASE_URL must name a PostgreSQL database (postgres://user:password@host:port/name): "
            "correct it, or unset it to use the embedded server."
        )
    try:
        psycopg.connect(dsn(address), connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise Refusal(
            f"DATABASE_URL cannot be used ({parts.hostname}{parts.path}: {reason}): "
            "start that server or correct the address, or unset it to use the embedded server."
        ) from error


def dsn(address: str) -> str:
    return "postgresql://" + address.partition("://")[2]


def beside(address: str, *, name: str) -> str:
    """The address of another database on the same server."""
    return urlsplit(address)._replace(path=f"/{name}").geturl()


def manage(*arguments: str, environment: Mapping[str, str]) -> str:
    """Run a management command and return what it printed; when it fails that is the explanation."""
    result = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=dies_with_us(signal.SIGKILL),
    )
    if result.returncode == 0:
        return result.stdout
    say(f"\n{result.stdout}{result.stderr}")
    raise Refusal(f"`manage.py {' '.join(arguments)}` failed (above): mend that, then run it again.")


def bring_up_to_date(*, state: State, environment: Mapping[str, str], is_ours: bool) -> None:
    """Migrate; one of our own that is new is filled at once. Does nothing when neither side changed since last time."""
    address = environment["DATABASE_URL"]
    if state.read("database.json", otherwise={}) == _note(address=address):
        return
    with step("migrating the database"):
        give_schema(environment) if is_ours else migrate(environment)
    state.write("database.json", _note(address=address))


def give_schema(environment: Mapping[str, str]) -> None:
    """All that the migrations make, from their file when that is current and the database empty."""
    from script import schema  # which asks this module

    if not schema.fill(environment["DATABASE_URL"]):
        migrate(environment)


def migrate(environment: Mapping[str, str]) -> None:
    manage("migrate", "-v", "0", "--no-input", "--skip-checks", environment=environment)


def _note(*, address: str) -> dict[str, str | None]:
    """Both sides as they are now."""
    return {"code": migrations_hash(), "database": _applied(address)}


def _applied(address: str) -> str | None:
    with psycopg.connect(dsn(address), connect_timeout=CONNECT_SECONDS) as connection:
        try:
            row = connection.execute(APPLIED).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return row[0] if row else None


def make_template(*, address: str, name: str, environment: Mapping[str, str]) -> None:
    """A migrated database `name` on the server of `address`, made once; others that want it wait meanwhile."""
    with psycopg.connect(dsn(address), autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        connection.execute("select pg_advisory_lock(hashtext(%s))", [name])
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return
        building = f"{name}_building"
        try:
            connection.execute(SQL("drop database if exists {} with (force)").format(Identifier(building)))
            connection.execute(SQL("create database {}").format(Identifier(building)))
        except psycopg.errors.InsufficientPrivilege as error:
            raise Refusal(
                "The user of DATABASE_URL may not create databases, which the tests need: grant it "
                "(ALTER USER … CREATEDB), or unset DATABASE_URL to use the embedded server."
            ) from error
        with step("migrating a template for the test databases"):
            give_schema({**environment, "DATABASE_URL": beside(address, name=building)})
        connection.execute(
            SQL("alter database {} rename to {}").format(Identifier(building), Identifier(name))
        )


@contextmanager
def copy_of(*, address: str, template: str, purpose: str) -> Iterator[str]:
    """A database of one's own on the server of `address`, copied from `template`, dropped at the end."""
    name = f"{purpose}_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(dsn(address), autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        connection.execute(
            SQL("create database {} template {}").format(Identifier(name), Identifier(template))
        )
        try:
            yield beside(address, name=name)
        finally:
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


def read_env_file(path: Path) -> None:
    """Take over what .env sets and the environment does not, as config/settings.py does."""
    import environ

    environ.Env.read_env(path, overwrite=False)
