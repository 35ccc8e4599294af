"""Role x merchant x route, generated from the URL table: each answer is what the table of decisions says."""

import itertools
import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.template.response import SimpleTemplateResponse
from django.test import Client
from rest_framework.throttling import SimpleRateThrottle

from tests.permissions import decisions, models, routes, world
from tests.permissions.policy import Actor, Decision, expected
from tests.permissions.world import House

HOW = (
    "Add a line to tests/permissions/decisions.py (API, PAGES, CONSOLE or MODELS): say who may do it, not what it does "
    "now. The words are in tests/permissions/policy.py."
)
BYSTANDERS = 3


def table() -> list[Decision]:
    return [
        *decisions.API,
        *decisions.PAGES,
        *decisions.CONSOLE,
        *decisions.SIGN_IN_PAGES,
        *models.decisions(),
    ]


def covered(rows: Iterable[Decision]) -> list[tuple[str, str]]:
    return [(row.route, method) for row in rows for method in row.methods]


def test_every_route_has_a_decision_and_every_decision_a_route():
    decided = covered(table())
    there = {(route.pattern, method) for route in routes.all_routes() for method in route.methods}
    missing = sorted(there - set(decided))
    assert not missing, f"Nobody decided who may do this: {missing}. {HOW}"
    assert not (gone := sorted(set(decided) - there)), f"No such route any more, remove its line: {gone}"
    twice = [one for one, found in itertools.groupby(sorted(decided)) if len(list(found)) > 1]
    assert not twice, f"Decided twice: {twice}"


def test_every_model_of_the_console_has_a_decision():
    undecided = [model for model in models.registered() if models.rule(model) is None]
    assert not undecided, f"{undecided}: {HOW}"
    unknown = [model for model in decisions.MODELS if model not in [*models.registered(), "djstripe/*"]]
    assert not unknown, f"No such model in the console: {unknown}"


@pytest.fixture
def house(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> House:
    """Pages answer without being drawn, nobody is throttled, sessions cost no query: only statuses count here."""
    monkeypatch.setattr(admin.site, "each_context", lambda request: {})
    settings.ACCOUNT_RATE_LIMITS = False
    settings.STAFF_MFA_REQUIRED = True
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda self, request, view: True)
    return world.build()


@pytest.mark.parametrize("part", ["api and pages", "console", "models", "stripe's objects"])
def test_everyone_gets_what_the_table_says(house: House, part: str):
    of_models = list(models.decisions())
    rows: dict[str, list[Decision]] = {
        "api and pages": [*decisions.API, *decisions.PAGES],
        "console": [*decisions.CONSOLE, *decisions.SIGN_IN_PAGES],
        "models": [row for row in of_models if "/djstripe/" not in row.route],
        "stripe's objects": [row for row in of_models if "/djstripe/" in row.route],
    }
    wrong = [one for row in rows[part] for one in check(house, row, part=part)]
    assert not wrong, "\n".join([f"{len(wrong)} answers are not what was decided:", *wrong])


def asking(house: House, *, part: str, row: Decision, method: str) -> dict[Actor, Client]:
    """Everybody. Of Django's own pages for each model, where one view answers for all, enough for every answer."""
    if part in ("api and pages", "console"):
        return house.clients
    writes = row.route.endswith(("add/", "change/", "delete/"))
    if part == "models":
        few = {"nobody", "viewer of A", "owner of A", "owner of B", "superuser of no merchant"}
        more = {"clerk of A", "manager of A", "viewer of B", "owner of A without second factor"}
        names = few | more if writes else few if method == "GET" else {"owner of B"}
    else:
        names = (
            {"nobody", "viewer of A", "owner of B"}
            if method == "GET"
            else {"viewer of A"}
            if writes
            else set()
        )
    return {actor: client for actor, client in house.clients.items() if actor.name in names}


def check(house: House, row: Decision, *, part: str) -> Iterator[str]:
    path = routes.address(row.route, {**house.values(row.route), **row.ids}) + row.query
    for method in row.methods:
        for actor, client in asking(house, part=part, row=row, method=method).items():
            status = ask(client, method, path, body=row.send(house) if row.send else {})
            if status not in (right := expected(row, actor)):
                yield f"{method} {path} as {actor.name}: {status}, decided {sorted(right)}"


def ask(client: Client, method: str, path: str, *, body: dict[str, Any]) -> int:
    """The status, and nothing stays done."""
    cookies = dict(client.cookies)
    is_api = path.startswith("/api/")
    sent, content_type = (
        (json.dumps(body), "application/json") if is_api else ("empty=", "application/x-www-form-urlencoded")
    )
    with nullcontext() if method == "GET" else transaction.atomic():
        answer = client.generic(method, path, sent, content_type=content_type)
        if method != "GET":
            transaction.set_rollback(True)
    client.cookies.clear()
    client.cookies.update(cookies)
    return int(answer.status_code)


def test_what_is_not_ones_own_answers_as_what_is_not_there(house: House):
    """A stranger, another customer, another merchant's staff: the same status and the same words for both."""
    for row in [*decisions.API, *decisions.PAGES]:
        names = [name for name in routes.placeholders(row.route) if name in world.foreign_ids()]
        if not names or "GET" not in row.methods:
            continue
        values = house.values(row.route)
        real, unreal = (routes.address(row.route, {**values, **more}) for more in ({}, world.foreign_ids()))
        for actor, client in house.clients.items():
            if actor.side in ("customer", "A", "locked"):
                continue
            theirs, nothing = client.get(real), client.get(unreal)
            assert theirs.status_code == nothing.status_code, (actor.name, real)
            if real.startswith("/api/"):
                assert theirs.content == nothing.content, (actor.name, real)


def test_ones_own_booking_does_not_open_anothers_payment(house: House):
    """Addresses with two ids: the first one's own, the second another's."""
    others = house.ours.payments[1]
    values = {"code": house.code, "public_id": str(others.public_id), "number": house.ours.receipts[1].label}
    client = house.clients[Actor("the booking's customer", "customer")]
    tried = 0
    for row in [*decisions.API, *decisions.PAGES]:
        names = routes.placeholders(row.route)
        if "public_id" not in names and "number" not in names:
            continue
        for method in row.methods:
            status = ask(
                client, method, routes.address(row.route, {**house.values(row.route), **values}), body={}
            )
            assert status in (302, 401, 403, 404, 405), (method, row.route, status)
            tried += 1
    assert tried >= BYSTANDERS
