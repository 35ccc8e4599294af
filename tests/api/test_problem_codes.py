"""The table of codes in docs/api.md names every code that the product can answer with, and no other."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rest_framework import exceptions

from core.errors import DomainError

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "customers", "bookings", "payments", "analytics", "config")
# What DRF itself raises; the rest of its exceptions have codes of ours.
FRAMEWORK = (
    exceptions.ParseError,
    exceptions.AuthenticationFailed,
    exceptions.NotAuthenticated,
    exceptions.PermissionDenied,
    exceptions.NotFound,
    exceptions.MethodNotAllowed,
    exceptions.NotAcceptable,
    exceptions.UnsupportedMediaType,
    exceptions.Throttled,
)


def classes(of: type[Any]) -> Iterator[type[Any]]:
    for one in of.__subclasses__():
        if one.__module__.split(".")[0] in ROOMS:
            yield one
        yield from classes(one)


def written() -> Iterator[str]:
    """`problem(code=…)`, and a code given to one refusal where it is raised."""
    for room in ROOMS:
        for path in _modules(room):
            text = path.read_text()
            if "code=" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and _name(node.func) in _REFUSING:
                    yield from (
                        word.value.value
                        for word in node.keywords
                        if word.arg == "code"
                        and isinstance(word.value, ast.Constant)
                        and isinstance(word.value.value, str)
                    )


def _modules(room: str) -> Iterator[Path]:
    """Files of the product itself."""
    others = {"tests", "migrations", "djstripe_migrations", "management"}
    return (path for path in (ROOT / room).rglob("*.py") if not others & set(path.relative_to(ROOT).parts))


def _name(func: ast.expr) -> str:
    return getattr(func, "attr", getattr(func, "id", ""))


_REFUSING = {
    "problem",
    "DomainError",
    "Invalid",
    "Conflict",
    "Forbidden",
    "NotFound",
    "Unavailable",
    "Refused",
}


@pytest.fixture(scope="module")
def raised() -> set[str]:
    for room in ROOMS[:-1]:
        for path in _modules(room):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    ours = {getattr(one, "code", "") for one in classes(DomainError)}
    ours |= {str(getattr(one, "default_code", "")) for one in classes(exceptions.APIException)}
    # The bases of each kind are answered too, with words of their own.
    bases = {one.code for one in DomainError.__subclasses__() if one.__module__ == "core.errors"}
    return ours | bases | set(written()) | {str(one.default_code) for one in FRAMEWORK} | {"refused"}


def table() -> dict[str, int]:
    text = (ROOT / "docs/api.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| ([0-9]{3}) \|", text, flags=re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a code is in the table twice"
    return {code: int(status) for code, status in rows}


def test_every_code_is_in_the_table_and_the_table_names_no_other(raised: set[str]):
    documented = set(table())
    missing, gone = sorted(raised - documented), sorted(documented - raised)
    assert not missing, (
        f"{missing}: add a line to the table of codes in docs/api.md, with status and what to do"
    )
    assert not gone, f"{gone}: nothing answers with it any more, take it out of docs/api.md"


def test_the_table_tells_the_status_that_is_answered():
    told = table()
    wrong = {
        one.code: one.status for one in classes(DomainError) if told.get(one.code, one.status) != one.status
    }
    assert not wrong, f"docs/api.md has another status for {wrong}"
