"""Errors to Sentry, when SENTRY_DSN is set: type and places, with the ids to find the rows by.

The same rule as for logs (config/logging.py): no local variables, bodies, headers, cookies, query strings, users,
addresses or words of exceptions leave the installation. Whatever an integration put into a report, `stripped` lets
only what is named here pass.
"""

from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.types import Event, Hint

from config.request_log import OPAQUE

# Sentry's own bookkeeping, and where in our code it happened.
SHOWN = (
    "event_id",
    "timestamp",
    "level",
    "platform",
    "logger",
    "environment",
    "release",
    "sdk",
    "exception",
    "type",
)
IDS = ("request_id", "event_id", "task_id")
# What these log the integrations report themselves, with the exception; strangers who guess hosts are no errors.
NOT_REPORTED = (
    "django.security.DisallowedHost",
    "django.request",
    "django_structlog.middlewares.request",
    "django_structlog.celery.receivers",
)


def start(*, dsn: str, environment: str, **options: Any) -> None:
    """Report from now on, in this process and its children. `options` are sentry_sdk.init's."""
    for name in NOT_REPORTED:
        ignore_logger(name)
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0.0,
        auto_session_tracking=False,
        default_integrations=False,
        integrations=[
            DjangoIntegration(),
            CeleryIntegration(),
            LoggingIntegration(level=None, sentry_logs_level=None),
            DedupeIntegration(),
            ExcepthookIntegration(),
            AtexitIntegration(callback=lambda _pending, _timeout: None),
        ],
        before_send=stripped,
        **options,
    )


def stripped(event: Event, _hint: Hint) -> Event:
    """The report without anything that a person or a secret could be read from."""
    given: dict[str, Any] = dict(event)
    report = {name: given[name] for name in SHOWN if name in given}
    for error in (report.get("exception") or {}).get("values") or []:
        error["value"] = ""
        for frame in (error.get("stacktrace") or {}).get("frames") or []:
            frame.pop("vars", None)
    if line := given.get("logentry"):
        # The line as the code has it, before values were put into it.
        report["logentry"] = {"message": line.get("message", "")} if "%" in line.get("message", "") else {}
    if transaction := given.get("transaction"):
        report["transaction"] = OPAQUE.sub("[token]", transaction)
    request = given.get("request") or {}
    if "url" in request:
        report["request"] = {"method": request.get("method"), "url": _address(request["url"])}
    bound = structlog.contextvars.get_contextvars()
    report["tags"] = {f"tableside.{name}": bound[name] for name in IDS if name in bound}
    return report  # type: ignore[return-value]


def _address(url: str) -> str:
    """Without query, and without what is too long for an id."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{OPAQUE.sub('[token]', rest)}"
