""".env.example names every variable that the product reads, and none that it does not."""

import re
from pathlib import Path

from script.console import ROOT

ROOMS = ("config", "core", "customers", "bookings", "payments", "analytics")
READ = re.compile(
    r'(?:env(?:\.\w+)?|required|environ\.get|getenv)\(\s*"([A-Z][A-Z0-9_]+)"|environ\["([A-Z0-9_]+)"\]'
)
NAMED = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
# Read by Django's own helper, by gunicorn and by prometheus-client; or set by the product itself.
BY_LIBRARIES = {"DATABASE_URL", "EMAIL_URL", "WEB_CONCURRENCY", "PROMETHEUS_MULTIPROC_DIR"}
OURS = {"DJANGO_SETTINGS_MODULE"}


def sources() -> list[Path]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return [path for path in found if "tests" not in path.parts]


def test_every_variable_that_is_read_is_in_the_example_and_no_other() -> None:
    read = {
        name
        for path in sources()
        for match in READ.findall(path.read_text())
        for name in match
        if name and name not in OURS
    }
    named = set(NAMED.findall((ROOT / ".env.example").read_text()))
    assert len(read) > 30
    assert read - named == set(), "add these to .env.example"
    assert named - read - BY_LIBRARIES == set(), "nothing reads these"
