"""The staff console's site: unfold's, reading every time in the merchant's zone."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """Times shown, typed and filtered are those of the (first) merchant for whom the person works."""

    index_title = "Today"
    enable_nav_sidebar = True

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Made when something reads it: the sidebar is our own, and sixty models' permissions are not free."""
        made: Any = SimpleLazyObject(lambda: super(ConsoleSite, self).get_app_list(request, app_label))
        return made

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one way to sign in, with its second step: customers/authentication."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied  # somebody else's sign-in: asking again would lead here for ever
        back = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect(f"{reverse('account_login')}?{urlencode({REDIRECT_FIELD_NAME: back})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """By POST; an address that somebody was led to only asks."""
        if request.method != "POST":
            return redirect("account_logout")
        logout(request)
        return redirect("account_login")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")

    def admin_view(
        self, view: Callable[..., HttpResponse], cacheable: bool = False
    ) -> Callable[..., HttpResponse]:
        inner = super().admin_view(view, cacheable)

        def in_merchants_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            from customers import access  # models are not ready when the site is made

            if "%00" in request.META.get("QUERY_STRING", ""):
                raise BadRequest("No column holds that character, so nothing can be found by it.")
            places = access.places(request.user)
            if not places:
                return inner(request, *args, **kwargs)
            with timezone.override(places[0].merchant.timezone):
                response = inner(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                    response.render()
            return response

        return update_wrapper(in_merchants_zone, view)
