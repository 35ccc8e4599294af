"""Makes .venv from requirements-dev.txt with hashes, on a machine with only Python. Standard library alone.

uv installs when it is on the PATH or can be had from the package index; pip is the fallback. A pip is looked for in
this Python, in ensurepip's and Debian's wheels, and last asked of apt (no root needed): packages are only ever
named, the addresses come from the tools' own configuration.
"""

import fcntl
import glob
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from script.console import ROOT, Refusal, say

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".installed"
REQUIREMENTS = ROOT / "requirements-dev.txt"
INSTALLER_REQUIREMENTS = ROOT / "script" / "installer.txt"
NEEDED_BYTES = 1_500_000_000
DEBIAN_WHEELS = "/usr/share/python-wheels/pip-*.whl"
NO_PIP = (
    "This Python has neither pip nor ensurepip, and none could be fetched: install them "
    "(Debian, Ubuntu: apt-get install python3-venv), then run it again."
)
NO_ANSWER = (
    "The packages could not be fetched because the package index did not answer: connect this machine to the "
    "network (behind a mirror set UV_DEFAULT_INDEX and PIP_INDEX_URL), then run it again; what was fetched is kept."
)
DIAGNOSES = (
    (
        r"No space left|ENOSPC|Errno 28",
        "The disk is full: free at least 2 GB for the packages, then run it again.",
    ),
    (
        r"HASHES ARE REQUIRED|DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "A downloaded package is not the one that requirements-dev.txt names by its hash: clear the cache "
        "(`uv cache clean` or `pip cache purge`) and run it again; if it stays so, do not trust this index.",
    ),
    (
        r"dns error|[Ff]ailed to fetch|error sending request|[Cc]onnect|Name or service not known"
        r"|Temporary failure|[Tt]imed? ?out|unreachable|from versions: none|[Nn]etwork",
        NO_ANSWER,
    ),
)


class NoAnswer(Refusal):
    """The package index cannot be reached."""


def ensure() -> None:
    """Bring .venv to the state that the requirements name; nothing to do costs one hash of one file."""
    if _installed():
        return
    with _one_at_a_time():
        if not _installed():
            _install()


def _installed() -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == _fingerprint()


def _fingerprint() -> str:
    """Of what would be installed, and of the Python it is installed for."""
    base = os.path.realpath(sys.executable)
    content = REQUIREMENTS.read_bytes() + f"{base} {sys.version_info[:2]}".encode()
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two commands started at once install once. The lock is on the folder itself: no file to be left over."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _install() -> None:
    if not os.access(ROOT, os.W_OK):
        raise Refusal(
            f"{ROOT} cannot be written by this user: use a checkout of your own, then run it again."
        )
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES:
        raise Refusal(f"The disk of {ROOT} has less than 1.5 GB free: free some, then run it again.")
    say("Installing the Python packages into .venv (first start, or requirements-dev.txt changed)")
    if sys.prefix != str(VENV):
        venv.EnvBuilder(with_pip=False, symlinks=True, clear=True).create(VENV)
    if not _installed_by_uv():
        _run([*_pip(), "install", "--require-hashes", "-r", str(REQUIREMENTS)])
    STAMP.write_text(_fingerprint())


def _installed_by_uv() -> bool:
    uv = shutil.which("uv") or _fetched_uv()
    if uv is None:
        return False
    for name in (
        "UV_SYSTEM_CERTS",
        "UV_NATIVE_TLS",
    ):  # a company's own certificates, in new and older versions
        os.environ.setdefault(name, "1")
    try:
        _run([uv, "pip", "install", "--python", str(PYTHON), "--require-hashes", "-r", str(REQUIREMENTS)])
    except NoAnswer:
        say("  uv could not reach the package index; pip, which reads other configuration, tries too")
        return False
    return True


def _fetched_uv() -> str | None:
    """uv, pinned and checked by hash, installed into .venv by pip; None where there is no wheel of it."""
    uv = VENV / "bin" / "uv"
    if uv.exists():
        return str(uv)
    say("  fetching uv (a fast installer)")
    try:
        _run([*_pip(), "install", "--quiet", "--require-hashes", "-r", str(INSTALLER_REQUIREMENTS)])
    except Refusal as refusal:
        say(f"  uv is not to be had here ({refusal}), so pip installs: this takes some minutes")
        return None
    return str(uv)


def _pip() -> list[str]:
    """A pip that installs into .venv, wherever it comes from."""
    if importlib.util.find_spec("pip"):
        program = [sys.executable, "-m", "pip"]
    else:
        program = [sys.executable, f"{_pip_wheel()}/pip"]
    return [*program, "--python", str(PYTHON), "--disable-pip-version-check"]


def _pip_wheel() -> str:
    bundled = importlib.util.find_spec("ensurepip")
    folders = (
        [str(Path(bundled.origin).parent / "_bundled" / "pip-*.whl")] if bundled and bundled.origin else []
    )
    for pattern in (*folders, DEBIAN_WHEELS):
        if found := sorted(glob.glob(pattern)):
            return found[-1]
    return _pip_wheel_from_apt()


def _pip_wheel_from_apt() -> str:
    """Debian's own pip wheel, fetched without root into .venv: apt with its lists and cache in our folder."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Refusal(NO_PIP)
    say("  this Python has no pip: fetching Debian's (python3-pip-whl)")
    target = VENV / "pip"
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "lists" / "partial").mkdir(parents=True)
        (Path(work) / "cache" / "archives" / "partial").mkdir(parents=True)
        options = ["-qq", "-o", f"Dir::State::lists={work}/lists", "-o", f"Dir::Cache={work}/cache"]
        options += ["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
        try:
            _run(["apt-get", *options, "update"], folder=work)
            _run(["apt-get", *options, "download", "python3-pip-whl"], folder=work)
            _run(["dpkg-deb", "-x", *glob.glob(f"{work}/*.deb"), str(target)])
        except Refusal as refusal:
            raise Refusal(NO_PIP) from refusal
    return glob.glob(f"{target}{DEBIAN_WHEELS}")[-1]


def _run(command: list[str], *, folder: str | None = None) -> None:
    """Run with its output shown as it comes; a failure becomes one sentence that says what to do."""
    seen: list[str] = []
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(line.rstrip())
        if re.match(
            r"\s*(Resolved|Downloading|Prepared|Installed|Collecting|Successfully|error|ERROR)", line
        ):
            say(f"  {line.rstrip()[:110]}")
    if process.wait() == 0:
        return
    text = "\n".join(seen[-40:])
    for pattern, sentence in DIAGNOSES:
        if re.search(pattern, text):
            raise (NoAnswer if sentence == NO_ANSWER else Refusal)(sentence)
    say("\n".join(seen[-15:]))
    raise Refusal(
        f"Installing failed ({Path(command[0]).name}, above): mend what it names, then run it again."
    )
