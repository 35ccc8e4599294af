"""Celery's application. The schedule is static and lives in config/schedule.py."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.schedule import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tableside")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = BEAT_SCHEDULE
app.autodiscover_tasks()
# Binds the task's id to its log lines, and logs a task that failed.
app.steps["worker"].add(DjangoStructLogInitStep)


@worker_ready.connect
def ask_whose_keys(sender: Any, **_: Any) -> None:
    """A key may have been changed while no worker ran: asked at once, then by the schedule."""
    sender.app.send_task("payments.check_keys", expires=60)
