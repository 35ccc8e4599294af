"""The upsert: one statement per object, which looks its relations up itself and refuses what is not newer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from django.db import connection

from payments.mirror.shapes import Record, Relation, Shape, stripe_data

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(StrEnum):
    STORED = "stored"
    STALE = "stale"  # The row is newer already.
    MARKED = "marked"  # Not certain, or not whole: it will be fetched.
    REFUSED = "refused"  # The row belongs to another account.
    NOT_MIRRORED = "not mirrored"  # dj-stripe has no table for this type.


@dataclass(frozen=True)
class Result:
    outcome: Outcome
    reason: str = ""
    # Relations that matter and whose rows are not here.
    missing: tuple[Relation, ...] = ()


def write(record: Record, *, owner: str, as_of: datetime, fetched: bool) -> Result:
    """Store one object as it was `as_of`, for the account `owner`; does not mark anything.

    A `fetched` object also wins over an equally old row, and may claim a row without owner: the account's own
    key answered for it.
    """
    returned = _execute(record, owner=owner, as_of=as_of, fetched=fetched)
    if returned is not None:
        return _with_missing(record, returned)
    stored = _stored(record)
    if stored is None:
        if _add_owner(owner):
            return write(record, owner=owner, as_of=as_of, fetched=fetched)
        required = tuple(relation for relation in record.related if relation.required)
        return Result(Outcome.MARKED, "a relation is missing", missing=required)
    return _why_not(record, stored, owner=owner, as_of=as_of)


def _with_missing(record: Record, columns: tuple[Any, ...]) -> Result:
    missing = tuple(
        relation
        for (relation, wanted), found in zip(record.related.items(), columns, strict=True)
        if wanted and found is None and relation.matters
    )
    if missing:
        names = ", ".join(relation.name for relation in missing)
        return Result(Outcome.MARKED, f"missing: {names}", missing=missing)
    return Result(Outcome.STORED)


def _why_not(record: Record, stored: "_Stored", *, owner: str, as_of: datetime) -> Result:
    if stored.owner is None:
        return Result(Outcome.MARKED, "the row has no owner")
    if stored.owner != owner:
        return Result(Outcome.REFUSED, "the row belongs to another account")
    if stored.deleted or stored.as_of > as_of:
        return Result(Outcome.STALE, "the row is newer")
    if stored.same:
        return _with_missing(record, stored.related)
    return Result(Outcome.MARKED, "two states within one second")


def _execute(record: Record, *, owner: str, as_of: datetime, fetched: bool) -> tuple[Any, ...] | None:
    present = tuple(record.related)
    statement = _upsert(record.shape, present, fetched, record.deleted)
    fixed = [as_of, stripe_data(record.data)]
    if record.deleted and record.object_type == "customer":
        fixed.append(as_of)
    elif record.object_type == "customer":
        fixed.append(None)
    wanted = list(record.related.values())
    required = [record.related[relation] for relation in present if relation.required]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*fixed, *record.values.values(), *wanted, owner, *required])
        returned: tuple[Any, ...] | None = cursor.fetchone()
    return None if returned is None else returned[1:]


@cache
def _upsert(shape: Shape, present: tuple[Relation, ...], fetched: bool, deleted: bool) -> str:
    """The statement for a type, for the relations that the payload names.

    Selecting from the owner's row makes the statement do nothing when that is not here.
    """
    fixed = ["djstripe_updated", "stripe_data"]
    if shape.table == "djstripe_customer":
        fixed.append("date_purged")
    columns = [*fixed, *(field.column for field in shape.plain), *(relation.column for relation in present)]
    found = [f"({_row_of(relation)})" for relation in present]
    values = ["%s"] * (len(fixed) + len(shape.plain)) + found
    needs = "".join(f" AND EXISTS ({_row_of(relation)})" for relation in present if relation.required)
    changed = ", ".join(
        f"{column} = excluded.{column}" for column in columns if column not in ("id", "djstripe_updated")
    )
    claim = " OR stored.djstripe_owner_account_id IS NULL" if fetched else ""
    newer = "<=" if fetched else "<"
    certain = (
        "TRUE"
        if deleted
        else f"stored.djstripe_updated {newer} excluded.djstripe_updated "
        "AND NOT coalesce((stored.stripe_data->>'deleted')::boolean, false)"
    )
    return f"""
INSERT INTO {shape.table} AS stored
    ({", ".join(columns)}, djstripe_created, djstripe_owner_account_id)
SELECT {", ".join(values)}, now(), owner.id
FROM djstripe_account AS owner WHERE owner.id = %s{needs}
ON CONFLICT (id) DO UPDATE SET {changed},
    djstripe_owner_account_id = excluded.djstripe_owner_account_id,
    djstripe_updated = greatest(stored.djstripe_updated, excluded.djstripe_updated)
WHERE (stored.djstripe_owner_account_id = excluded.djstripe_owner_account_id{claim}) AND {certain}
RETURNING 1{"".join(f", stored.{relation.column}" for relation in present)}
"""  # noqa: S608 - names of tables and columns, from models


def _row_of(relation: Relation) -> str:
    """The row that a relation names: of the same account only, and of a type that is mirrored."""
    allowed = "djstripe_owner_account_id = owner.id" if relation.object_type else "FALSE"
    return f"SELECT {relation.key} FROM {relation.table} WHERE {relation.table}.id = %s AND {allowed}"  # noqa: S608


@dataclass(frozen=True)
class _Stored:
    owner: str | None
    as_of: datetime
    deleted: bool
    same: bool
    related: tuple[Any, ...]


def _stored(record: Record) -> _Stored | None:
    columns = "".join(f", {relation.column}" for relation in record.related)
    statement = f"""
SELECT djstripe_owner_account_id, djstripe_updated,
    coalesce((stripe_data->>'deleted')::boolean, false), stripe_data = %s{columns}
FROM {record.shape.table} WHERE id = %s"""  # noqa: S608 - names of tables and columns, from models
    with connection.cursor() as cursor:
        cursor.execute(statement, [stripe_data(record.data), record.id])
        row = cursor.fetchone()
    return _Stored(row[0], row[1], row[2], row[3], tuple(row[4:])) if row else None


def _add_owner(owner: str) -> bool:
    """A row for the account itself, to be filled by account.updated or a fetch. False: it was there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO djstripe_account (id, djstripe_created, djstripe_updated, stripe_data, "
            "djstripe_owner_account_id) VALUES (%s, now(), %s, '{}', %s) ON CONFLICT (id) DO NOTHING",
            [owner, _EPOCH, owner],
        )
        return bool(cursor.rowcount == 1)
