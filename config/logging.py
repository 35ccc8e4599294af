"""What reaches a log, and how: one JSON object a line in production, readable lines in development.

Every line of a request carries its `request_id`, every line of a webhook event's handling the `event_id`
(payments/handling.py). Personal data and secrets never reach a log (card numbers never reach the server):
query strings, bodies, addresses of visitors and signed-in users are not logged; of an exception its type and where
it happened, not its words, which often quote the value at fault. What looks like an e-mail address, a key or a
token is masked last of all, whoever logged it.
"""

import logging
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Every task and every request as it begins: told to those who ask for LOG_LEVEL=DEBUG.
QUIET = logging.DEBUG
MASKS = (
    (re.compile(r"[^\s@\"'<>(){},;:=/]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (
        re.compile(r"\b(?:sk|rk|pk)_(?:live|test)_\w+|\bwhsec_\w+|\b\w+_secret_\w+|\b(?:tok|src|btok)_\w+"),
        "[secret]",
    ),
    # A signed link's or a session's token: name, time and signature.
    (re.compile(r"[\w-]{16,}[.:][\w-]{5,}[.:][\w-]{20,}"), "[token]"),
)
DEEPEST_CAUSE = 5
# What libraries add and nobody needs: a visitor's browser, an exception's words.
DROPPED = ("user_agent", "ip", "user_id", "error", "positional_args")


def configuration(*, development: bool, level: str) -> dict[str, Any]:
    """Django's LOGGING. Also sets up structlog, whose events take the same way out."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter, "development": development}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # The request log tells of refusals, and of errors with their traceback.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.request": {"level": "ERROR"},
            # Statements and templates are logged with their values.
            "django.db.backends": {"level": "WARNING"},
            "django.template": {"level": "WARNING"},
            # Each task every few seconds; failures are logged as task_failed, without the exception's words.
            "celery": {"level": "WARNING"},
            "celery.app.trace": {"level": "CRITICAL"},
            # fpdf2's font subsetter tells every glyph, stripe-python every request.
            "fontTools": {"level": "WARNING"},
            "fpdf": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
        },
    }


def formatter(*, development: bool) -> logging.Formatter:
    """The one way out, for structlog's events and for ordinary log records."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _in_words if development else _without_words,
        _masked,
    ]
    last: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if development
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars], processors=[*shared, last]
    )


def _in_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return _traced(event, in_words=True)


def _without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return _traced(event, in_words=False)


def _traced(event: EventDict, *, in_words: bool) -> EventDict:
    """The exception as type and places; its words only where the data are a demonstration's."""
    error = _error(event.pop("exc_info", None)) or _error(event.pop("exception", None))
    event.pop("exception", None)
    for name in DROPPED:
        event.pop(name, None)
    told: list[str] = []
    while error is not None and len(told) < DEEPEST_CAUSE:
        words = f": {error}" if in_words else ""
        where = "".join(traceback.format_tb(error.__traceback__))
        told.append(f"{where}{type(error).__module__}.{type(error).__qualname__}{words}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if told:
        event["exception"] = "\nfrom\n".join(told)
    return event


def _error(
    found: bool | BaseException | tuple[type | None, BaseException | None, TracebackType | None] | None,
) -> BaseException | None:
    if isinstance(found, BaseException):
        return found
    if isinstance(found, tuple):
        return found[1]
    return sys.exc_info()[1] if found else None


def _masked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {name: _mask(value) for name, value in event.items()}


def _mask(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = str(value)
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text
