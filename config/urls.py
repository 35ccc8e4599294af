"""The URL table: pages, API, webhook, admin, health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from core.api_views import DocsView, NoSuchRouteView

handler403 = "customers.error_pages.refused"
handler404 = "customers.error_pages.not_found"
handler500 = "customers.error_pages.server_error"
urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("staff/", include("customers.authentication.urls")),
    path("api/v1/", include("customers.api.urls")),
    path("api/v1/", include("bookings.api.urls")),
    path("api/v1/", include("payments.api.urls")),
    path("api/v1/<path:rest>", NoSuchRouteView.as_view()),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(url_name="schema"), name="api-docs"),
    path("", include("customers.urls")),
    path("", include("bookings.urls")),
    path("", include("payments.urls")),
]
