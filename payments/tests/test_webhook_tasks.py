import pytest
from djstripe import models as djstripe

from config.celery import app
from config.schedule import BEAT_SCHEDULE
from core import outbox
from payments import endpoints, events, inbox, receipts, tasks
from payments.models import EventState, WebhookEndpoint, WebhookEvent
from payments.tests.stripe_events import ACCOUNT_ID, in_threads, make_endpoint, make_event, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_bell_and_a_cold_cache(settings):
    settings.DOORBELL_ENABLED = False
    endpoints.forget()


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    return make_endpoint()


def customer(**more: object) -> dict[str, object]:
    return {"id": "cus_1", "object": "customer", "email": "guest@example.com", **more}


def handled(**event: object) -> WebhookEvent:
    told = make_event(**event)  # type: ignore[arg-type]
    assert post(told).status_code == 200
    assert tasks.handle_events() == 1
    return WebhookEvent.objects.get(stripe_event_id=told["id"])


def test_an_event_that_only_the_mirror_needs_is_mirrored_and_ignored_by_name(endpoint):
    row = handled(type="customer.created", object=customer())
    assert (row.state, row.outcome) == (EventState.IGNORED, "ignored: mirrored only")
    assert djstripe.Customer.objects.get().email == "guest@example.com"


def test_an_event_of_an_unknown_type_is_stored_and_ignored_by_name(endpoint):
    row = handled(type="climate.order.created", object={"id": "climorder_1", "object": "climate.order"})
    assert (row.state, row.outcome) == (EventState.IGNORED, "ignored: not needed")


def test_a_test_event_on_a_live_endpoint_changes_nothing_and_is_left_to_a_person(endpoint):
    endpoint.gateway_account.secret_key = "sk_live_" + "0" * 24
    endpoint.gateway_account.save()
    row = handled(type="charge.succeeded", object={"id": "ch_1", "object": "charge", "amount": 1})
    assert row.state == EventState.DEAD
    assert "mode" in row.last_error
    assert not djstripe.Charge.objects.exists()


def test_an_event_about_another_accounts_object_is_left_to_a_person(endpoint):
    handled(type="customer.created", object=customer())
    make_endpoint(slug="other", is_default=False, secrets="whsec_other", account_id="acct_other")
    forged = make_event(
        type="customer.updated", object=customer(email="forged@example.com"), created=2_000_000_000
    )
    assert post(forged, path="/api/stripe/webhook/other", secret="whsec_other").status_code == 200
    tasks.handle_events()
    row = WebhookEvent.objects.get(stripe_event_id=forged["id"])
    assert (row.state, row.last_error) == (
        EventState.DEAD,
        "Not mirrored and not handled: the row belongs to another account.",
    )
    stored = djstripe.Customer.objects.get()
    assert (stored.email, stored.djstripe_owner_account_id) == ("guest@example.com", ACCOUNT_ID)


def test_what_beat_schedules_and_the_doorbell_rings_are_tasks_that_exist():
    app.loader.import_default_modules()
    rung = {inbox.HANDLE_TASK, receipts.SEND_TASK, events.READ_BALANCE_TASK, outbox.SEND_TASK}
    assert rung | {entry["task"] for entry in BEAT_SCHEDULE.values()} <= set(app.tasks)
    assert rung <= set(BEAT_SCHEDULE), "what a lost message leaves is swept up"


def test_a_swept_message_that_nobody_took_in_time_is_dropped():
    for entry in BEAT_SCHEDULE.values():
        assert 0 < entry["options"]["expires"] <= entry["schedule"].total_seconds()


@pytest.mark.django_db(transaction=True)
def test_one_worker_at_a_time_asks_stripe():
    with tasks.alone("test") as first:
        assert first
        assert in_threads(lambda _: _try("test"), count=2) == [False, False]
        assert in_threads(lambda _: _try("another"), count=1) == [True]
    assert in_threads(lambda _: _try("test"), count=1) == [True]


def _try(name: str) -> bool:
    with tasks.alone(name) as mine:
        return mine
