"""Card payments over HTTP, against the sandbox: our amounts, one charge, nobody else's payment."""

import uuid

import pytest
from django.core.cache import cache
from rest_framework.settings import api_settings
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from bookings.models import Booking, BookingState
from bookings.tests.factories import MerchantFactory
from core.models import IdempotencyRecord
from payments import receipts
from payments.models import Payment
from payments.tests.api_world import holder_of, staff_of
from payments.tests.shop import Shop

INTENT = "/api/v1/payments/create-intent"
SESSION = "/api/v1/payments/checkout-session"


@pytest.fixture(autouse=True)
def _fresh_throttles():
    cache.clear()


def usd(amount):
    return {"amount": amount, "currency": "usd"}


def another(shop, *, email):
    """A second booking, at the first one's time."""
    return shop.book(slot=shop.merchant.slots.get(), email=email)


def start(client, booking, *, at=INTENT, key=None, **more):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(at, {"booking": booking.code, **more}, format="json", headers=headers)


def test_a_deposit_is_paid_through_the_payment_element(shop: Shop):
    booking = shop.book()
    client = holder_of(booking)
    answer = start(client, booking, purpose="deposit")
    assert answer.status_code == 201
    body = answer.json()
    assert body["client_secret"].startswith("pi_")
    assert body["publishable_key"].startswith("pk_test_")
    shown = body["payment"]
    assert (shown["amount"], shown["fee"], shown["total"]) == (usd(10_000), usd(800), usd(10_800))
    assert (shown["booking"], shown["state"], shown["receipt"]) == (booking.code, "pending", None)

    shop.confirm(Payment.objects.get())
    shop.deliver()
    receipts.send_due()
    paid = client.get(f"/api/v1/payments/{shown['id']}").json()
    assert (paid["state"], paid["received"], paid["card_last4"]) == ("succeeded", usd(10_800), "4242")
    assert client.get(f"/api/v1/bookings/{booking.code}").json()["state"] == "confirmed"
    receipt = client.get(paid["receipt"])
    assert receipt.status_code == 200
    assert receipt["Content-Type"] == "application/pdf"
    assert receipt["Content-Disposition"].startswith("attachment")
    assert receipt.content.startswith(b"%PDF")
    assert start(client, booking).json()["payment"]["purpose"] == "balance"


def test_a_deposit_is_paid_through_checkout(shop: Shop):
    booking = shop.book()
    client = holder_of(booking)
    body = start(client, booking, at=SESSION, purpose="deposit").json()
    assert body["url"].startswith(shop.sandbox.url)
    shop.pay_hosted(Payment.objects.get())
    shop.deliver()
    [paid] = client.get(f"/api/v1/bookings/{booking.code}/payments").json()["results"]
    assert (paid["id"], paid["state"], paid["mode"]) == (body["payment"]["id"], "succeeded", "hosted")


