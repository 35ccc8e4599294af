"""The probes: what they ask, what they say, and whom they do not turn away."""

import json
import socket
import time
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

NOBODY = "redis://127.0.0.1:1/0"


def asked(path: str, **extra: Any) -> tuple[int, dict[str, str]]:
    answer = Client().get(path, **extra)
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.cookies
    return answer.status_code, json.loads(answer.content)


def test_the_process_answers_without_a_statement() -> None:
    # No database is allowed to this test: a statement would fail it.
    assert asked("/healthz") == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_balancer_that_asks_by_address_and_without_tls_is_answered(
    path: str, settings: Settings, db: None
) -> None:
    settings.ALLOWED_HOSTS = ["bookings.example.com"]
    settings.SECURE_SSL_REDIRECT = True
    assert asked(path, headers={"Host": "10.1.2.3:8000"})[0] == 200
    assert Client().get("/", headers={"Host": "10.1.2.3:8000"}).status_code in (301, 400)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_only_read(path: str) -> None:
    assert Client().post(path).status_code == 405


def test_ready_with_every_migration_applied_costs_three_statements(db: None) -> None:
    asked("/readyz")
    with CaptureQueriesContext(connection) as queries:
        status, found = asked("/readyz")
    assert (status, found["database"], found["migrations"]) == (200, "ok", "ok")
    assert len(queries) == 3


def test_not_ready_while_a_migration_is_missing(db: None) -> None:
    MigrationRecorder(connection).record_unapplied("payments", "0001_initial")
    status, found = asked("/readyz")
    assert (status, found["status"], found["migrations"]) == (503, "not ready", "1 to apply")


def test_not_ready_on_an_empty_database(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO elsewhere")
    status, found = asked("/readyz")
    assert (status, found["database"]) == (503, "ok")
    assert found["migrations"].endswith(" to apply")


def test_not_ready_without_a_database_and_nothing_is_told_of_it(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OperationalError("connection to server at 10.9.8.7 failed for user app")

    with monkeypatch.context() as patch:
        patch.setattr(connections["default"], "cursor", refused)
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer"
    assert b"10.9.8.7" not in answer.content


@pytest.mark.parametrize("address", [NOBODY, "redis+socket:///no/where.sock"])
def test_ready_without_a_broker_which_is_reported(db: None, settings: Settings, address: str) -> None:
    settings.CELERY_BROKER_URL = address
    status, found = asked("/readyz")
    assert (status, found["status"], found["broker"]) == (200, "ok", "does not answer")


def test_a_database_server_that_never_answers_costs_a_probe_seconds_not_minutes(db: None) -> None:
    """It takes the connection and says nothing, as behind a firewall that lost its way."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings_now = connections["default"].settings_dict
        assert settings_now["OPTIONS"]["connect_timeout"] == 5
        changed = {**settings_now, "HOST": "127.0.0.1", "PORT": str(silent.getsockname()[1])}
        changed["OPTIONS"] = {**settings_now["OPTIONS"], "connect_timeout": 2}
        elsewhere = connection.copy()
        elsewhere.settings_dict = changed
        started = time.monotonic()
        with pytest.raises(OperationalError):
            elsewhere.ensure_connection()
        assert time.monotonic() - started < 30
