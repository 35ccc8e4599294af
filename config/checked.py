"""What in the settings cannot be right, told in sentences before anything starts. Values of secrets are never quoted.

settings.py asks at its end: a process that starts with a wrong variable fails later, elsewhere and in other words; a
secret key in the publishable one's place would be shown to every visitor.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

Settings = Mapping[str, Any]
POSTGRESQL = "django.db.backends.postgresql"
_RATE = re.compile(r"[1-9][0-9]*/(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)")
_YES, _NO = ("true", "on", "yes", "1", "y", "ok"), ("false", "off", "no", "0", "n")


class Variables(environ.Env):
    """The environment's variables. One that cannot be read is told by its name; an empty one counts as not set."""

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **more: Any) -> Any:
        given = self.ENVIRON.get(var, "")
        if default is not self.NOTSET and not given.strip():
            return default
        if cast is str and given.startswith("$") and given.lstrip("$") not in self.ENVIRON:
            return given  # A password may begin like the name of another variable.
        try:
            return super().get_value(var, cast=cast, default=default, **more)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} cannot be read: a whole number is wanted.") from error

    def bool(self, var: str, default: bool) -> bool:
        """Yes or no; a word that is neither is not taken for no."""
        word = self.str(var, "").strip().lower()
        if word and word not in _YES + _NO:
            raise ImproperlyConfigured(f"{var} is neither true nor false.")
        return word in _YES if word else default

    def words(self, var: str, default: Iterable[str] = ()) -> list[str]:
        """What stands between the commas."""
        return listed(self.str(var, "")) or [*default]

    def parsed(self, var: str, read: Callable[..., dict[str, Any]], *, default: str) -> dict[str, Any]:
        """A URL as django-environ takes it apart."""
        try:
            return read(var, default=default)
        except (ImproperlyConfigured, ValueError) as error:
            raise ImproperlyConfigured(f"{var} cannot be read; .env.example shows one.") from error

    def required(self, var: str, *, why: str, development: str) -> str:
        """The variable's value; in development its stand-in; else a refusal to start, in words."""
        if value := self.str(var, ""):
            return value
        if self.str("ENVIRONMENT", "") == "development":
            return development
        raise ImproperlyConfigured(
            f"{var} is not set: {why} Set it in the environment, or set ENVIRONMENT=development and run "
            "./script/server, which brings a sandbox in Stripe's place. .env.example lists every variable."
        )


def listed(text: str) -> list[str]:
    """What stands between commas, without the blanks around it; a comma at the end adds nothing."""
    return [word.strip() for word in text.split(",") if word.strip()]


def check(settings: Settings) -> None:
    """Refuses to start with what is wrong, all of it at once."""
    if found := list(wrong(settings)):
        raise ImproperlyConfigured(" ".join(found) + " .env.example says what each is for.")


def wrong(settings: Settings) -> Iterator[str]:
    """A sentence for each."""
    yield from _secrets(settings)
    yield from _addresses(settings)
    yield from _limits(settings)
    if not settings["DEVELOPMENT"]:
        yield from _production(settings)


def _secrets(settings: Settings) -> Iterator[str]:
    if not settings["FIELD_ENCRYPTION_KEYS"]:
        yield "FIELD_ENCRYPTION_KEYS names no key."
    for number, key in enumerate(settings["FIELD_ENCRYPTION_KEYS"], start=1):
        try:
            Fernet(key)
        except ValueError:
            yield f"FIELD_ENCRYPTION_KEYS: key {number} is no Fernet key."
    secret, publishable = settings["STRIPE_SECRET_KEY"], settings["STRIPE_PUBLISHABLE_KEY"]
    is_secret = re.fullmatch(r"(sk|rk)_(test|live)_\w+", secret)
    is_publishable = re.fullmatch(r"pk_(test|live)_\w+", publishable)
    if not is_secret:
        yield "STRIPE_SECRET_KEY is no secret key of Stripe's (sk_…, or rk_… for a restricted one)."
    if not is_publishable:
        yield "STRIPE_PUBLISHABLE_KEY is no publishable key of Stripe's (pk_…); every visitor sees what stands there."
    if is_secret and is_publishable and is_secret[2] != is_publishable[1]:
        yield "STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY: one is a test key and the other a live one."
    signing = settings["STRIPE_WEBHOOK_SECRETS"]
    if not signing or not all(one.startswith("whsec_") for one in signing):
        yield "STRIPE_WEBHOOK_SECRETS are signing secrets of Stripe's (whsec_…), separated by commas."


def _addresses(settings: Settings) -> Iterator[str]:
    if settings["DATABASES"]["default"].get("ENGINE") != POSTGRESQL:
        yield "DATABASE_URL must name a PostgreSQL database (postgres://user:password@host:port/name)."
    for name, address in (
        ("REDIS_URL", settings["REDIS_URL"]),
        ("CACHE_URL", settings["CACHES"]["default"]["LOCATION"]),
    ):
        if _split(address).scheme not in ("redis", "rediss", "unix"):
            yield f"{name} must name a Redis or Valkey (redis://host:port/0, or unix:///path of its socket)."
    site = _split(settings["SITE_URL"])
    if site.scheme not in ("https", "http") or not site.hostname or site.path or site.query or site.fragment:
        yield "SITE_URL is an address without a path (https://bookings.example.com)."
    dsn = _split(settings["SENTRY_DSN"])
    if settings["SENTRY_DSN"] and not (dsn.scheme in ("https", "http") and dsn.username and dsn.hostname):
        yield "SENTRY_DSN is none (https://key@host/project)."


def _split(address: str) -> SplitResult:
    """Its parts; none of them where it has a bracket too many."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _host(site: SplitResult) -> str:
    """As browsers send it: an IPv6 address in brackets, other alphabets in ASCII."""
    host = site.hostname or ""
    if ":" in host:
        return f"[{host}]"
    try:
        return host.encode("idna").decode()
    except ValueError:
        return host


def _limits(settings: Settings) -> Iterator[str]:
    rates = {
        **settings["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"],
        "booking_page": settings["THROTTLE_BOOKING_PAGE"],
    }
    for scope, rate in rates.items():
        if not _RATE.fullmatch(rate):
            yield f"THROTTLE_{scope.upper()} is a rate like 60/min."
    for name, least in (
        ("TRUSTED_PROXIES", 0),
        ("STRIPE_TIMEOUT_SECONDS", 1),
        ("STRIPE_MAX_RETRIES", 0),
    ):
        if settings[name] < least:
            yield f"{name} must be {least} or more."
    if settings["LOGGING"]["root"]["level"] not in logging.getLevelNamesMapping():
        yield "LOG_LEVEL is DEBUG, INFO, WARNING, ERROR or CRITICAL."


def _production(settings: Settings) -> Iterator[str]:
    site = _split(settings["SITE_URL"])
    if not settings["STRIPE_API_BASE"].endswith(".stripe.com"):
        yield "STRIPE_API_BASE: outside development the product talks to Stripe only. Unset it."
    if site.scheme == "http":
        yield "SITE_URL must begin with https:// outside development."
    if not settings["ALLOWED_HOSTS"]:
        yield "ALLOWED_HOSTS is not set: no host would be answered."
    elif site.hostname and not validate_host(_host(site), settings["ALLOWED_HOSTS"]):
        yield f"ALLOWED_HOSTS does not name {_host(site)}, the host of SITE_URL."
    if not settings["STAFF_MFA_REQUIRED"]:
        yield "STAFF_MFA_REQUIRED may be false in development only."
