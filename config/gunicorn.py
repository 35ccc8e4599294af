"""Gunicorn's own settings, for production: `gunicorn --config python:config.gunicorn config.wsgi`.

Its own lines (a worker that ended, one that hung) go the way of all others: JSON without personal data. No access log:
config/request_log.py writes one line for each request, without query strings. WEB_CONCURRENCY, which gunicorn reads by
itself, says how many workers there are.
"""

import os
from typing import Any

threads = 4
control_socket_disable = True
logconfig_dict: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "config.logging.formatter", "development": False}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["lines"], "level": (os.environ.get("LOG_LEVEL") or "INFO").upper()},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}
