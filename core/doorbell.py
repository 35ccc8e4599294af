"""Wakes the workers after a commit. The work itself is a row; this is only a doorbell.

`ring("payments.tasks.handle_events")` after commit hands the name to one daemon thread of this process,
which sends at most one task message per name every 50 ms, without arguments. The caller never waits for the
broker: a broker that is down or hangs costs the thread 200 ms sockets, one log line per outage, and nothing
else. A message that is lost is found by the sweeper's schedule.
"""

import logging
import os
import threading
import time

from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu import Producer
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.05
SOCKET_SECONDS = 0.2
# A doorbell nobody heard for this long is of no use: the sweeper has been there.
EXPIRES_SECONDS = 30


class _Doorbell:
    """The names rung and not yet sent, and the thread that sends them. One per process, made anew after a
    fork, with a connection of its own: kombu's pools are the whole process's, and a child forked while its parent
    rings would wait for ever for the one that is taken in its copy.
    """

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._celery: Celery | None = None
        self._producer: Producer | None = None
        self._failing = False

    def ring(self, task_name: str) -> None:
        with self._changed:
            self._wanted.add(task_name)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._wanted))
                names, self._wanted = sorted(self._wanted), set()
            for name in names:
                self._send(name)
            time.sleep(INTERVAL_SECONDS)

    def _send(self, name: str) -> None:
        if self._celery is None:
            self._celery = _client()
            self._producer = self._celery.amqp.Producer(
                self._celery.connection_for_write(), auto_declare=False
            )
        try:
            self._celery.send_task(
                name, producer=self._producer, retry=False, ignore_result=True, expires=EXPIRES_SECONDS
            )
        except (KombuError, RedisError, OSError) as error:
            # A half-written connection is of no use to the next ring.
            self._hang_up()
            if not self._failing:
                logger.warning(
                    "The broker does not answer (%s); the sweeper will find the work.", type(error).__name__
                )
            self._failing = True
        else:
            if self._failing:
                logger.info("The broker answers again.")
            self._failing = False

    def _hang_up(self) -> None:
        if self._producer is not None and self._producer.connection is not None:
            self._producer.connection.release()
        if self._celery is not None:
            self._celery.close()
        self._celery = self._producer = None


def _client() -> Celery:
    """A Celery client of our own: the worker's has patient timeouts, ours must not."""
    client = Celery("doorbell", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    client.conf.update(
        task_default_queue=settings.CELERY_TASK_DEFAULT_QUEUE,
        task_ignore_result=True,
        broker_connection_timeout=SOCKET_SECONDS,
        broker_transport_options={
            "socket_timeout": SOCKET_SECONDS,
            "socket_connect_timeout": SOCKET_SECONDS,
            "retry_on_timeout": False,
            "max_retries": 0,
            "interval_start": 0,
            "interval_step": 0,
            "interval_max": 0,
        },
    )
    return client


_doorbell = _Doorbell()


def _after_fork() -> None:
    """A child has neither the parent's thread nor a right to its socket or lock."""
    global _doorbell
    _doorbell = _Doorbell()


os.register_at_fork(after_in_child=_after_fork)


def ring(task_name: str) -> None:
    """After commit (at once outside a transaction), let a worker know that there is work. Never raises,
    never waits.
    """
    if getattr(settings, "DOORBELL_ENABLED", True):
        transaction.on_commit(lambda: _doorbell.ring(task_name))
