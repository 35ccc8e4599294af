"""Views that belong to the API as a whole: its documentation, and the answer for what is not there."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import server_error as server_error_page
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.problems import MEDIA_TYPE, problem


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a problem document for the API, the page for people. Neither says what happened inside."""
    if request.path.startswith("/api/"):
        body = problem(status=500, code="server_error", title="Something went wrong on our side")
        return JsonResponse(body, status=500, content_type=MEDIA_TYPE)
    return server_error_page(request)


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI without inline scripts or styles, so that the content security policy holds."""

    template_name = "core/api_docs.html"


@extend_schema(exclude=True)
class NoSuchRouteView(APIView):
    """Below /api/v1/ a wrong address too is answered with a problem document."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404

    def get(self, request: Request, rest: str) -> Response:
        raise Http404
