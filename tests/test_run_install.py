"""What stops a first start, told in one sentence: an old Python, no network, a full disk, missing settings."""

import errno
import os
import secrets
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from script import install, state, supervisor
from script.console import ROOT, Refusal

Usage = namedtuple("Usage", "total used free")
SETTINGS = [
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "STRIPE_SECRET_KEY",
    "STRIPE_PUBLISHABLE_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "SITE_URL",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout as far as installing needs it: no .venv."""
    shutil.copytree(
        ROOT / "script", tmp_path / "checkout" / "script", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "requirements-dev.txt", tmp_path / "checkout")
    return tmp_path / "checkout"


def run(command: list[str], *, folder: Path, environment: dict[str, str]) -> str:
    """Run what must fail; its output."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("given", "kept_in"),
    [
        ({"PYTHONDONTWRITEBYTECODE": "1"}, "{checkout}/.venv/.pycache"),
        ({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/theirs"}, "/theirs"),
        ({}, ""),
    ],
)
def test_compiled_modules_are_kept_even_where_none_are_wanted_beside_the_sources(
    checkout: Path, given: dict[str, str], kept_in: str
) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", ". script/python.sh; echo ${PYTHONPYCACHEPREFIX:-}; $PYTHON -c 'import secrets'"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"]} | given,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == kept_in.format(checkout=checkout)
    kept = list(checkout.glob(".venv/.pycache/**/secrets.*.pyc"))
    assert bool(kept) == kept_in.startswith("{checkout}")


@pytest.mark.parametrize("command", ["server", "test", "bench"])
def test_an_old_python_is_named_with_what_to_install(checkout: Path, tmp_path: Path, command: str) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    (old / "python3").write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    (old / "python3").chmod(0o755)
    (old / "dirname").symlink_to(shutil.which("dirname") or "")
    said = run([f"script/{command}"], folder=checkout, environment={"PATH": str(old)})
    assert "needs Python 3.11 or newer and found Python 3.9.2" in said
    assert f"PYTHON=/path/to/python3.11 script/{command}" in said


def test_no_python_at_all_is_told_too(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "")
    said = run(["script/server"], folder=checkout, environment={"PATH": str(tmp_path)})
    assert "found no Python at all: install one" in said


@pytest.mark.slow
def test_without_a_network_it_says_so_and_how_to_go_on(checkout: Path) -> None:
    environment = {
        "PATH": os.defpath,
        "PYTHON": os.path.realpath(sys.executable),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_NO_CACHE_DIR": "1",
    }
    said = run(["script/server"], folder=checkout, environment=environment)
    assert "the package index did not answer: connect this machine to the network" in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_disk_without_room_for_the_packages_is_refused_before_the_download(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "ROOT", checkout)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 10**8))
    with pytest.raises(Refusal, match=r"less than 1\.5 GB free: free some, then run it again"):
        install._install()
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full: free at least 2 GB"),
        ("error: Failed to fetch: dns error", "the package index did not answer"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES",
            "not the one that requirements-dev.txt names by its hash",
        ),
        ("something nobody foresaw", "Installing failed"),
    ],
)
def test_an_installers_failure_becomes_a_sentence(printed: str, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        install._run(["sh", "-c", f"echo '{printed}' >&2; exit 1"])


def test_a_disk_that_fills_up_while_running_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/some/file")

    monkeypatch.setattr(install, "ensure", full)
    assert supervisor.main(["server"]) == 1
    assert "The disk is full (/some/file): free at least 1 GB, then run it again." in capsys.readouterr().out


def test_a_full_disk_of_the_state_folder_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    full = os.statvfs_result((4096, 4096, 10**6, 10, 10, 10**6, 10**6, 10**6, 0, 255))
    monkeypatch.setenv("DEV_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with pytest.raises(Refusal, match="is full: free at least 200 MB, then run it again"):
        state.State.opened()


def test_packages_are_installed_again_only_when_the_requirements_change(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    monkeypatch.setattr(install, "PYTHON", folder / "bin" / "python")
    monkeypatch.setattr(install, "STAMP", folder / ".installed")
    monkeypatch.setattr(install, "REQUIREMENTS", checkout / "requirements-dev.txt")
    assert not install._installed()
    install.STAMP.write_text(install._fingerprint())
    assert install._installed()
    with install.REQUIREMENTS.open("a") as requirements:
        requirements.write("# changed\n")
    assert not install._installed()


@pytest.mark.parametrize("missing", SETTINGS)
def test_the_product_refuses_to_start_without_a_setting_and_says_which(missing: str) -> None:
    given = dict.fromkeys(SETTINGS, "sk_test_" + "0" * 24) | {"PATH": os.defpath}
    del given[missing]
    said = run([sys.executable, "-c", "import config.settings"], folder=ROOT, environment=given)
    assert f"{missing} is not set: " in said.splitlines()[-1]
    assert "or set ENVIRONMENT=development and run ./script/server" in said.splitlines()[-1]


def test_outside_development_the_product_talks_to_stripe_only() -> None:
    given = dict.fromkeys(SETTINGS, "sk_test_" + "0" * 24) | {"PATH": os.defpath}
    given |= {"STRIPE_API_BASE": "http://127.0.0.1:12111", "DATABASE_URL": "postgres://app@127.0.0.1/app"}
    said = run([sys.executable, "-c", "import config.settings"], folder=ROOT, environment=given)
    assert "outside development the product talks to Stripe only" in said.splitlines()[-1]


def test_the_deployment_checks_have_nothing_to_say_about_production() -> None:
    given = {
        "PATH": os.defpath,
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "STRIPE_SECRET_KEY": "sk_live_" + "0" * 24,
        "STRIPE_PUBLISHABLE_KEY": "pk_live_" + "0" * 24,
        "STRIPE_WEBHOOK_SECRETS": "whsec_" + "0" * 24,
        "ALLOWED_HOSTS": "bookings.example.com",
        "SITE_URL": "https://bookings.example.com",
        "DATABASE_URL": "postgres://app@127.0.0.1/app",
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
