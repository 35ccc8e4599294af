"""A booking's pages. They live here because they show and move money."""

from django.urls import path

from payments import views

app_name = "payments"
urlpatterns = [
    path("b/<str:code>", views.booking, name="booking"),
    path("b/<str:code>/pay", views.pay, name="pay"),
    path("b/<str:code>/pay/start", views.start, name="start"),
    path("b/<str:code>/paid", views.paid, name="paid"),
    path("b/<str:code>/payments/<uuid:public_id>/status", views.payment_status, name="payment-status"),
    path("b/<str:code>/receipts/<str:number>", views.receipt, name="receipt"),
    path("b/<str:code>/receipts/<str:number>/pdf", views.receipt_file, name="receipt-pdf"),
]
