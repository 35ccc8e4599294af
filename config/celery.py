"""Celery's application. The schedule is static and lives in config/schedule.py."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

from config.schedule import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tableside")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = BEAT_SCHEDULE
app.autodiscover_tasks()
# Binds the task's id to its log lines, and logs a task that failed.
app.steps["worker"].add(DjangoStructLogInitStep)
