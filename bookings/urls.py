"""Public pages of a merchant."""

from django.urls import path

from bookings import views

app_name = "bookings"
urlpatterns = [
    path("", views.home, name="home"),
    path("book/", views.book, name="book"),
    path("book/price", views.price, name="price"),
    path("terms", views.terms, name="terms"),
    path("privacy", views.privacy, name="privacy"),
    path("refunds-policy", views.refunds_policy, name="refunds-policy"),
]
