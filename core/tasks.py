"""Core's own tasks: sending e-mail, forgetting old idempotency records. Tasks carry no arguments; rows are
the queue.
"""

from celery import shared_task

from core import idempotency, outbox


@shared_task(name=outbox.SEND_TASK, ignore_result=True)
def send_due_email() -> int:
    """Send every e-mail that is due."""
    total = 0
    while sent := outbox.send_due():
        total += sent
    return total


@shared_task(name="core.tasks.forget_idempotency_records", ignore_result=True)
def forget_idempotency_records() -> int:
    """Delete answers kept for repeats whose day is over."""
    return idempotency.forget_expired()
