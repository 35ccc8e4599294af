"""Reports to Sentry: where and what kind, the ids, and no words, values, addresses or tokens.

In a process of its own, since Sentry's integrations patch Django for good.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from script.console import ROOT

MARKS = ("markedname", "marked@private.example", "markedtoken", "markedbrowser", "203.0.113.77", "markedkey")
PROGRAM = """
import io, json, logging
from wsgiref.util import setup_testing_defaults
import django
django.setup()
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from sentry_sdk.transport import Transport
import sentry_sdk
from structlog.contextvars import bound_contextvars
from config import error_reports

sent = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        sent.append(envelope.get_event())

@csrf_exempt
def boom(request, token):
    marked = "markedname marked@private.example markedkey"
    try:
        raise KeyError(marked)
    except KeyError as error:
        raise RuntimeError(request.POST["name"] + marked) from error

urlpatterns = [path("in/<str:token>", boom)]
assert sentry_sdk.is_initialized() == bool(settings.SENTRY_DSN)
error_reports.start(dsn="http://public@127.0.0.1:1/1", environment="trial", transport=Kept)
answer = {}
body = b"name=markedname"
environ = {
    "REQUEST_METHOD": "POST",
    "PATH_INFO": "/in/" + "markedtoken" * 5,
    "QUERY_STRING": "t=markedtoken",
    "CONTENT_TYPE": "application/x-www-form-urlencoded",
    "CONTENT_LENGTH": str(len(body)),
    "wsgi.input": io.BytesIO(body),
    "HTTP_HOST": "localhost",
    "HTTP_USER_AGENT": "markedbrowser",
    "HTTP_COOKIE": "a=markedtoken",
    "HTTP_AUTHORIZATION": "Bearer markedtoken",
    "REMOTE_ADDR": "203.0.113.77",
}
setup_testing_defaults(environ)
with override_settings(ROOT_URLCONF=__name__):
    list(get_wsgi_application()(environ, lambda status, headers: answer.update(headers, status=status)))
with bound_contextvars(event_id="evt_1"):
    logging.getLogger("payments.handling").error("Event %s failed: %s", 7, "markedname")
logging.getLogger("payments.handling").warning("not reported")
print(json.dumps({"status": answer["status"], "id": answer["X-Request-ID"], "sent": sent}, default=str))
"""


@pytest.fixture(scope="module", params=["", "http://public@127.0.0.1:1/2"], ids=["unset", "set"])
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "ENVIRONMENT": "development", "SENTRY_DSN": request.param},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def test_an_error_in_a_request_is_reported_once_with_its_places_and_its_id(told: dict[str, Any]) -> None:
    failure, _ = told["sent"]
    assert told["status"].startswith("500")
    cause, last = failure["exception"]["values"]
    assert (cause["type"], last["type"]) == ("KeyError", "RuntimeError")
    assert last["stacktrace"]["frames"][-1]["function"] == "boom"
    assert failure["tags"] == {"tableside.request_id": told["id"]}
    assert failure["request"] == {"method": "POST", "url": "http://localhost/in/[token]"}


def test_a_logged_error_is_reported_as_the_code_has_it_with_the_events_id(told: dict[str, Any]) -> None:
    _, line = told["sent"]
    assert line["logentry"] == {"message": "Event %s failed: %s"}
    assert line["tags"] == {"tableside.event_id": "evt_1"}


def test_no_report_holds_personal_data_or_secrets(told: dict[str, Any]) -> None:
    # The program's own source stands for code, which holds no such values.
    for report in told["sent"]:
        for error in (report.get("exception") or {}).get("values", []):
            for frame in error["stacktrace"]["frames"]:
                for name in ("pre_context", "context_line", "post_context"):
                    frame.pop(name, None)
    text = json.dumps(told["sent"])
    assert [mark for mark in MARKS if mark in text] == []
    assert '"vars"' not in text
