"""The project's own URL table, walked: every route with its methods, whoever added it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

# Regular expressions, as decisions spell them.
_PLAIN = re.compile(r"\^\(\?P<app_label>[^)]*\)/\$")
_NEW_PASSWORD = re.compile(r"\^password/new/\(.*\)-\(.*\)/\$")
_PLACEHOLDER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """`pattern` as the URL table spells it, all prefixes included; `methods` that its view knows."""

    pattern: str
    methods: frozenset[str]


def all_routes() -> list[Route]:
    return list(_walk(get_resolver(), ""))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            plain = _NEW_PASSWORD.sub("password/new/<uidb36>-<key>/", _PLAIN.sub("<app_label>/", pattern))
            yield Route(plain, _methods(entry.callback))
        else:
            yield from _walk(entry, pattern)


def _methods(view: Any) -> frozenset[str]:
    """What a class implements; a function may do anything with GET and POST."""
    found = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if found is None:
        return frozenset({"GET", "POST"})
    names = ("get", "post", "put", "patch", "delete")
    return frozenset(name.upper() for name in names if hasattr(found, name))


def placeholders(pattern: str) -> list[str]:
    return _PLACEHOLDER.findall(pattern)


def address(pattern: str, values: dict[str, str]) -> str:
    """The pattern with its placeholders filled in."""
    fixed = pattern.replace("(?P<url>.*)$", "no/such/page")
    return "/" + _PLACEHOLDER.sub(lambda match: values[match.group(1)], fixed)
