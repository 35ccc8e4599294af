"""Routes below /api/v1/ of signing in, and of customers."""

from django.urls import path

from customers.api import customers, schema, views

__all__ = ["schema", "urlpatterns"]

urlpatterns = [
    path("auth/login", views.LoginView.as_view(), name="auth-login"),
    path("auth/refresh", views.RefreshView.as_view(), name="auth-refresh"),
    path("auth/logout", views.LogoutView.as_view(), name="auth-logout"),
    path(
        "customers/create-or-update",
        customers.CreateOrUpdateView.as_view(),
        name="customers-create-or-update",
    ),
    path("auth/me", views.MeView.as_view(), name="auth-me"),
]
