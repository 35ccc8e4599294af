"""The API's document and its page."""

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver

from core.problems import MEDIA_TYPE


@pytest.fixture(scope="module")
def document():
    from drf_spectacular.generators import SchemaGenerator

    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_document_is_valid_and_complete(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    assert (tmp_path / "schema.yml").stat().st_size > 10_000


def test_every_route_of_the_api_is_in_the_document(document):
    routes = {
        str(pattern.pattern)
        for resolver in get_resolver().url_patterns
        if str(resolver.pattern) == "api/v1/" and hasattr(resolver, "url_patterns")
        for pattern in resolver.url_patterns
    }
    documented = {path.removeprefix("/api/v1/") for path in document["paths"]}
    plain = {route.replace("<str:", "{").replace("<uuid:", "{").replace(">", "}") for route in routes}
    assert plain == documented


# POSTs that need no key, and why. Every other one honours an Idempotency-Key.
WITHOUT_KEY = {
    "/api/v1/auth/login": "signs in: an answer full of tokens is not stored",
    "/api/v1/auth/refresh": "a refresh token is good once, by itself",
    "/api/v1/auth/logout": "twice is as good as once",
    "/api/v1/bookings/price": "a preview: changes nothing",
}


def test_every_post_honours_an_idempotency_key_or_says_here_why_not(document):
    posts = {path for path, methods in document["paths"].items() if "post" in methods}
    with_key = {
        path
        for path in posts
        if any(
            one["name"] == "Idempotency-Key" for one in document["paths"][path]["post"].get("parameters", [])
        )
    }
    undecided = posts - with_key - set(WITHOUT_KEY)
    assert not undecided, (
        f"{sorted(undecided)}: put @idempotent on the post, or say in WITHOUT_KEY why it needs none"
    )
    assert not set(WITHOUT_KEY) & with_key
    assert set(WITHOUT_KEY) <= posts


def test_refusals_are_documented_as_problem_documents(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            refused = {code: one for code, one in operation["responses"].items() if int(code) >= 400}
            assert refused, f"{method} {path} says nothing of refusals"
            for code, one in refused.items():
                assert set(one["content"]) == {MEDIA_TYPE}, f"{method} {path} {code}"


@pytest.mark.django_db
def test_document_and_page_are_served_and_the_page_keeps_to_the_content_security_policy():
    client = Client()
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "<style" not in html
    assert "<script>" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "'unsafe-inline'" not in page["Content-Security-Policy"]
    assert client.get("/api/docs/?script=")["Content-Type"].startswith("application/javascript")


@pytest.mark.django_db
def test_a_bug_behind_the_api_is_a_problem_document_that_tells_nothing(monkeypatch):
    monkeypatch.setattr("bookings.api.views.merchant_of", lambda request: 1 // 0)
    answer = Client(raise_request_exception=False).get("/api/v1/catalogue")
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        500,
        MEDIA_TYPE,
        "server_error",
    )
    assert "division" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_wrong_address_below_the_api_is_a_problem_document(method):
    answer = getattr(Client(), method)("/api/v1/no/such/route")
    assert answer.status_code == 404
    assert answer["Content-Type"] == MEDIA_TYPE
    assert answer.json()["code"] == "not_found"
