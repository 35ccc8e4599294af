"""Works off due events through a handler, and is the one place where a handler's bugs are caught.

What a handler raises decides what becomes of the row. A bug in one event must neither stop the others nor be
lost: it is logged with its traceback, counted in `attempts`, and the event tried again later. Logs and rows get
no payload: database messages quote rows, so only their first line is told.
"""

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from django.db import Error as DjangoDatabaseError
from django.db import connection
from structlog.contextvars import bound_contextvars

from core import doorbell
from core.errors import ConcurrentChange, DomainError, Unavailable
from payments import inbox
from payments.models import WebhookEvent

logger = logging.getLogger(__name__)

RUN_SECONDS = 20.0
# An event starts only when so much of its lease is left: two workers never have the same one.
SPARE_SECONDS = 30.0


@dataclass(frozen=True)
class Handled:
    """`outcome`: what the event led to, in a few words. `ignored`: by name, nobody cares for this type."""

    outcome: str
    ignored: bool = False


class MustWait(DomainError):
    """The event cannot be handled before something else has come; no failure."""

    code = "must_wait"
    title = "It has to wait for another event"


class Unacceptable(DomainError):
    """The event will never be handled as it is: a person has to look at it."""

    code = "unacceptable"
    title = "The event cannot be accepted"


Handler = Callable[[WebhookEvent], Handled]
# The row is well, the moment is not.
WAITS = (MustWait, ConcurrentChange, Unavailable)


def work_off(handle: Handler, *, seconds: float = RUN_SECONDS, batch: int = inbox.BATCH) -> int:
    """Handle due events until none is left or `seconds` passed (then the doorbell rings for the rest).

    Returns how many were settled. Any number of workers may run at once.
    """
    ends = time.monotonic() + seconds
    count = 0
    while claimed := inbox.claim(batch=batch):
        for number, event in enumerate(claimed):
            if time.monotonic() >= ends or not inbox.mine_still(event, spare_seconds=SPARE_SECONDS):
                for rest in claimed[number:]:
                    inbox.release(rest)
                break
            with bound_contextvars(event_id=event.stripe_event_id):
                count += _one(event, handle=handle)
        if time.monotonic() >= ends:
            doorbell.ring(inbox.HANDLE_TASK)
            break
    return count


def _one(event: WebhookEvent, *, handle: Handler) -> bool:
    try:
        handled = handle(event)
    except WAITS as wait:
        return inbox.postpone(event, reason=wait.detail)
    except Unacceptable as refusal:
        logger.error("Event %s (%s) is not acceptable: %s", event.pk, event.type, refusal.detail)
        return inbox.fail(event, error=refusal.detail, final=True)
    except DomainError as refusal:
        logger.error("Event %s (%s) was refused: %s", event.pk, event.type, refusal.detail)
        return inbox.fail(event, error=f"{type(refusal).__name__}: {refusal.detail}")
    except Exception as bug:  # noqa: BLE001 - the boundary that this module is
        where = "".join(traceback.format_tb(bug.__traceback__))
        logger.error("Event %s (%s) failed: %s\n%s", event.pk, event.type, type(bug).__name__, where)
        _let_go_of_a_lost_connection(bug)
        return inbox.fail(event, error=f"{told(bug)}\n{where}")
    if not inbox.finish(event, outcome=handled.outcome, ignored=handled.ignored):
        logger.warning("Event %s was handled after its lease had ended; another worker has it.", event.pk)
        return False
    return True


def _let_go_of_a_lost_connection(error: Exception) -> None:
    """The next statement opens a new one, so that the failure is noted and the rest of the batch goes on."""
    mine = isinstance(error, DjangoDatabaseError) and not connection.in_atomic_block
    if mine and not connection.is_usable():
        connection.close()


def told(error: BaseException) -> str:
    """An exception in one line, without what a database message quotes of the row."""
    text = str(error).splitlines()[0] if str(error) else ""
    if isinstance(error, DjangoDatabaseError):
        text = text.partition("DETAIL")[0]
    return f"{type(error).__name__}: {text}"[:500]
