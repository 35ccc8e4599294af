import json
import logging
import time
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payments import endpoints, inbox, webhooks
from payments.models import EventState, WebhookEndpoint, WebhookEvent
from payments.tests.stripe_events import SECRET, make_endpoint, make_event, post, signature

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_cold_cache():
    endpoints.forget()
    yield
    endpoints.forget()


@pytest.fixture
def endpoint() -> WebhookEndpoint:
    return make_endpoint()


def code(answer: HttpResponse) -> str:
    assert answer["Content-Type"] == "application/problem+json"
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code
    assert body["detail"]
    return str(body["code"])


def refused(answer: HttpResponse, *, status: int) -> str:
    """The refusal's code, after making sure that nothing was stored."""
    assert answer.status_code == status
    assert not WebhookEvent.objects.exists()
    return code(answer)


def test_a_signed_event_is_stored_as_it_came(endpoint):
    event = make_event(type="charge.succeeded", account="acct_1Other", livemode=True)
    answer = post(event)
    assert answer.status_code == 200
    row = WebhookEvent.objects.get()
    assert row.endpoint_id == endpoint.pk
    assert row.payload == event
    assert (row.stripe_event_id, row.type, row.account) == (event["id"], "charge.succeeded", "acct_1Other")
    assert (row.livemode, row.api_version) == (True, event["api_version"])
    assert row.stripe_created.timestamp() == event["created"]
    assert (row.state, row.deliveries, row.attempts) == (EventState.PENDING, 1, 0)


def test_a_delivery_costs_one_statement(endpoint):
    post(make_event())
    with CaptureQueriesContext(connection) as queries:
        assert post(make_event()).status_code == 200
    assert len(queries) == 1, [query["sql"] for query in queries]


def test_no_other_middleware_runs_and_no_cookie_is_set(endpoint):
    answer = post(make_event())
    assert not answer.cookies
    assert "Content-Security-Policy" not in answer
    assert "X-Frame-Options" not in answer


def test_other_paths_pass_through_the_middleware(endpoint):
    assert Client().get("/api/stripe/webhooks").status_code == 404
    assert Client().post("/api/stripe/webhook/a/b").status_code in (403, 404)


def test_the_doorbell_rings_after_the_row_is_there(endpoint, django_capture_on_commit_callbacks):
    with mock.patch("core.doorbell._doorbell.ring") as ring, django_capture_on_commit_callbacks(execute=True):
        post(make_event())
    ring.assert_called_once_with(inbox.HANDLE_TASK)


def test_a_second_delivery_is_counted_and_stores_nothing_new(endpoint):
    event = make_event()
    assert post(event).status_code == 200
    assert post({**event, "type": "charge.failed"}).status_code == 200
    row = WebhookEvent.objects.get()
    assert row.deliveries == 2
    assert row.payload == event


@pytest.mark.parametrize(("before", "after"), [("failed", "failed"), ("dead", "failed")])
def test_a_resent_event_that_had_failed_is_due_again(endpoint, before, after):
    event = make_event()
    post(event)
    later = WebhookEvent.objects.get().due_at.replace(year=2099)
    WebhookEvent.objects.update(state=before, due_at=later, attempts=12, last_error="Boom")
    post(event)
    row = WebhookEvent.objects.get()
    assert (row.state, row.deliveries) == (after, 2)
    assert [claimed.pk for claimed in inbox.claim()] == [row.pk]


def test_a_resent_event_that_was_handled_stays_handled(endpoint):
    event = make_event()
    post(event)
    (claimed,) = inbox.claim()
    inbox.finish(claimed, outcome="Done")
    post(event)
    row = WebhookEvent.objects.get()
    assert (row.state, row.outcome, row.deliveries) == (EventState.HANDLED, "Done", 2)
    assert inbox.claim() == []


def test_a_resent_event_is_not_given_out_twice_while_a_worker_has_it(endpoint):
    event = make_event()
    post(event)
    inbox.fail(inbox.claim()[0], error="Boom")
    WebhookEvent.objects.update(due_at="2020-01-01T00:00:00Z")
    assert len(inbox.claim()) == 1
    post(event)
    assert inbox.claim() == []


def test_one_event_posted_to_two_endpoints_is_two_rows(endpoint):
    other = make_endpoint(slug="other", is_default=False, secrets="whsec_other")
    event = make_event()
    post(event)
    assert post(event, path="/api/stripe/webhook/other", secret="whsec_other").status_code == 200
    assert set(WebhookEvent.objects.values_list("endpoint_id", flat=True)) == {endpoint.pk, other.pk}


def test_a_merchant_is_named_by_slug_or_by_public_id(endpoint):
    merchant = endpoint.gateway_account.merchant
    assert post(make_event(), path=f"/api/stripe/webhook/{merchant.slug}").status_code == 200
    assert post(make_event(), path=f"/api/stripe/webhook/{merchant.public_id}").status_code == 200
    assert WebhookEvent.objects.count() == 2


