from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core import clock, doorbell
from core.errors import ConcurrentChange, Conflict, Unavailable
from payments import handling, inbox
from payments.handling import Handled
from payments.models import EventState, WebhookEvent
from payments.tests.stripe_events import in_threads, make_endpoint, make_event, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(settings):
    settings.DOORBELL_ENABLED = False


def deliver(count: int) -> list[WebhookEvent]:
    make_endpoint()
    for _ in range(count):
        assert post(make_event()).status_code == 200
    return list(WebhookEvent.objects.order_by("id"))


def end_leases() -> None:
    """As if the worker had died and its lease had run out."""
    past = clock.now() - timedelta(seconds=1)
    WebhookEvent.objects.filter(lease_until__isnull=False).update(lease_until=past, due_at=past)


def reread(event: WebhookEvent) -> WebhookEvent:
    return WebhookEvent.objects.get(pk=event.pk)


def done(_event: WebhookEvent) -> Handled:
    return Handled("Done")


def test_a_claim_takes_the_longest_due_first_with_what_handling_needs():
    events = deliver(3)
    WebhookEvent.objects.filter(pk=events[2].pk).update(due_at=clock.now() - timedelta(hours=1))
    claimed = inbox.claim(batch=2)
    assert [event.pk for event in claimed] == [events[2].pk, events[0].pk]
    assert {event.attempts for event in claimed} == {1}
    with CaptureQueriesContext(connection) as queries:
        assert {event.endpoint.gateway_account.merchant.name for event in claimed}
    assert not queries


def test_claiming_costs_two_statements_whatever_the_batch():
    deliver(5)
    with CaptureQueriesContext(connection) as queries:
        assert len(inbox.claim(batch=5)) == 5
    assert len(queries) == 2


def test_what_one_worker_has_no_other_gets():
    deliver(3)
    assert len(inbox.claim()) == 3
    assert inbox.claim() == []


def test_the_rows_of_a_worker_that_died_come_due_by_themselves():
    deliver(1)
    (first,) = inbox.claim()
    end_leases()
    (second,) = inbox.claim()
    assert second.pk == first.pk
    assert second.attempts == 2


def test_a_worker_whose_lease_ran_out_cannot_overwrite_anothers_result():
    deliver(1)
    (late,) = inbox.claim()
    end_leases()
    (owner,) = inbox.claim()
    assert not inbox.finish(late, outcome="Late")
    assert not inbox.fail(late, error="Late")
    assert not inbox.postpone(late, reason="Late")
    assert not inbox.release(late)
    assert inbox.finish(owner, outcome="Mine")
    assert not inbox.finish(late, outcome="Late again")
    assert (reread(owner).state, reread(owner).outcome) == (EventState.HANDLED, "Mine")


def test_a_finished_event_is_stamped():
    (event,) = deliver(1)
    assert handling.work_off(done) == 1
    row = reread(event)
    assert (row.state, row.outcome, row.lease_until, row.last_error) == (EventState.HANDLED, "Done", None, "")
    assert row.handled_at is not None
    assert handling.work_off(done) == 0


def test_an_event_of_a_type_nobody_cares_for_is_ignored_by_name():
    (event,) = deliver(1)
    handling.work_off(lambda _: Handled("Nobody handles product.created", ignored=True))
    assert reread(event).state == EventState.IGNORED


@pytest.mark.parametrize("wait", [handling.MustWait("The payment"), ConcurrentChange(), Unavailable()])
def test_an_event_that_must_wait_is_no_failure_and_uses_no_attempt(wait):
    (event,) = deliver(1)

    def handle(_event):
        raise wait

    handling.work_off(handle)
    row = reread(event)
    assert (row.state, row.attempts, row.last_error) == (EventState.PENDING, 0, "")
    assert row.outcome.startswith("Waits: ")
    assert timedelta(seconds=1) < row.due_at - clock.now() <= inbox.POSTPONE_MIN


def test_waiting_grows_with_the_events_age_and_fails_in_the_end():
    (event,) = deliver(1)
    WebhookEvent.objects.update(received_at=clock.now() - timedelta(minutes=10))
    inbox.postpone(inbox.claim()[0], reason="its payment")
    wait = reread(event).due_at - clock.now()
    assert timedelta(minutes=4) < wait < timedelta(minutes=6)
    WebhookEvent.objects.update(received_at=clock.now() - timedelta(days=4), due_at=clock.now())
    inbox.postpone(inbox.claim()[0], reason="its payment")
    assert (reread(event).state, reread(event).last_error) == (
        EventState.FAILED,
        "Waited in vain: its payment",
    )


