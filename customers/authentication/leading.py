"""Leading a visitor to another page and back, out of a dialog too: htmx would draw the page inside of it."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect


def to(request: HttpRequest, page: str, *, back: str, is_kept: bool = False) -> HttpResponse:
    """To `page`, which leads on to `back`, an address of ours: out of a dialog, to the page that it was opened on.

    `is_kept`: something waits at `back` itself, so to there, whatever lies below.
    """
    if request.headers.get("HX-Request") != "true":
        return HttpResponseRedirect(f"{page}?{urlencode({'next': back})}")
    below = "" if is_kept else urlsplit(request.headers.get("HX-Current-URL", "")).path
    return HttpResponseClientRedirect(f"{page}?{urlencode({'next': below or back})}")
