"""The floor: a WSGI application without Django that verifies and inserts one row."""

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
from stripe import WebhookSignature

from script.benches.webhook_peers.deliveries import SECRET

_INSERT = """
INSERT INTO payments_webhookevent
    (endpoint_id, stripe_event_id, type, api_version, account, livemode, stripe_created, payload,
     state, received_at, due_at, deliveries, attempts, outcome, last_error)
VALUES (1, %s, %s, %s, '', %s, %s, %s::jsonb, 'pending', now(), now(), 1, 0, '', '')
ON CONFLICT (endpoint_id, stripe_event_id) DO UPDATE SET deliveries = payments_webhookevent.deliveries + 1
"""
_connection: psycopg.Connection[Any] | None = None


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    global _connection
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    WebhookSignature.verify_header(body, environ["HTTP_STRIPE_SIGNATURE"], SECRET, 300)
    event = json.loads(body)
    if _connection is None:
        address = "postgresql://" + os.environ["DATABASE_URL"].partition("://")[2]
        _connection = psycopg.connect(address, autocommit=True)
    created = datetime.fromtimestamp(event["created"], tz=UTC)
    about = (event["id"], event["type"], event["api_version"], event["livemode"], created, body.decode())
    _connection.execute(_INSERT, about)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]
