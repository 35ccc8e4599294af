"""State in one SQLite file: objects as JSON, the values they are listed by, and the queues beside them.

One process, one connection, one thread (the event loop's). Within a unit of work `get` returns the same dict
for the same id, so handlers share what they change; nothing is written that was not passed to `save`.
`synchronous=OFF` is enough: the file survives a killed process, only not a killed machine.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.selection import Selection, bodies

Object = dict[str, Any]
PRIVATE = "_sandbox"

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
    created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_listed ON objects (type, created, seq);
CREATE INDEX IF NOT EXISTS objects_in_order ON objects (type, seq);
CREATE TABLE IF NOT EXISTS links (
    type TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (type, field, value, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL, give_up REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending', response INTEGER, problem TEXT);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timers_due ON timers (due);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
    body TEXT NOT NULL, request TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS balance_parts (
    currency TEXT NOT NULL, available_on INTEGER NOT NULL, net INTEGER NOT NULL,
    PRIMARY KEY (currency, available_on));
"""
TABLES = ("objects", "links", "deliveries", "timers", "idempotency", "balance_parts")

LISTED_BY: dict[str, tuple[str, ...]] = {
    "balance_transaction": ("source", "type", "currency", "payout"),
    "charge": ("customer", "payment_intent"),
    "checkout.session": ("customer", "payment_intent", "status", "customer_email"),
    "customer": ("email",),
    "dispute": ("charge", "payment_intent"),
    "event": ("type",),
    "invoice": ("customer", "status", "collection_method", "token"),
    "invoice_payment": ("invoice", "status", "payment_intent"),
    "invoiceitem": ("customer", "invoice", "pending"),
    "payment_intent": ("customer",),
    "payment_method": ("customer",),
    "payout": ("status",),
    "price": ("product", "currency", "lookup_key", "state"),
    "product": ("state",),
    "radar.early_fraud_warning": ("charge", "payment_intent"),
    "refund": ("charge", "payment_intent"),
    "setup_intent": ("customer", "payment_method"),
}


class Store:
    """Objects by id and in order of creation."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-65536"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.executescript(SCHEMA)
        self._loaded: dict[str, Object] = {}
        self._texts: dict[str, str] = {}

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def unit(self) -> Iterator[None]:
        """One transaction and one identity map; an exception rolls both back."""
        self._forget()
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        else:
            self.db.execute("COMMIT")
        finally:
            self._forget()

    def _forget(self) -> None:
        self._loaded.clear()
        self._texts.clear()

    def get(self, id: str) -> Object | None:
        if id in self._loaded:
            return self._loaded[id]
        row = self.db.execute("SELECT body FROM objects WHERE id = ?", (id,)).fetchone()
        return self._remember(row[0]) if row else None

    def _remember(self, text: str) -> Object:
        body: Object = json.loads(text)
        known = self._loaded.setdefault(body["id"], body)
        self._texts.setdefault(body["id"], text)
        return known

    def stored(self, id: str) -> Object | None:
        """The object as it was before this unit changed it: what `previous_attributes` are made from."""
        text = self._texts.get(id)
        return json.loads(text) if text else None

    def save(self, body: Object) -> None:
        """Inserts or updates; the object's `object` and `created` never change."""
        text = json.dumps(body, separators=(",", ":"))
        known = body["id"] in self._texts or body["id"] in self._loaded
        if known and self._update(body, text):
            return
        cursor = self.db.execute(
            "INSERT INTO objects (id, type, created, body) VALUES (?, ?, ?, ?)",
            (body["id"], body["object"], body.get("created", 0), text),
        )
        self._link(body, int(cursor.lastrowid or 0))
        self._loaded[body["id"]] = body
        self._texts[body["id"]] = text

    def _update(self, body: Object, text: str) -> bool:
        row = self.db.execute("SELECT seq, body FROM objects WHERE id = ?", (body["id"],)).fetchone()
        if row is None:
            return False
        self.db.execute("UPDATE objects SET body = ? WHERE seq = ?", (text, row[0]))
        before = _links(json.loads(row[1]))
        if before != _links(body):
            for field, value in before:
                self.db.execute(
                    "DELETE FROM links WHERE type = ? AND field = ? AND value = ? AND seq = ?",
                    (body["object"], field, value, row[0]),
                )
            self._link(body, row[0])
        return True

    def _link(self, body: Object, seq: int) -> None:
        self.db.executemany(
            "INSERT OR IGNORE INTO links (type, field, value, seq) VALUES (?, ?, ?, ?)",
            [(body["object"], field, value, seq) for field, value in _links(body)],
        )

    def delete(self, id: str) -> None:
        row = self.db.execute("SELECT seq FROM objects WHERE id = ?", (id,)).fetchone()
        if row:
            self.db.execute("DELETE FROM links WHERE seq = ?", row)
            self.db.execute("DELETE FROM objects WHERE seq = ?", row)
        self._loaded.pop(id, None)
        self._texts.pop(id, None)

    def retire(self, id: str) -> None:
        """Takes a deleted object out of the lists; it can still be retrieved."""
        self.db.execute("UPDATE objects SET type = 'deleted ' || type WHERE id = ?", (id,))

    def position(self, id: str) -> int | None:
        row = self.db.execute("SELECT seq FROM objects WHERE id = ?", (id,)).fetchone()
        return int(row[0]) if row else None

    def select(self, selection: Selection) -> list[Object]:
        """Newest first."""
        return [self._remember(body) for body in bodies(self.db, selection)]

    def meta(self, key: str) -> str | None:
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_meta(self, *, key: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def clear(self) -> None:
        """Forgets everything but `meta`."""
        for table in TABLES:
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608


def public(body: Object) -> Object:
    """The object as the API shows it: a copy without what only the sandbox knows."""
    return {key: value for key, value in body.items() if key != PRIVATE}


def private(body: Object) -> Object:
    """What only the sandbox knows about the object; stored with it, never shown."""
    return body.setdefault(PRIVATE, {})


def _links(body: Object) -> list[tuple[str, str]]:
    fields = LISTED_BY.get(body["object"], ())
    values = {**body.get(PRIVATE, {}), **body}
    return [(field, values[field]) for field in fields if isinstance(values.get(field), str)]
