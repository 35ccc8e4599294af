"""The way in. The account's own pages show money and live in payments."""

from django.urls import path

from customers import views

app_name = "customers"
urlpatterns = [
    path("account/sign-in", views.sign_in, name="sign-in"),
    path("account/sign-in/sent", views.sent, name="sent"),
    path("account/link/<str:token>", views.link, name="link"),
]
