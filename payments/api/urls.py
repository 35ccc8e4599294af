"""Routes below /api/v1/ of the payments' part of the API."""

from django.urls import path

from payments.api import (
    authorizations,
    bookings,
    cancellations,
    cards,
    claims,
    credits,
    health,
    manual,
    payments,
)

urlpatterns = [
    path("bookings", bookings.BookingsView.as_view(), name="bookings"),
    path("bookings/<str:code>", bookings.BookingView.as_view(), name="booking"),
    path("bookings/<str:code>/payments", bookings.BookingPaymentsView.as_view(), name="booking-payments"),
    path("bookings/<str:code>/reschedule", cancellations.RescheduleView.as_view(), name="booking-reschedule"),
    path("bookings/<str:code>/cancel", cancellations.CancelView.as_view(), name="booking-cancel"),
    path("payments/credit", credits.SpendView.as_view(), name="payments-credit"),
    path("customers/me", credits.MeView.as_view(), name="customers-me"),
    path("payments", payments.PaymentsView.as_view(), name="payments"),
    path("payments/checkout-session", payments.CheckoutSessionView.as_view(), name="checkout-session"),
    path("payments/create-intent", payments.CreateIntentView.as_view(), name="create-intent"),
    path("payments/authorize", authorizations.AuthorizeView.as_view(), name="payments-authorize"),
    path("payments/charge", cards.ChargeView.as_view(), name="payments-charge"),
    path("payments/methods", cards.MethodsView.as_view(), name="payments-methods"),
    path("payments/methods/<uuid:public_id>", cards.MethodView.as_view(), name="payments-method"),
    path("customers/portal-link", cards.PortalLinkView.as_view(), name="customers-portal-link"),
    path("payments/manual", claims.ManualView.as_view(), name="payments-manual"),
    path("payments/record", manual.RecordView.as_view(), name="payments-record"),
    path("payments/<uuid:public_id>/claim", claims.ClaimView.as_view(), name="payment-claim"),
    path("claims/<uuid:public_id>/proof", claims.ProofView.as_view(), name="claim-proof"),
    path("payments/<uuid:public_id>/confirm", manual.ConfirmView.as_view(), name="payment-confirm"),
    path("payments/<uuid:public_id>/reject", manual.RejectView.as_view(), name="payment-reject"),
    path("payments/<uuid:public_id>/reverse", manual.ReverseView.as_view(), name="payment-reverse"),
    path("payments/<uuid:public_id>", payments.PaymentView.as_view(), name="payment"),
    path("payments/<uuid:public_id>/receipt", payments.ReceiptView.as_view(), name="payment-receipt"),
    path("payments/<uuid:public_id>/capture", authorizations.CaptureView.as_view(), name="payment-capture"),
    path("payments/<uuid:public_id>/void", authorizations.VoidView.as_view(), name="payment-void"),
    path("webhooks/health", health.WebhooksHealthView.as_view(), name="webhooks-health"),
]
