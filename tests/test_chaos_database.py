"""The database drops its connections while workers and pages are at it."""

import pytest
from django.db import connection, transaction

from payments import handling
from payments.models import EventState, WebhookEvent
from payments.tests.stripe_events import in_threads, make_endpoint, make_event, post

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _no_bell(settings):
    settings.DOORBELL_ENABLED = False


def cut_off() -> None:
    """End this thread's connection at the server."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    def end(_number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    in_threads(end, count=1)


@pytest.mark.parametrize("inside", [True, False], ids=["inside a transaction", "between transactions"])
def test_a_connection_lost_in_the_middle_fails_its_event_alone_and_soon_comes_again(inside: bool):
    make_endpoint()
    events = [make_event() for _ in range(3)]
    for event in events:
        post(event)
    handled: list[str] = []

    def handle(event: WebhookEvent) -> handling.Handled:
        if event.stripe_event_id == events[0]["id"] and event.attempts == 1:
            if inside:
                with transaction.atomic():
                    cut_off()
                    WebhookEvent.objects.count()
            cut_off()
            WebhookEvent.objects.count()
        handled.append(event.stripe_event_id)
        return handling.Handled("Done")

    assert handling.work_off(handle) == 3
    lost = WebhookEvent.objects.get(stripe_event_id=events[0]["id"])
    assert (lost.state, lost.lease_until) == (EventState.FAILED, None)
    WebhookEvent.objects.filter(pk=lost.pk).update(due_at=lost.received_at)
    assert handling.work_off(handle) == 1
    assert sorted(handled) == sorted(event["id"] for event in events)
    assert not WebhookEvent.objects.exclude(state=EventState.HANDLED).exists()
