"""Pages for what went wrong, and whose they are: every page of the installation carries the merchant's name.

`merchant` is the context processor that gives templates the merchant of the host, when their view did not; it costs a
query only where a template asks. The page for errors of our own must appear when the database is what failed.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseFailure
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.views import defaults

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


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: staff inside the console stay there."""
    if _is_staffs(request):
        return _in_console(request, "admin/404.html", status=404, title="There is nothing here")
    return defaults.page_not_found(request, exception)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    if _is_staffs(request):
        return _in_console(request, "admin/403.html", status=403, title="Not open to your role")
    return defaults.permission_denied(request, exception)


def _is_staffs(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index")) and admin.site.has_permission(request)


def _in_console(request: HttpRequest, template: str, *, status: int, title: str) -> HttpResponse:
    return render(request, template, {**admin.site.each_context(request), "title": title}, status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500. Nothing in the page comes from what failed."""
    if request.path.startswith("/api/"):
        return api_views.server_error(request)
    return HttpResponse(render_to_string("500.html", {"merchant": _merchant(request)}), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    return render(request, "403_csrf.html", status=403)