def test_a_bug_in_one_event_is_told_and_does_not_stop_the_others(caplog):
    events = deliver(3)

    def handle(event):
        if event.pk == events[1].pk:
            raise KeyError("amount")
        return Handled("Done")

    assert handling.work_off(handle) == 3
    assert [reread(event).state for event in events] == ["handled", "failed", "handled"]
    row = reread(events[1])
    assert row.last_error.startswith("KeyError: 'amount'")
    assert "in handle" in row.last_error
    assert "in handle" in caplog.text
    assert row.due_at > clock.now() + timedelta(seconds=5)


def test_what_a_database_message_quotes_of_a_row_reaches_neither_log_nor_row(caplog):
    (event,) = deliver(1)
    name = "".join(["ada", "@", "x.y"])

    def handle(_event):
        with transaction.atomic():
            WebhookEvent.objects.filter(pk=event.pk).update(state=name)

    with pytest.raises(IntegrityError, match=name):
        handle(event)
    handling.work_off(handle)
    row = reread(event)
    assert row.state == EventState.FAILED
    assert row.last_error.startswith("IntegrityError: new row")
    assert name not in row.last_error
    assert name not in caplog.text


def test_a_refusal_is_tried_again_and_given_up_after_twelve_attempts():
    (event,) = deliver(1)

    def handle(_event):
        raise Conflict("Impossible news")

    for _ in range(inbox.MAX_ATTEMPTS):
        assert reread(event).state != EventState.DEAD
        WebhookEvent.objects.update(due_at=clock.now())
        assert handling.work_off(handle) == 1
    row = reread(event)
    assert (row.state, row.attempts) == (EventState.DEAD, inbox.MAX_ATTEMPTS)
    assert row.last_error == "Conflict: Impossible news"
    WebhookEvent.objects.update(due_at=clock.now())
    assert inbox.claim() == []


def test_an_unacceptable_event_is_left_to_a_person_at_once():
    (event,) = deliver(1)

    def handle(_event):
        raise handling.Unacceptable("Another account's object")

    handling.work_off(handle)
    assert (reread(event).state, reread(event).attempts) == (EventState.DEAD, 1)


def test_twelve_attempts_take_about_two_days():
    pauses = [inbox.backoff(attempts=number) for number in range(1, inbox.MAX_ATTEMPTS)]
    assert timedelta(seconds=8) <= pauses[0] <= timedelta(seconds=12)
    assert timedelta(days=1.4) < sum(pauses, timedelta()) < timedelta(days=2.3)


def test_a_run_that_is_over_gives_the_rest_back_and_rings_again(monkeypatch):
    events = deliver(3)
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    assert handling.work_off(done, seconds=0) == 0
    assert rung == [inbox.HANDLE_TASK]
    assert [reread(event).attempts for event in events] == [0, 0, 0]
    assert len(inbox.claim()) == 3


def test_no_event_is_begun_when_its_lease_is_nearly_over():
    deliver(1)
    (event,) = inbox.claim(lease_seconds=handling.SPARE_SECONDS - 1)
    assert not inbox.mine_still(event, spare_seconds=handling.SPARE_SECONDS)


def test_a_person_can_have_events_handled_again():
    events = deliver(3)
    handling.work_off(done)
    WebhookEvent.objects.filter(pk=events[0].pk).update(state=EventState.DEAD, attempts=12)
    assert inbox.replay(event_ids=[events[0].pk, events[1].pk]) == 2
    assert {event.pk for event in inbox.claim()} == {events[0].pk, events[1].pk}
    assert inbox.replay(event_ids=[events[0].pk]) == 0, "a worker has it"


@pytest.mark.django_db(transaction=True)
def test_workers_never_get_the_same_row():
    deliver(40)

    def work(_number):
        mine = []
        while claimed := inbox.claim(batch=3):
            mine += [event.pk for event in claimed]
        return mine

    given_out = [pk for mine in in_threads(work, count=8) for pk in mine]
    assert len(given_out) == len(set(given_out)) == 40


@pytest.mark.django_db(transaction=True)
def test_eight_threads_posting_one_event_leave_one_row():
    make_endpoint()
    event = make_event()
    statuses = in_threads(lambda _: post(event).status_code, count=8)
    assert statuses == [200] * 8
    assert WebhookEvent.objects.get().deliveries == 8


@pytest.mark.django_db(transaction=True)
def test_events_delivered_and_worked_off_by_many_at_once_are_each_handled_once():
    """dj-stripe/dj-stripe#2161, #1267: no IntegrityError, no deadlock."""
    make_endpoint()
    events = [make_event() for _ in range(12)]
    seen: list[str] = []

    def handle(event):
        seen.append(event.stripe_event_id)
        return Handled("Done")

    def work(number):
        if number % 2:
            return handling.work_off(handle)
        return [post(event).status_code for event in events]

    in_threads(work, count=6)
    handling.work_off(handle)
    assert sorted(seen) == sorted(event["id"] for event in events)
    assert set(WebhookEvent.objects.values_list("state", "deliveries")) == {("handled", 3)}
