"""Leading a visitor to another page and back, out of a dialog too: htmx would draw the page inside of it."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect


def to(request: HttpRequest, page: str, *, back: str) -> HttpResponse:
    """To `page`, which leads on to `back` (an address of ours, or of the page that a dialog was opened on)."""
    if request.headers.get("HX-Request") != "true":
        return HttpResponseRedirect(f"{page}?{urlencode({'next': back})}")
    below = urlsplit(request.headers.get("HX-Current-URL", ""))
    return HttpResponseClientRedirect(f"{page}?{urlencode({'next': below.path or back})}")
