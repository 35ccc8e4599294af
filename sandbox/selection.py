"""Lists in SQL: by type, by linked values, by creation, from a cursor on; quick whatever the size of the state.

`seq`, the order of insertion, is taken for the order of creation, so everything is a range of `seq`, read from an index
in the order wanted and only as far as the page needs. That holds while the clock only goes forward. Where the control
API put it back, what is made then is listed as newer than what was there, and a range of `created` may hold too much.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

NOTHING = (1, 0)
GREATEST = 2**62


@dataclass(kw_only=True)
class Selection:
    """`after` and `before` are seqs, exclusive: older than `after`, newer than `before` (the nearest of them).

    `matching` maps fields of LISTED_BY to the values allowed; `created` holds (operator, seconds).
    """

    type: str
    matching: Mapping[str, Iterable[str]] = field(default_factory=dict)
    created: Iterable[tuple[str, int]] = ()
    after: int | None = None
    before: int | None = None
    limit: int = 1_000_000


def bodies(db: sqlite3.Connection, selection: Selection) -> list[str]:
    """The stored JSON, newest first."""
    low, high = _range(db, selection)
    direction = "ASC" if selection.before is not None else "DESC"
    source, arguments = _source(selection, low=low, high=high, direction=direction)
    # Built from constants of this module alone; every value is a parameter.
    rows = db.execute(
        f"SELECT body FROM objects WHERE seq IN ({source}) ORDER BY seq {direction} LIMIT ?",  # noqa: S608
        (*arguments, selection.limit),
    ).fetchall()
    found = [row[0] for row in rows]
    return found[::-1] if direction == "ASC" else found


def _range(db: sqlite3.Connection, selection: Selection) -> tuple[int, int]:
    """The lowest and highest seq that cursor and creation allow."""
    low, high = 0, GREATEST
    if selection.after is not None:
        high = min(high, selection.after - 1)
    if selection.before is not None:
        low = max(low, selection.before + 1)
    for operator, seconds in selection.created:
        oldest_first = operator in (">", ">=", "=")
        first = _first(
            db,
            type=selection.type,
            operator=">=" if operator == "=" else operator,
            seconds=seconds,
            oldest_first=oldest_first,
        )
        if first is None:
            return NOTHING
        low, high = (max(low, first), high) if oldest_first else (low, min(high, first))
        if operator == "=":
            last = _first(db, type=selection.type, operator="<=", seconds=seconds, oldest_first=False)
            if last is None:
                return NOTHING
            high = min(high, last)
    return low, high


def _first(
    db: sqlite3.Connection, *, type: str, operator: str, seconds: int, oldest_first: bool
) -> int | None:
    direction = "ASC" if oldest_first else "DESC"
    row = db.execute(
        f"SELECT seq FROM objects WHERE type = ? AND created {operator} ? "  # noqa: S608
        f"ORDER BY created {direction}, seq {direction} LIMIT 1",
        (type, seconds),
    ).fetchone()
    return row[0] if row else None


def _source(selection: Selection, *, low: int, high: int, direction: str) -> tuple[str, list[str | int]]:
    """SQL for the seqs of the page: one ordered, limited read of an index per value of the first filter."""
    filters = [(field, list(values)) for field, values in selection.matching.items()]
    if not filters:
        return (
            f"SELECT seq FROM objects WHERE type = ? AND seq BETWEEN ? AND ? ORDER BY seq {direction} LIMIT ?",  # noqa: S608
            [selection.type, low, high, selection.limit],
        )
    (first, values), further = filters[0], filters[1:]
    also = "".join(
        f" AND EXISTS (SELECT 1 FROM links o WHERE o.type = ? AND o.field = ? AND o.seq = l.seq "  # noqa: S608
        f"AND o.value IN ({','.join('?' * len(options))}))"
        for _, options in further
    )
    one = (
        f"SELECT * FROM (SELECT l.seq FROM links l WHERE l.type = ? AND l.field = ? AND l.value = ? "  # noqa: S608
        f"AND l.seq BETWEEN ? AND ?{also} ORDER BY l.seq {direction} LIMIT ?)"
    )
    extra: list[str | int] = [part for name, options in further for part in (selection.type, name, *options)]
    arguments: list[str | int] = []
    for value in values:
        arguments += [selection.type, first, value, low, high, *extra, selection.limit]
    return " UNION ALL ".join([one] * len(values)), arguments
