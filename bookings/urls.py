"""Public pages of a merchant."""

from django.urls import path

from bookings import views
from bookings.models import LegalKind

app_name = "bookings"
urlpatterns = [
    path("", views.home, name="home"),
    path("book/", views.book, name="book"),
    path("book/price", views.price, name="price"),
    *[
        path(f"{kind}{ending}", views.legal_text, {"kind": kind}, name=f"{kind}{name}")
        for kind in LegalKind.values
        for ending, name in (("", ""), ("/<int:version>", "-version"))
    ],
]
