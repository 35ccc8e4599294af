"""Celery beat's schedule, static: what is swept up when no doorbell was heard.

A message nobody took before the next one is dropped, so a worker that was away finds one of each, not a heap.
"""

from datetime import timedelta
from typing import Any

EVERY: dict[str, timedelta] = {
    "payments.handle_events": timedelta(seconds=5),
    "payments.send_receipts": timedelta(seconds=15),
    "core.tasks.send_due_email": timedelta(seconds=15),
    "payments.refetch_mirror": timedelta(seconds=30),
    "payments.expire_holds": timedelta(seconds=30),
    "payments.ask_for_payments": timedelta(minutes=1),
    "payments.send_refunds": timedelta(seconds=30),
    "payments.complete_events": timedelta(minutes=10),
    "payments.cancel_in_bulk": timedelta(seconds=30),
    "payments.remind": timedelta(minutes=30),
    "payments.expire_credit": timedelta(hours=6),
    "payments.ask_for_refunds": timedelta(minutes=1),
    "payments.read_balance": timedelta(minutes=1),
    "payments.read_late_balance": timedelta(hours=1),
    "payments.check_keys": timedelta(hours=1),
    "customers.send_links": timedelta(seconds=15),
    "customers.forget_links": timedelta(hours=6),
    "core.tasks.forget_idempotency_records": timedelta(hours=1),
}

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": name, "schedule": every, "options": {"expires": every.total_seconds()}}
    for name, every in EVERY.items()
}
