"""The doorbell: after commit, coalesced, and never in the caller's way."""

import contextlib
import os
import socket
import threading
import time
from urllib.parse import urlsplit

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
    assert time.perf_counter() - started < 10  # a hanging broker would cost 20 s
    for _ in range(3):
        time.sleep(0.3)
        bell.ring(TASK)
    # An earlier test's bell may say at this moment that its own broker answers again: that is no trouble told.
    told = [record for record in caplog.records if record.name == "core.doorbell"]
    assert [record.levelname for record in told if record.levelname != "INFO"] == ["WARNING"]


@BROKERS_IN_TROUBLE
def test_a_broker_in_trouble_holds_the_bells_own_thread_for_a_moment_only(request, broker):
    request.getfixturevalue(broker)
    bell = doorbell._Doorbell()
    bell._send(TASK)
    started = time.perf_counter()
    bell._send(TASK)
    assert time.perf_counter() - started < 10, "Celery's own patience has no end"


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


@pytest.fixture
def broker_that_forgets_its_first_client(settings):
    """The real broker behind a door where the first to come waits for ever. Gives what tells that one is waiting."""
    broker, waiting = urlsplit(project_settings.REDIS_URL), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = threading.Thread(target=_stand_at_the_door, args=(listener, broker, waiting), daemon=True)
        door.start()
        login, at, _ = broker.netloc.rpartition("@")
        address = f"{login}{at}127.0.0.1:{listener.getsockname()[1]}"
        settings.CELERY_BROKER_URL = broker._replace(netloc=address).geturl()
        yield waiting


def _stand_at_the_door(listener, broker, waiting):
    forgotten, _ = listener.accept()
    waiting.set()
    with forgotten, contextlib.suppress(OSError):  # The listener is closed at the test's end.
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((broker.hostname, broker.port))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_carry, args=(source, target), daemon=True).start()


def _carry(source, target):
    with source, contextlib.suppress(OSError):
        while heard := source.recv(65536):
            target.sendall(heard)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_a_bell_of_its_own_though_its_parent_was_just_ringing(
    queue, broker_that_forgets_its_first_client, monkeypatch
):
    monkeypatch.setattr(doorbell, "SOCKET_SECONDS", 60.0)
    doorbell._doorbell.ring(TASK)
    assert broker_that_forgets_its_first_client.wait(timeout=10), "the parent's ring is on its way"
    child = os.fork()
    if child == 0:
        try:
            doorbell._doorbell.ring(TASK)
            heard = wait_for(1, queue=queue, seconds=20)
            os._exit(0 if heard == 1 and threading.active_count() == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
