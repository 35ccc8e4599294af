"""The doorbell: after commit, coalesced, and never in the caller's way."""

import os
import socket
import threading
import time

import pytest
from django.conf import settings as project_settings
from django.db import transaction
from redis import Redis

from core import doorbell

TASK = "core.tests.nothing"


@pytest.fixture
def queue(settings):
    """A queue of our own on the real broker."""
    settings.DOORBELL_ENABLED = True
    settings.CELERY_TASK_DEFAULT_QUEUE = f"doorbell-test-{os.getpid()}"
    broker = Redis.from_url(project_settings.REDIS_URL)
    doorbell._doorbell = doorbell._Doorbell()
    yield lambda: broker.llen(settings.CELERY_TASK_DEFAULT_QUEUE)
    broker.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
    doorbell._doorbell = doorbell._Doorbell()


def wait_for(count, *, queue, seconds=5):
    end = time.monotonic() + seconds
    while queue() < count and time.monotonic() < end:
        time.sleep(0.01)
    return queue()


@pytest.fixture
def hanging_broker(settings):
    """Accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        yield


@pytest.fixture
def dead_broker(settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_commit_only(queue):
    with transaction.atomic():
        doorbell.ring(TASK)
        time.sleep(0.1)
        assert queue() == 0
    assert wait_for(1, queue=queue) == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_rings_no_bell(queue):
    with transaction.atomic():
        doorbell.ring(TASK)
        transaction.set_rollback(True)
    time.sleep(0.2)
    assert queue() == 0


@pytest.mark.django_db
def test_many_rings_are_few_messages(queue):
    bell = doorbell._doorbell
    for _ in range(500):
        bell.ring(TASK)
    wait_for(1, queue=queue)
    time.sleep(0.2)
    assert 1 <= queue() <= 3


@pytest.mark.django_db
def test_a_ring_during_the_pause_is_not_lost(queue):
    bell = doorbell._doorbell
    bell.ring(TASK)
    assert wait_for(1, queue=queue) == 1
    bell.ring(TASK)
    assert wait_for(2, queue=queue) == 2


BROKERS_IN_TROUBLE = pytest.mark.parametrize("broker", ["hanging_broker", "dead_broker"])


@BROKERS_IN_TROUBLE
def test_a_broker_in_trouble_costs_the_caller_nothing_and_is_logged_once(request, caplog, broker):
    request.getfixturevalue(broker)
    bell = doorbell._Doorbell()
    started = time.perf_counter()
    for _ in range(100):
        bell.ring(TASK)
    assert time.perf_counter() - started < 2  # a hanging broker would cost 20 s
    for _ in range(3):
        time.sleep(0.3)
        bell.ring(TASK)
    # An earlier test's bell may say at this moment that its own broker answers again: that is no trouble told.
    told = [record for record in caplog.records if record.name == "core.doorbell"]
    assert [record.levelname for record in told if record.levelname != "INFO"] == ["WARNING"]


@BROKERS_IN_TROUBLE
def test_a_broker_in_trouble_holds_the_bells_own_thread_for_fractions_of_a_second(request, broker):
    request.getfixturevalue(broker)
    bell = doorbell._Doorbell()
    bell._send(TASK)
    started = time.perf_counter()
    bell._send(TASK)
    assert time.perf_counter() - started < 3 * doorbell.SOCKET_SECONDS


@pytest.mark.django_db
def test_after_an_outage_the_bell_works_again(queue, settings, hanging_broker, caplog):
    bell = doorbell._Doorbell()
    bell._send(TASK)
    settings.CELERY_BROKER_URL = project_settings.REDIS_URL
    caplog.set_level("INFO")
    bell._send(TASK)
    assert queue() == 1
    assert "answers again" in caplog.text


@pytest.mark.django_db
def test_the_message_has_no_arguments_and_expires(queue, settings):
    doorbell._Doorbell()._send(TASK)
    message = Redis.from_url(project_settings.REDIS_URL).lindex(settings.CELERY_TASK_DEFAULT_QUEUE, 0)
    assert isinstance(message, bytes)
    assert b'"argsrepr": "()"' in message
    assert b'"expires": "' in message


@pytest.mark.django_db(transaction=True)
def test_turned_off_it_starts_no_thread(settings):
    settings.DOORBELL_ENABLED = False
    doorbell._doorbell = doorbell._Doorbell()
    doorbell.ring(TASK)
    assert doorbell._doorbell._thread is None


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_a_bell_of_its_own(queue):
    doorbell._doorbell.ring(TASK)
    assert wait_for(1, queue=queue) == 1
    child = os.fork()
    if child == 0:
        for _ in range(
            10
        ):  # On a busy machine the broker may miss its fraction of a second: that ring is lost.
            doorbell._doorbell.ring(TASK)
            if wait_for(2, queue=queue, seconds=0.5) >= 2:
                break
        os._exit(0 if queue() >= 2 and threading.active_count() == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
