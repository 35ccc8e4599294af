"""Pages for what went wrong, and whose they are: every page of the installation carries the merchant's name.

`merchant` is the context processor that gives templates the merchant of the host, when their view did not; it costs a
query only where a template asks. The page for errors of our own must appear when the database is what failed.
"""

from typing import Any

from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseFailure
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import SimpleLazyObject

from core import api_views
from customers import merchants
from customers.models import Merchant


def merchant(request: HttpRequest) -> dict[str, Any]:
    """Django's context processor."""
    return {"merchant": SimpleLazyObject(lambda: _merchant(request))}


def _merchant(request: HttpRequest) -> Merchant | None:
    try:
        return merchants.of_request(request)
    except (Http404, DatabaseFailure, DisallowedHost):
        return None


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Nothing in the page comes from what failed."""
    if request.path.startswith("/api/"):
        return api_views.server_error(request)
    return HttpResponse(render_to_string("500.html", {"merchant": _merchant(request)}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    return render(request, "403_csrf.html", status=403)