def test_a_receipt_that_is_not_rendered_yet_says_so(shop: Shop):
    booking = shop.book()
    payment = shop.paid(booking)
    answer = holder_of(booking).get(
        f"/api/v1/payments/{payment.public_id}/receipt", headers={"Accept": "application/pdf"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "receipt_not_ready")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_declined_card_is_told_with_the_payment(shop: Shop):
    booking = shop.book()
    client = holder_of(booking)
    body = start(client, booking).json()
    with pytest.raises(Exception, match="insufficient funds"):
        shop.confirm(Payment.objects.get(), card="pm_card_chargeDeclinedInsufficientFunds")
    shop.deliver()
    payment = client.get(f"/api/v1/payments/{body['payment']['id']}").json()
    assert payment["state"] == "pending"
    assert [(one["code"], one["decline_code"]) for one in payment["attempts"]] == [
        ("card_declined", "insufficient_funds")
    ]


def test_starting_twice_is_one_payment_at_stripe(shop: Shop):
    booking = shop.book()
    client = holder_of(booking)
    first, second = start(client, booking).json(), start(client, booking).json()
    assert first["payment"]["id"] == second["payment"]["id"]
    assert first["client_secret"] == second["client_secret"]
    assert len(shop.stripe.v1.payment_intents.list().data) == 1


@pytest.mark.parametrize(("at", "secret"), [(INTENT, "client_secret"), (SESSION, "url")])
def test_a_repeated_request_fetches_the_secret_anew_and_stores_none(shop: Shop, at, secret):
    booking = shop.book()
    client, key = holder_of(booking), str(uuid.uuid4())
    first, second = start(client, booking, at=at, key=key), start(client, booking, at=at, key=key)
    assert second["Idempotent-Replayed"] == "true"
    assert second.json() == first.json()
    assert first.json()[secret] not in str(IdempotencyRecord.objects.values())
    other_body = start(client, booking, at=at, key=key, purpose="deposit")
    assert (other_body.status_code, other_body.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(("at", "secret"), [(INTENT, "client_secret"), (SESSION, "url")])
def test_a_repeat_after_the_payment_shows_no_secret(shop: Shop, at, secret):
    booking = shop.book()
    client, key = holder_of(booking), str(uuid.uuid4())
    start(client, booking, at=at, key=key)
    payment = Payment.objects.get()
    shop.confirm(payment) if at == INTENT else shop.pay_hosted(payment)
    shop.deliver()
    repeated = start(client, booking, at=at, key=key)
    assert (repeated.status_code, repeated.json()[secret]) == (201, None)


@pytest.mark.parametrize(
    "sent",
    [
        {"amount": 1},
        {"amount": 10_800},
        {"amount": "10000"},
        {"amount": 10_000.0},
        {"amount": True},
        {"amount": {"amount": 10_000, "currency": "eur"}},
        {"total": 10_000},
        {"currency": "eur"},
        {"line_items": [{"amount": 1}]},
        {"line_items": []},
        {"line_items": "all"},
        {"line_items": [{"price_data": {"currency": "usd", "unit_amount": 5_400}, "quantity": 1}]},
    ],
)
@pytest.mark.parametrize("at", [INTENT, SESSION])
def test_an_amount_that_is_not_ours_is_refused_and_nothing_is_started(shop: Shop, at, sent):
    booking = shop.book()
    answer = start(holder_of(booking), booking, at=at, purpose="deposit", **sent)
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_mismatch")
    assert (answer.json()["amount"], answer.json()["total"]) == (usd(10_000), usd(10_800))
    assert not Payment.objects.exists()
    assert shop.stripe.v1.payment_intents.list().data == []


@pytest.mark.parametrize(
    "sent",
    [
        {"amount": 10_000, "currency": "usd"},
        {"amount": {"amount": 10_000, "currency": "usd"}, "total": 10_800},
        {"line_items": [{"amount": 10_000}, {"amount": 800, "quantity": 1}]},
        {"line_items": [{"price_data": {"currency": "usd", "unit_amount": 5_400}, "quantity": 2}]},
    ],
)
def test_an_amount_that_is_ours_is_accepted(shop: Shop, sent):
    booking = shop.book()
    assert start(holder_of(booking), booking, purpose="deposit", **sent).status_code == 201


def test_what_cannot_be_paid_is_refused_in_words(shop: Shop):
    booking = shop.book()
    client = holder_of(booking)
    not_yet = start(client, booking, purpose="balance")
    assert (not_yet.status_code, not_yet.json()["code"]) == (409, "nothing_to_pay")
    assert start(client, booking, purpose="tip").status_code == 422
    assert client.post(INTENT, {}, format="json").status_code == 422
    Booking.objects.update(state=BookingState.EXPIRED)
    ended = start(client, booking)
    assert (ended.status_code, ended.json()["code"]) == (409, "hold_ended")
    assert not Payment.objects.exists()


def test_stripe_not_answering_is_503_and_the_key_may_be_used_again(shop: Shop, settings):
    booking = shop.book()
    client, key = holder_of(booking), str(uuid.uuid4())
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    answer = start(client, booking, key=key)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    settings.STRIPE_API_BASE = shop.sandbox.url
    assert start(client, booking, key=key).status_code == 201
    assert len(shop.stripe.v1.payment_intents.list().data) == 1


@pytest.mark.parametrize(
    "who", ["nobody", "another customer", "a viewer", "another merchant's staff", "a superuser"]
)
def test_a_stranger_starts_no_payment(shop: Shop, who):
    booking = shop.book()
    other = another(shop, email="other@example.com")
    client = {
        "nobody": APIClient,
        "another customer": lambda: holder_of(other),
        "a viewer": lambda: staff_of(shop.merchant, role="viewer"),
        "another merchant's staff": lambda: staff_of(MerchantFactory.create(), role="owner"),
        "a superuser": lambda: staff_of(None, is_superuser=True),
    }[who]()
    assert start(client, booking).status_code == 404
    assert not Payment.objects.exists()


@pytest.mark.parametrize("who", ["nobody", "another customer", "another merchant's staff", "a superuser"])
@pytest.mark.parametrize("tail", ["", "/receipt"])
def test_for_a_stranger_a_payment_does_not_exist(shop: Shop, who, tail):
    payment = shop.paid(shop.book())
    other = another(shop, email="other@example.com")
    client = {
        "nobody": APIClient,
        "another customer": lambda: holder_of(other),
        "another merchant's staff": lambda: staff_of(MerchantFactory.create(), role="owner"),
        "a superuser": lambda: staff_of(None, is_superuser=True),
    }[who]()
    answer = client.get(f"/api/v1/payments/{payment.public_id}{tail}")
    assert answer.status_code == 404
    assert client.get(f"/api/v1/payments/{uuid.uuid4()}{tail}").json() == answer.json()


def test_staff_see_their_merchants_payments_filtered_and_a_customer_theirs(shop: Shop):
    mine, other = shop.book(), another(shop, email="other@example.com")
    paid = shop.paid(mine)
    waiting = shop.start(other).payment
    staff = staff_of(shop.merchant, role="viewer")

    def ids(client, **query):
        return [one["id"] for one in client.get("/api/v1/payments", query).json()["results"]]

    assert ids(staff) == [str(waiting.public_id), str(paid.public_id)]
    assert ids(staff, state="succeeded") == [str(paid.public_id)]
    assert ids(staff, booking=other.code) == [str(waiting.public_id)]
    assert ids(staff, method="zelle") == []
    assert ids(holder_of(mine)) == [str(paid.public_id)]
    assert APIClient().get("/api/v1/payments").status_code == 401
    assert staff_of(None).get("/api/v1/payments").status_code == 403
    assert staff.get("/api/v1/payments", {"state": "lost"}).status_code == 422


def test_a_list_of_payments_costs_the_same_sql_for_one_and_for_many(shop: Shop, django_assert_num_queries):
    staff = staff_of(shop.merchant)
    shop.paid(shop.book())
    staff.get("/api/v1/payments")
    with django_assert_num_queries(4):
        staff.get("/api/v1/payments")
    for number in range(3):
        shop.start(another(shop, email=f"guest{number}@example.com"))
    with django_assert_num_queries(4):
        assert len(staff.get("/api/v1/payments").json()["results"]) == 4


def test_starting_payments_is_throttled(shop: Shop, monkeypatch):
    rates = {**api_settings.DEFAULT_THROTTLE_RATES, "payment": "1/min"}
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", rates)
    booking = shop.book()
    client = holder_of(booking)
    assert [start(client, booking).status_code for _ in range(2)] == [201, 429]
