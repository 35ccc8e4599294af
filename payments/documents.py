"""Numbered papers on their way: left with a number, then rendered, put into the outbox and stamped in one transaction.

A process that dies before that transaction leaves the paper due again after LEASE; after it, nothing is sent again.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

from core import clock
from payments.models import Document, DocumentCounter

logger = logging.getLogger(__name__)

D = TypeVar("D", bound=Document)

SEND_TASK = "payments.send_receipts"
LEASE = timedelta(minutes=2)  # How long one rendering may take before another worker tries.
LONGEST_WAIT = timedelta(hours=6)

NEXT_NUMBER = """
    INSERT INTO {table} (merchant_id, last_number) VALUES (%s, 1)
    ON CONFLICT (merchant_id) DO UPDATE SET last_number = {table}.last_number + 1
    RETURNING last_number
"""


def next_number(counter: type[DocumentCounter], *, merchant_id: int) -> int:
    """The merchant's next number. Locks the counter's row until the transaction's end: so it is the last lock taken."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_NUMBER.format(table=counter._meta.db_table), [merchant_id])
        number: int = cursor.fetchone()[0]
    return number


def number_in(label: str, *, of: type[Document]) -> int:
    """12 for "C-000012", as it stands in an address; 0, which nothing has, for what is no label of that kind."""
    prefix, _, digits = label.upper().rpartition("-")
    is_one = prefix in (of.PREFIX, "") and digits.isascii() and digits.isdigit() and len(digits) <= 9
    return int(digits) if is_one else 0


def send_due(rows: QuerySet[D], *, send: Callable[[D], None], limit: int) -> int:
    """Have those that are due sent, oldest first; how many. Any number of workers may run at once.

    One that cannot be rendered is put off, further each time, and holds up no other.
    """
    sent = 0
    for _ in range(limit):
        document = _claim(rows)
        if document is None:
            break
        try:
            send(document)
        except Exception as bug:
            logger.exception("%s %s could not be rendered", document._meta.verbose_name, document.public_id)
            rows.model._default_manager.filter(pk=document.pk).update(last_error=type(bug).__name__)
        else:
            sent += 1
    return sent


def _claim(rows: QuerySet[D]) -> D | None:
    """Take the next and put it off in the same breath: whoever dies now leaves it to the next."""
    with transaction.atomic():
        now = clock.now()
        due = rows.filter(emailed_at__isnull=True, due_at__lte=now)
        document = (
            due.select_for_update(of=("self",), skip_locked=True, no_key=True)
            .order_by("due_at", "id")
            .first()
        )
        if document is None:
            return None
        document.attempts += 1
        document.due_at = now + min(LEASE * 2 ** min(document.attempts - 1, 10), LONGEST_WAIT)
        document.save(update_fields=["attempts", "due_at"])
    return document


def stamp(document: Document, *, pdf: bytes) -> bool:
    """Keep the PDF, and that it was sent; False when somebody else did. In the transaction that leaves the e-mail."""
    now = clock.now()
    mine = type(document)._default_manager.filter(pk=document.pk, emailed_at__isnull=True)
    return bool(mine.update(pdf=pdf, rendered_at=now, emailed_at=now, last_error=""))
