"""Idempotency-Key: the same answer again, one effect, nobody else's answer, no stored secret."""

import threading
import time
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from core import clock, idempotency, tasks
from core.errors import Conflict, Unavailable
from core.idempotency import idempotent
from core.models import IdempotencyRecord

effects: list[str] = []
refusals: list[Exception] = []
slow = threading.Event()


class OrdersView(APIView):
    permission_classes = [AllowAny]
    merchant_id = 0

    @idempotent(route="orders")
    def post(self, request, number=0):
        if refusals:
            raise refusals.pop()
        effects.append(request.data["dish"])
        if slow.is_set():
            time.sleep(0.5)
        return Response({"order": len(effects)}, status=201)


def fetch_secret(view, request, stored):
    return {**stored, "client_secret": f"secret of {stored['order']}, fetched again"}


class SecretView(APIView):
    permission_classes = [AllowAny]

    @idempotent(route="secrets", secrets=("client_secret",), refresh=fetch_secret)
    def post(self, request):
        effects.append("secret")
        return Response({"order": len(effects), "client_secret": "hush"}, status=201)


class ScopedView(OrdersView):
    def idempotency_scope(self, request):
        return f"booking:{request.headers['X-Booking']}", int(request.headers["X-Merchant"])

    post = OrdersView.post


urlpatterns = [
    path("orders", OrdersView.as_view()),
    path("orders/<int:number>", OrdersView.as_view()),
    path("secrets", SecretView.as_view()),
    path("scoped", ScopedView.as_view()),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _clean():
    effects.clear()
    refusals.clear()
    slow.clear()


def order(key="k" * 20, dish="soup", *, client=None, where="/orders", **headers):
    client = client or APIClient(raise_request_exception=False)
    return client.post(where, {"dish": dish}, format="json", headers={"Idempotency-Key": key, **headers})


def test_without_a_key_each_request_has_its_effect():
    client = APIClient()
    for _ in range(2):
        assert client.post("/orders", {"dish": "soup"}, format="json").status_code == 201
    assert len(effects) == 2


def test_a_repeat_gets_the_first_answer_and_has_no_effect():
    first, second = order(), order()
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (201, {"order": 1})
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert effects == ["soup"]


def test_member_order_in_the_body_does_not_matter():
    client = APIClient()
    bodies = ('{"dish": "soup", "size": 1}', '{"size":1,"dish":"soup"}')
    answers = [
        client.post("/orders", body, content_type="application/json", headers={"Idempotency-Key": "k" * 20})
        for body in bodies
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert effects == ["soup"]


@pytest.mark.parametrize(("where", "dish"), [("/orders", "fish"), ("/orders/2", "soup")])
def test_the_same_key_for_another_request_is_refused(where, dish):
    order()
    refused = order(dish=dish, where=where)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert effects == ["soup"]


def test_another_person_with_the_same_key_gets_no_answer_of_mine(db):
    people = [User.objects.create_user(name) for name in ("one", "two")]
    answers = []
    for person in people:
        client = APIClient()
        client.force_authenticate(person)
        answers.append(order("short", client=client).json())
    assert answers == [{"order": 1}, {"order": 2}]


def test_a_view_may_say_who_asks_and_for_which_merchant():
    for booking, merchant in (("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")):
        order(where="/scoped", **{"X-Booking": booking, "X-Merchant": merchant})
    assert len(effects) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "tiny", "ümlaut-ümlaut-ümlaut"])
def test_a_key_that_cannot_serve_is_refused(key):
    refused = order(key)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert effects == []


def test_a_refusal_is_repeated_too():
    refusals.append(Conflict("Sold out.", code="sold_out"))
    first, second = order(), order()
    assert first.status_code == second.status_code == 409
    assert first.json() == second.json()
    assert second["Content-Type"] == "application/problem+json"
    assert second["Idempotent-Replayed"] == "true"
    assert effects == []


@pytest.mark.parametrize("failure", [Unavailable(), ZeroDivisionError()])
def test_a_server_error_gives_the_key_back(failure):
    refusals.append(failure)
    assert order().status_code >= 500
    assert not IdempotencyRecord.objects.exists()
    assert order().status_code == 201
    assert effects == ["soup"]


def test_a_secret_is_not_stored_but_fetched_anew():
    client = APIClient()
    first = client.post("/secrets", {}, format="json", headers={"Idempotency-Key": "k" * 20})
    second = client.post("/secrets", {}, format="json", headers={"Idempotency-Key": "k" * 20})
    assert first.json() == {"order": 1, "client_secret": "hush"}
    assert second.json() == {"order": 1, "client_secret": "secret of 1, fetched again"}
    assert "hush" not in str(IdempotencyRecord.objects.values())
    assert effects == ["secret"]


def test_secrets_without_a_way_to_fetch_them_anew_are_a_mistake():
    with pytest.raises(TypeError, match="both or neither"):
        idempotent(route="x", secrets=("client_secret",))


def test_while_in_flight_a_repeat_is_told_to_wait_until_the_lease_ends():
    scope = idempotency.Scope(principal="anonymous", merchant_id=0, route="orders", key="k" * 20)
    order()
    [record] = IdempotencyRecord.objects.all()
    IdempotencyRecord.objects.update(state="in_flight", response_status=None, response_body=None)
    effects.clear()
    refused = order()
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_in_flight")
    assert effects == []
    with time_machine.travel(clock.now() + idempotency.LEASE + timedelta(seconds=1)):
        assert order().status_code == 201
        with pytest.raises(idempotency.KeyReused):
            idempotency._claim(scope, fingerprint="another")
    assert effects == ["soup"]
    assert IdempotencyRecord.objects.get().pk == record.pk


def test_the_late_answer_of_a_process_taken_over_changes_nothing():
    scope = idempotency.Scope(principal="anonymous", merchant_id=0, route="orders", key="k" * 20)
    first = idempotency._claim(scope, fingerprint="f")
    with time_machine.travel(clock.now() + idempotency.LEASE + timedelta(seconds=1)):
        second = idempotency._claim(scope, fingerprint="f")
    answers = {"first": Response({"by": "first"}), "second": Response({"by": "second"})}
    view = OrdersView()
    idempotency._answer(second, view=view, act=lambda: answers["second"], secrets=())
    idempotency._answer(first, view=view, act=lambda: answers["first"], secrets=())
    assert IdempotencyRecord.objects.get().response_body == {"by": "second"}


def test_after_a_day_a_key_is_new_and_old_records_are_forgotten():
    order()
    with time_machine.travel(clock.now() + idempotency.KEPT + timedelta(seconds=1)):
        assert order(dish="fish").json() == {"order": 2}
        assert tasks.forget_idempotency_records() == 0
    with time_machine.travel(clock.now() + 2 * idempotency.KEPT + timedelta(seconds=2)):
        assert tasks.forget_idempotency_records() == 1


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_have_one_effect():
    slow.set()
    together = threading.Barrier(4)
    key = str(uuid.uuid4())
    statuses = []

    def click():
        together.wait()
        statuses.append(order(key).status_code)
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]
    assert effects == ["soup"]
