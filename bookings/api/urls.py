"""Routes below /api/v1/ of the bookings' part of the API."""

from django.urls import path

from bookings.api import schema, views

__all__ = ["schema", "urlpatterns"]

urlpatterns = [
    path("catalogue", views.CatalogueView.as_view(), name="catalogue"),
    path("slots", views.SlotsView.as_view(), name="slots"),
    path("bookings/price", views.PriceView.as_view(), name="bookings-price"),
]