def test_one_merchants_secret_does_not_open_anothers_endpoint(endpoint):
    make_endpoint(slug="other", is_default=False, secrets="whsec_other")
    answer = post(make_event(), path="/api/stripe/webhook/other", secret=SECRET)
    assert refused(answer, status=400) == "bad_signature"


def test_an_endpoint_without_secrets_uses_the_settings(settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_newest", "whsec_older"]
    make_endpoint(secrets="")
    assert post(make_event(), secret="whsec_older").status_code == 200
    assert post(make_event(), secret=SECRET).status_code == 400


def test_both_secrets_are_believed_while_one_is_being_rotated(endpoint):
    endpoint.secrets = "whsec_new\n" + SECRET
    endpoint.save()
    assert post(make_event(), secret="whsec_new").status_code == 200
    assert post(make_event(), secret=SECRET).status_code == 200


def test_a_new_secret_is_believed_at_once_and_a_removed_one_soon_no_longer(endpoint, monkeypatch):
    monkeypatch.setattr(endpoints, "ANEW_SECONDS", 0.0)
    assert post(make_event()).status_code == 200
    endpoint.secrets = "whsec_new"
    endpoint.save()
    assert post(make_event(), secret="whsec_new").status_code == 200
    assert post(make_event(), secret=SECRET).status_code == 400


def test_forged_deliveries_do_not_each_cost_a_query(endpoint, monkeypatch):
    monkeypatch.setattr(endpoints, "ANEW_SECONDS", 60.0)
    monkeypatch.setattr(endpoints, "TTL_SECONDS", 60.0)
    post(make_event(), secret="whsec_forged")
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            assert post(make_event(), secret="whsec_forged").status_code == 400
            assert post(make_event(), path="/api/stripe/webhook/nobody").status_code == 404
    assert len(queries) <= 1


def test_an_altered_body_is_refused(endpoint):
    body = json.dumps(make_event()).encode()
    answer = post(body.replace(b"prod_1", b"prod_2"), header=signature(body))
    assert refused(answer, status=400) == "bad_signature"


@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=abc", "t=x,v1=abc", "nonsense", "t=1,v1=é", "t=1,v1=", "=,,="]
)
def test_a_header_that_is_no_signature_is_refused(endpoint, header):
    assert refused(post(make_event(), header=header), status=400) == "bad_signature"


def test_a_signature_of_ten_minutes_ago_is_refused_as_stale(endpoint):
    body = json.dumps(make_event()).encode()
    answer = post(body, header=signature(body, timestamp=int(time.time()) - 600))
    assert refused(answer, status=400) == "stale_timestamp"


def test_a_thin_event_is_refused_in_words(endpoint):
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered"}
    answer = post(thin)
    assert refused(answer, status=400) == "thin_event"
    assert b"snapshot" in answer.content


@pytest.mark.parametrize("body", [b"", b"{", b"not json", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(endpoint, body):
    assert refused(post(body), status=400) in ("unparsable", "bad_signature")


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        "event",
        make_event(livemode="no"),
        make_event(created="today"),
        make_event(created=True),
        make_event(created=10**18),
        make_event(data=None),
        make_event(data={"object": "charge"}),
        make_event(id="e" * 256),
        make_event(type="t" * 121),
        make_event(account=5),
    ],
)
def test_json_that_is_no_event_is_refused(endpoint, event):
    assert refused(post(json.dumps(event).encode()), status=400) == "not_an_event"


def test_a_body_larger_than_one_megabyte_is_refused(endpoint):
    event = make_event(object={"id": "prod_1", "object": "product", "name": "x" * webhooks.MAX_BODY_BYTES})
    assert refused(post(event), status=413) == "too_large"


def test_nobody_lives_at_an_unknown_address():
    assert refused(post(make_event()), status=404) == "unknown_endpoint"
    assert refused(post(make_event(), path="/api/stripe/webhook/nobody"), status=404) == "unknown_endpoint"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_methods_are_told_to_post(endpoint, method):
    answer = getattr(Client(), method)("/api/stripe/webhook")
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["nul \x00 byte", "half \ud83d surrogate"])
def test_characters_that_jsonb_refuses_lose_no_event(name):
    make_endpoint()
    event = make_event(object={"id": "prod_1", "object": "product", "name": name})
    assert post(event).status_code == 200
    assert WebhookEvent.objects.get().payload["data"]["object"]["name"].startswith(name[:4])


def test_stripe_is_asked_to_come_again_when_the_database_does_not_answer(endpoint, caplog):
    with mock.patch("payments.inbox.receive", side_effect=OperationalError("gone; row (4242)")):
        answer = post(make_event())
    assert answer.status_code == 503
    assert code(answer) == "unavailable"
    assert "4242" not in caplog.text


def test_no_payload_reaches_a_log(endpoint, caplog):
    caplog.set_level(logging.DEBUG)
    secret_name = "Ada Lovelace-Testperson"
    event = make_event(object={"id": "prod_1", "object": "product", "name": secret_name})
    post(event)
    post(event, secret="whsec_forged")
    post(make_event(object={"name": secret_name}, created="x"))
    text = " ".join(record.getMessage() for record in caplog.records if record.name != "django.db.backends")
    assert secret_name not in text
