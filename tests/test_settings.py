"""A wrong or missing variable is told in a sentence that names it, before anything starts, and no secret is quoted."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import checked, redis_address
from script.console import ROOT

SECRET, PUBLISHABLE = "sk_test_" + "s" * 24, "pk_test_" + "p" * 24
GOOD: dict[str, Any] = {
    "DEVELOPMENT": False,
    "FIELD_ENCRYPTION_KEYS": ["ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMhISE="],
    "STRIPE_SECRET_KEY": SECRET,
    "STRIPE_PUBLISHABLE_KEY": PUBLISHABLE,
    "STRIPE_WEBHOOK_SECRETS": ["whsec_one", "whsec_two"],
    "STRIPE_API_BASE": "https://api.stripe.com",
    "STRIPE_TIMEOUT_SECONDS": 20,
    "STRIPE_MAX_RETRIES": 0,
    "DATABASES": {"default": {"ENGINE": checked.POSTGRESQL}},
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "CACHES": {"default": {"LOCATION": "rediss://:word@cache.example.com"}},
    "SITE_URL": "https://bookings.example.com",
    "ALLOWED_HOSTS": [".example.com"],
    "STAFF_MFA_REQUIRED": True,
    "TRUSTED_PROXIES": 0,
    "THROTTLE_BOOKING_PAGE": "20/min",
    "REST_FRAMEWORK": {"DEFAULT_THROTTLE_RATES": {"price": "120/m", "claim": "1/day"}},
    "LOGGING": {"root": {"level": "INFO"}},
    "SENTRY_DSN": "",
}
WRONG: list[tuple[str, Any, str]] = [
    ("FIELD_ENCRYPTION_KEYS", [GOOD["FIELD_ENCRYPTION_KEYS"][0], "short"], "FIELD_ENCRYPTION_KEYS: key 2"),
    ("STRIPE_SECRET_KEY", PUBLISHABLE, "STRIPE_SECRET_KEY"),
    ("STRIPE_PUBLISHABLE_KEY", SECRET, "STRIPE_PUBLISHABLE_KEY"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_" + "p" * 24, "a test key and the other a live one"),
    ("STRIPE_WEBHOOK_SECRETS", ["whsec_one", "we_two"], "STRIPE_WEBHOOK_SECRETS"),
    ("STRIPE_API_BASE", "http://127.0.0.1:9", "STRIPE_API_BASE"),
    ("STRIPE_TIMEOUT_SECONDS", 0, "STRIPE_TIMEOUT_SECONDS must be 1 or more"),
    ("DATABASES", {"default": {}}, "DATABASE_URL"),
    ("REDIS_URL", "127.0.0.1:6379", "REDIS_URL"),
    ("CACHES", {"default": {"LOCATION": "memcached://x"}}, "CACHE_URL"),
    ("SITE_URL", "bookings.example.com", "SITE_URL"),
    ("SITE_URL", "http://bookings.example.com", "SITE_URL must begin with https://"),
    ("SITE_URL", "https://bookings.example.com/shop", "SITE_URL"),
    ("ALLOWED_HOSTS", [], "ALLOWED_HOSTS is not set"),
    ("ALLOWED_HOSTS", ["other.example.org"], "ALLOWED_HOSTS does not name bookings.example.com"),
    ("STAFF_MFA_REQUIRED", False, "STAFF_MFA_REQUIRED"),
    ("TRUSTED_PROXIES", -1, "TRUSTED_PROXIES"),
    ("THROTTLE_BOOKING_PAGE", "20", "THROTTLE_BOOKING_PAGE is a rate"),
    ("REST_FRAMEWORK", {"DEFAULT_THROTTLE_RATES": {"price": "0/min"}}, "THROTTLE_PRICE is a rate"),
    ("LOGGING", {"root": {"level": "LOUD"}}, "LOG_LEVEL"),
    ("SENTRY_DSN", "sentry.example.com", "SENTRY_DSN"),
    ("SITE_URL", "https://[bookings.example.com", "SITE_URL"),
    ("SITE_URL", "https://bookings.example.com?here", "SITE_URL"),
    ("REDIS_URL", "redis://:wo[rd@127.0.0.1", "REDIS_URL"),
    ("FIELD_ENCRYPTION_KEYS", [], "FIELD_ENCRYPTION_KEYS"),
    ("STRIPE_WEBHOOK_SECRETS", [], "STRIPE_WEBHOOK_SECRETS"),
    ("THROTTLE_BOOKING_PAGE", "20/month", "THROTTLE_BOOKING_PAGE"),
]
# Seldom seen, and right.
RIGHT: list[dict[str, Any]] = [
    {"STRIPE_SECRET_KEY": "rk_live_" + "r" * 24, "STRIPE_PUBLISHABLE_KEY": "pk_live_" + "p" * 24},
    {"SITE_URL": "https://[2001:db8::1]:8443", "ALLOWED_HOSTS": ["[2001:db8::1]"]},
    {"SITE_URL": "https://büro.example", "ALLOWED_HOSTS": ["xn--bro-hoa.example"]},
    {"SITE_URL": "https://Bookings.Example.com", "ALLOWED_HOSTS": ["BOOKINGS.example.com"]},
    {
        "REDIS_URL": "unix:///run/valkey.sock?db=1",
        "CACHES": {"default": {"LOCATION": "redis://[::1]:6379/1"}},
    },
    {"THROTTLE_BOOKING_PAGE": "20/minutes"},
]


def test_right_settings_are_left_alone() -> None:
    assert list(checked.wrong(GOOD)) == []
    developing = {"DEVELOPMENT": True, "SITE_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": []}
    here = {"STRIPE_API_BASE": "http://127.0.0.1:8001", "STAFF_MFA_REQUIRED": False}
    assert list(checked.wrong(GOOD | developing | here)) == []


@pytest.mark.parametrize("settings", RIGHT, ids=lambda settings: next(iter(settings)))
def test_unusual_settings_that_are_right_are_left_alone(settings: dict[str, Any]) -> None:
    assert list(checked.wrong(GOOD | settings)) == []


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_setting_is_told_and_no_secret_is_quoted(name: str, value: Any, words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        checked.check(GOOD | {name: value})
    assert words in str(refusal.value)
    assert not any(
        secret in str(refusal.value) for secret in (SECRET, PUBLISHABLE, "we_two", "short", ":word@")
    )


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(list(checked.wrong(GOOD | {"SENTRY_DSN": "x", "REDIS_URL": "y"}))) == 2


def test_a_word_that_is_neither_yes_nor_no_is_not_taken_for_no(monkeypatch: pytest.MonkeyPatch) -> None:
    env = checked.Variables()
    for text, found in {
        "true": True,
        "No": False,
        "0": False,
        "": True,
        " ": True,
        "y": True,
        "n": False,
    }.items():
        monkeypatch.setenv("STAFF_MFA_REQUIRED", text)
        assert env.bool("STAFF_MFA_REQUIRED", True) is found
    monkeypatch.setenv("STAFF_MFA_REQUIRED", "maybe")
    with pytest.raises(ImproperlyConfigured, match="STAFF_MFA_REQUIRED"):
        env.bool("STAFF_MFA_REQUIRED", True)


def test_a_number_that_is_none_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    env = checked.Variables()
    monkeypatch.setenv("TRUSTED_PROXIES", "one")
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        env.int("TRUSTED_PROXIES", 0)
    monkeypatch.setenv("TRUSTED_PROXIES", "")
    assert env.int("TRUSTED_PROXIES", 0) == 0


def test_blanks_and_a_last_comma_in_a_list_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    env = checked.Variables()
    monkeypatch.setenv("ALLOWED_HOSTS", "one.example, two.example,")
    assert env.words("ALLOWED_HOSTS") == ["one.example", "two.example"]
    monkeypatch.setenv("ALLOWED_HOSTS", " ")
    assert env.words("ALLOWED_HOSTS", ["localhost"]) == ["localhost"]


def test_a_secret_that_begins_with_a_dollar_sign_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    env = checked.Variables()
    monkeypatch.setenv("SECRET_KEY", "$ecret")
    assert env.required("SECRET_KEY", why="", development="") == "$ecret"
    monkeypatch.setenv("SECRET_KEY", "$ANOTHER")
    monkeypatch.setenv("ANOTHER", "one")
    assert env.str("SECRET_KEY", "") == "one"


@pytest.mark.parametrize(
    ("given", "clients", "celery"),
    [
        ("redis://h:6379/0", "redis://h:6379/0", "redis://h:6379/0"),
        ("unix:///run/v.sock", "unix:///run/v.sock", "redis+socket:///run/v.sock"),
        ("redis+socket:///run/v.sock", "unix:///run/v.sock", "redis+socket:///run/v.sock"),
        (
            "redis+socket:///v.sock?virtual_host=2&x=1",
            "unix:///v.sock?db=2&x=1",
            "redis+socket:///v.sock?virtual_host=2&x=1",
        ),
    ],
)
def test_a_redis_behind_a_socket_is_named_as_each_of_its_readers_names_it(
    given: str, clients: str, celery: str
) -> None:
    assert redis_address.for_clients(given) == clients
    assert redis_address.for_celery(redis_address.for_clients(given)) == celery


def test_a_command_says_what_is_missing_and_nothing_else() -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "production", "SECRET_KEY": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("SECRET_KEY is not set: ")
    assert "Traceback" not in answer.stderr
