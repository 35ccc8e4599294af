"""Marked personal data and secrets go through the main paths; no log line shows any of them."""

import io
import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from django.conf import settings as configured
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from bookings import access
from bookings.models import Booking
from bookings.tests.factories import SlotFactory
from config.logging import formatter
from core import outbox
from payments import handling, inbox, receipts, refunds, tasks
from payments.models import EventState, Payment, RefundCause, RefundState, WebhookEvent
from payments.tests import api_world
from payments.tests.shop import Shop

PERSON = {
    "name": "Zyxwina Markedname",
    "email": "zyxwina.marked@private.example",
    "phone": "(415) 555-2673",
    "street": "77 Markedstreet Row",
}
NOTES = "Markednote: allergic to walnuts"
WEBHOOK = "/api/stripe/webhook"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything logged from DEBUG up, as production writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter(development=False))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def logged(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def nothing_private(lines: io.StringIO, *also: str) -> None:
    secrets = [
        configured.SECRET_KEY,
        configured.STRIPE_SECRET_KEY,
        *configured.STRIPE_WEBHOOK_SECRETS,
        *configured.FIELD_ENCRYPTION_KEYS,
    ]
    marked = [*PERSON.values(), "Markedname", "4155552673", "555-2673", "walnuts", "marked", *secrets, *also]
    text = lines.getvalue()
    assert text, "something was logged"
    assert [mark for mark in marked if mark and mark.lower() in text.lower()] == []


def booked_by_api(shop: Shop) -> tuple[Booking, str]:
    api = APIClient(headers={"Idempotency-Key": "marked-idempotency-key"})
    answer = api.post(
        "/api/v1/bookings",
        api_world.wanted(shop.merchant, **PERSON, notes=NOTES),
        format="json",
        HTTP_USER_AGENT="markedbrowser",
        REMOTE_ADDR="203.0.113.77",
    )
    assert answer.status_code == 201, answer.content
    return Booking.objects.get(code=answer.json()["code"]), answer.json()["access_token"]


def test_booking_paying_refunding_and_their_mails_log_nothing_private(
    shop: Shop, client: Client, lines: io.StringIO
) -> None:
    booking, token = booked_by_api(shop)
    page = reverse("payments:booking", args=[booking.code])
    assert client.get(page, {"t": token, "token": token}).status_code < 500
    client.get(page, {"email": PERSON["email"], "name": PERSON["name"]})
    started = shop.start(booking)
    with pytest.raises(stripe.CardError):
        shop.confirm(started.payment, card="pm_card_chargeDeclined")
    shop.confirm(started.payment)
    for event in shop.events():
        assert shop.post(event) == 200
    handling.work_off(tasks.handle)
    payment = Payment.objects.get()
    assert payment.state == "succeeded"
    receipts.send_due()
    outbox.send_due()
    refund = refunds.request(
        payment=payment,
        amount_minor=5_000,
        cause=RefundCause.PRICE_REDUCTION,
        reason=f"{PERSON['name']} complained: {NOTES}",
        requested_by=None,
        actor="user:1",
    )
    shop.deliver()
    refund.refresh_from_db()
    assert refund.state == RefundState.SUCCEEDED
    assert started.client_secret
    nothing_private(lines, token, "203.0.113.77", started.client_secret)


def test_the_booking_form_sent_refused_and_priced_logs_nothing_private(
    shop: Shop, client: Client, lines: io.StringIO
) -> None:
    slot = SlotFactory.create(merchant=shop.merchant)
    typed = {
        "token": uuid.uuid4(),
        "slot": slot.public_id,
        "adults": "10",
        "children": "0",
        "menu": shop.menu.pk,
        "street": PERSON["street"],
        "city": "Markedville",
        "region": "CA",
        "postal_code": "94110",
        "contact_name": PERSON["name"],
        "contact_email": PERSON["email"],
        "contact_phone": PERSON["phone"],
        "notes": NOTES,
        "terms_accepted": "on",
    }
    assert client.post("/book/price", typed).status_code == 200
    assert client.post("/book/", {**typed, "adults": "marked"}).status_code == 422
    assert client.post("/book/", {**typed, "contact_email": "marked at nowhere"}).status_code == 422
    assert not Booking.objects.exists()
    answer = client.post("/book/", typed, headers={"User-Agent": "markedbrowser"}, REMOTE_ADDR="203.0.113.77")
    assert answer.status_code == 302
    booking = Booking.objects.get()
    assert booking.contact_name == PERSON["name"]
    outbox.send_due()
    assert any("/book/" in line.get("request", "") for line in logged(lines))
    nothing_private(lines, access.issue(booking), "203.0.113.77")


def test_errors_tell_where_and_what_kind_but_not_the_words(
    shop: Shop, client: Client, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        words = f"{PERSON} {NOTES} {configured.STRIPE_SECRET_KEY}"
        try:
            raise KeyError(words)
        except KeyError as error:
            raise RuntimeError(words) from error

    token = access.issue(shop.book())
    with monkeypatch.context() as patch:
        patch.setattr("django.template.loader.render_to_string", broken)
        answer = client.get("/", {"token": token, "email": PERSON["email"]})
    assert answer.status_code == 500
    (failure,) = [line for line in logged(lines) if line["event"] == "request_failed"]
    assert failure["request"] == "GET /"
    assert failure["request_id"] == answer.headers["X-Request-ID"]
    assert "builtins.RuntimeError" in failure["exception"]
    assert "in broken" in failure["exception"]
    nothing_private(lines, token)


def test_an_events_handling_carries_its_id_and_a_bug_in_it_tells_no_payload(
    shop: Shop, lines: io.StringIO
) -> None:
    def broken(event: WebhookEvent) -> handling.Handled:
        raise ValueError(f"{event.payload} {PERSON} {configured.STRIPE_WEBHOOK_SECRETS}")

    shop.stripe.v1.customers.create({"name": PERSON["name"], "email": PERSON["email"]})
    (event,) = [event for event in shop.events() if event["type"] == "customer.created"]
    assert shop.post(event) == 200
    assert handling.work_off(broken) == 1
    assert WebhookEvent.objects.get().state == EventState.FAILED
    (failure,) = [line for line in logged(lines) if line["logger"] == "payments.handling"]
    assert (failure["event_id"], failure["level"]) == (event["id"], "error")
    assert inbox.waiting().count() == 1
    nothing_private(lines)


def test_a_webhook_refused_or_not_stored_tells_no_body_or_secret(
    client: Client, lines: io.StringIO, shop: Shop
) -> None:
    body = json.dumps({"object": "event", "data": {"object": PERSON}})
    header = {"Stripe-Signature": "t=1,v1=markedsignature"}
    answer = client.post(WEBHOOK, data=body, content_type="application/json", headers=header)
    assert answer.status_code == 400
    assert [line["level"] for line in logged(lines) if line["logger"] == "payments.webhooks"] == ["warning"]
    nothing_private(lines)


def test_a_mail_that_cannot_be_sent_tells_no_address(
    shop: Shop, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    booked_by_api(shop)

    def refused(message: EmailMessage, *_: object, **__: object) -> int:
        raise OSError(f"550 {message.to} {PERSON['email']} unknown")

    monkeypatch.setattr(EmailMessage, "send", refused)
    shop.merchant.refresh_from_db()
    outbox.send_due()
    assert [line for line in logged(lines) if line["logger"] == "core.outbox"]
    nothing_private(lines)


def test_every_answered_request_has_an_id_and_is_logged_once_without_its_query(
    shop: Shop, client: Client, lines: io.StringIO
) -> None:
    first, second = client.get("/", {"ref": "marked"}), client.get("/no/such/page", {"ref": "marked"})
    told = [line for line in logged(lines) if line["event"] == "request_finished"]
    assert [(line["request"], line["code"]) for line in told] == [("GET /", 200), ("GET /no/such/page", 404)]
    assert [line["request_id"] for line in told] == [
        answer.headers["X-Request-ID"] for answer in (first, second)
    ]
    assert told[0]["request_id"] != told[1]["request_id"]
    assert "ip" not in told[0]
    assert "user_id" not in told[0]
    nothing_private(lines)


def test_whoever_logs_a_secret_or_an_address_it_is_masked(lines: io.StringIO, shop: Shop) -> None:
    token = access.issue(shop.book())
    logging.getLogger("anyone").error(
        "%s %s %s %s", PERSON["email"], configured.STRIPE_SECRET_KEY, "whsec_0a1b2c", f"/b/X?t={token}"
    )
    (line,) = [line for line in logged(lines) if line["logger"] == "anyone"]
    assert line["event"] == "[e-mail] [secret] [secret] /b/X?t=[token]"
