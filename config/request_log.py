"""One log line for each answered request (config/logging.py says what may be in it)."""

import re

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

REQUEST_ID = "X-Request-ID"
# A part of a path that is longer than an id is a token.
OPAQUE = re.compile(r"[^/]{40,}")


class RequestLog(RequestMiddleware):
    """Binds a request id, tells it to the visitor, and logs the answer: method, path without query, status."""

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        response.headers[REQUEST_ID] = structlog.contextvars.get_contextvars().get("request_id", "")
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {OPAQUE.sub('[token]', request.path)}"
