"""Problem documents: one shape for every refusal, and no document for a bug."""

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.exceptions import ValidationError as ModelInvalid
from django.http import Http404
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from core import errors

RAISES = {
    "domain": errors.Conflict("Someone was quicker.", code="slot_full", seats_left=0, status=200),
    "fields": errors.Invalid("Look again.", fields={"adults": "Too few.", "postal_code": "No such place."}),
    "unavailable": errors.Unavailable(),
    "missing": Http404("secret detail"),
    "denied": PermissionDenied("secret detail"),
    "model": ModelInvalid({"email": ["Not an address."]}),
    "login": exceptions.NotAuthenticated(),
    "throttled": exceptions.Throttled(wait=3.2),
    "big": RequestDataTooBig("secret detail"),
    "fields_many": TooManyFieldsSent("secret detail"),
    "files_many": TooManyFilesSent("secret detail"),
    "bug": ZeroDivisionError("secret detail"),
}


class Guests(serializers.Serializer):
    name = serializers.CharField()
    age = serializers.IntegerField(required=False)


class Booking(serializers.Serializer):
    adults = serializers.IntegerField(min_value=1)
    guests = Guests(many=True, required=False)

    def validate(self, data):
        if data["adults"] > 100:
            raise serializers.ValidationError("Too many.", code="too_many")
        return data


class RaisingView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request, what):
        raise RAISES[what]

    def post(self, request, what):
        Booking(data=request.data).is_valid(raise_exception=True)
        return Response({})


urlpatterns = [path("<str:what>", RaisingView.as_view())]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client():
    return APIClient(raise_request_exception=False)


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("domain", 409, "slot_full"),
        ("unavailable", 503, "unavailable"),
        ("missing", 404, "not_found"),
        ("denied", 403, "forbidden"),
        ("model", 422, "invalid"),
        ("login", 403, "not_authenticated"),
        ("throttled", 429, "throttled"),
        ("big", 413, "too_large"),
        ("fields_many", 413, "too_large"),
        ("files_many", 413, "too_large"),
    ],
)
def test_a_refusal_is_a_problem_document_with_a_stable_code(client, what, status, code):
    answer = client.get(f"/{what}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:tableside:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert "secret" not in answer.content.decode()


def test_extra_members_are_shown_and_replace_no_member_of_the_standard(client):
    body = client.get("/domain").json()
    assert body["seats_left"] == 0
    assert body["status"] == 409
    assert body["detail"] == "Someone was quicker."


def test_a_domain_error_about_fields_names_them(client):
    body = client.get("/fields").json()
    assert (body["status"], body["detail"]) == (422, "Look again.")
    assert body["errors"] == [
        {"field": "adults", "code": "invalid", "detail": "Too few."},
        {"field": "postal_code", "code": "invalid", "detail": "No such place."},
    ]
    assert "fields" not in body


def test_a_refusal_for_now_says_when_to_come_back(client):
    assert client.get("/throttled")["Retry-After"] == "4"
    assert client.get("/unavailable")["Retry-After"] == "5"


def test_field_errors_name_their_place_in_the_body(client):
    answer = client.post("/x", {"adults": 0, "guests": [{"name": "A"}, {"age": "old"}]}, format="json")
    assert answer.status_code == 422
    assert {(error["field"], error["code"]) for error in answer.json()["errors"]} == {
        ("adults", "min_value"),
        ("guests.1.name", "required"),
        ("guests.1.age", "invalid"),
    }


def test_an_error_of_the_whole_body_names_no_field(client):
    answer = client.post("/x", {"adults": 101}, format="json")
    assert answer.json()["errors"] == [{"field": "", "code": "too_many", "detail": "Too many."}]


@pytest.mark.parametrize("body", ['{"adults":', "[]", '"x"', "[" * 20_000, '{"a":' * 20_000])
def test_a_body_that_cannot_be_read_is_refused(client, body):
    answer = client.post("/x", body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.json()["code"] in ("parse_error", "invalid")


def test_a_body_larger_than_is_read_is_refused(client):
    answer = client.post("/x", '{"adults": "' + "x" * 3_000_000 + '"}', content_type="application/json")
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "too_large"


def test_a_wrong_method_and_a_wrong_media_type_are_refused_alike(client):
    assert client.delete("/x").json()["code"] == "method_not_allowed"
    assert client.post("/x", "a=b", content_type="text/plain").json()["code"] == "unsupported_media_type"


def test_a_bug_stays_a_bug(client):
    answer = client.get("/bug")
    assert answer.status_code == 500
    assert "secret detail" not in answer.content.decode()
