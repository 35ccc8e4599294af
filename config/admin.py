"""The staff console's site: unfold's, reading every time in the merchant's zone."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """Times shown, typed and filtered are those of the (first) merchant for whom the person works."""

    index_title = "Today"
    enable_nav_sidebar = True

    def admin_view(
        self, view: Callable[..., HttpResponse], cacheable: bool = False
    ) -> Callable[..., HttpResponse]:
        inner = super().admin_view(view, cacheable)

        def in_merchants_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            from customers import access  # models are not ready when the site is made

            places = access.places(request.user)
            if not places:
                return inner(request, *args, **kwargs)
            with timezone.override(places[0].merchant.timezone):
                response = inner(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                    response.render()
            return response

        return update_wrapper(in_merchants_zone, view)
