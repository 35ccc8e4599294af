"""What workers run: rung by the doorbell, and by beat (config/schedule.py) for what no doorbell announced.

Tasks carry no arguments, because rows are the queue; each may run twice, at once, or never hear its bell. Names
are stable: messages under an old name may be waiting when a new version starts.
"""

import contextlib
import logging
from collections.abc import Iterator

from celery import shared_task
from django.db import connection

from payments import (
    bulk,
    completion,
    credit,
    credit_notes,
    events,
    handling,
    inbox,
    keys,
    mirror,
    receipts,
    reconcile,
    refunds,
    reminders,
)
from payments.models import WebhookEvent

logger = logging.getLogger(__name__)

# Our own space among PostgreSQL's advisory locks.
_LOCK_SPACE = 0x7AB1E


@shared_task(name=inbox.HANDLE_TASK, ignore_result=True)
def handle_events() -> int:
    """Handle every webhook event that is due."""
    return handling.work_off(handle)


def handle(event: WebhookEvent) -> handling.Handled:
    """One event: mirror it, then do what it asks for. What the mirror cannot store never holds money up."""
    if event.endpoint.gateway_account.foreign_account_id:
        raise handling.MustWait("Stripe's key belongs to another account.")
    mirrored = mirror.store(event)
    if mirrored.outcome == mirror.Outcome.REFUSED:
        raise handling.Unacceptable(f"Not mirrored and not handled: {mirrored.reason}.")
    return events.handle(event)


@shared_task(name="payments.check_keys", ignore_result=True)
def check_keys() -> int:
    """Ask Stripe whose keys are in use."""
    with alone("check_keys") as mine:
        return keys.check() if mine else 0


@shared_task(name="payments.refetch_mirror", ignore_result=True)
def refetch_mirror() -> int:
    """Fetch the objects that events alone could not tell for certain."""
    mirror.learn_accounts()
    return mirror.refetch_due()


@shared_task(name=receipts.SEND_TASK, ignore_result=True)
def send_receipts() -> int:
    """Render and e-mail the receipts and credit notes that are due."""
    return receipts.send_due() + credit_notes.send_due()


@shared_task(name=events.READ_BALANCE_TASK, ignore_result=True)
def read_balance() -> int:
    """Post what is new in Stripe's balances."""
    with alone("read_balance") as mine:
        return reconcile.read_balances() if mine else 0


@shared_task(name="payments.read_late_balance", ignore_result=True)
def read_late_balance() -> int:
    """Read the last days of Stripe's balances again."""
    with alone("read_balance") as mine:
        return reconcile.read_balances(late=True) if mine else 0


@shared_task(name="payments.ask_for_payments", ignore_result=True)
def ask_for_payments() -> int:
    """Ask Stripe about payments that nobody told us of."""
    with alone("ask_for_payments") as mine:
        return reconcile.ask_for_payments() if mine else 0


@shared_task(name="payments.ask_for_refunds", ignore_result=True)
def ask_for_refunds() -> int:
    """Ask Stripe about refunds under way."""
    with alone("ask_for_refunds") as mine:
        return reconcile.ask_for_refunds() if mine else 0


@shared_task(name=refunds.SEND_TASK, ignore_result=True)
def send_refunds() -> int:
    """Send what was approved and not sent yet."""
    with alone("send_refunds") as mine:
        return refunds.send_due() if mine else 0


@shared_task(name="payments.complete_events", ignore_result=True)
def complete_events() -> int:
    """Mark bookings done whose event is over."""
    with alone("complete_events") as mine:
        return completion.complete_due() if mine else 0


@shared_task(name=bulk.TASK, ignore_result=True)
def cancel_in_bulk() -> int:
    """Go on with days that are being cancelled."""
    return bulk.run_due()


@shared_task(name="payments.remind", ignore_result=True)
def remind() -> int:
    """Remind of payments that fall due or are overdue."""
    with alone("remind") as mine:
        return reminders.remind_due() if mine else 0


@shared_task(name="payments.expire_credit", ignore_result=True)
def expire_credit() -> int:
    """End credit that staff gave and nobody used in time."""
    return credit.expire_due()


@shared_task(name="payments.expire_holds", ignore_result=True)
def expire_holds() -> int:
    """End the holds that ran out."""
    with alone("expire_holds") as mine:
        return reconcile.expire_holds() if mine else 0


@contextlib.contextmanager
def alone(name: str) -> Iterator[bool]:
    """True for one process at a time: others have nothing to add and would only ask Stripe twice.

    A lock of the session, not of a transaction, since Stripe is called under it; it ends with its process.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK_SPACE, name])
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_LOCK_SPACE, name])
