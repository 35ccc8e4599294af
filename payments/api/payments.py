"""Payments in the API: start one by card, list them, look at one."""

from collections.abc import Mapping
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api import access
from bookings.models import Booking, Purpose
from core.api import MomentFilter, NewestFirst, refusals
from core.idempotency import idempotent
from customers.models import Customer, PaymentMethod
from payments import cards, checkout, gateway
from payments.api import amounts
from payments.api.access import visible
from payments.api.bookings import found
from payments.api.serializers import (
    CheckoutSessionSerializer,
    IntentSerializer,
    PaymentDetailSerializer,
    PaymentSerializer,
    StartIntentSerializer,
    StartSerializer,
)
from payments.models import Capture, CheckoutMode, GatewayAccount, Payment, PaymentState, SavedCard


class PaymentFilter(django_filters.FilterSet):
    booking = django_filters.CharFilter(field_name="booking__code", lookup_expr="iexact")
    state = django_filters.MultipleChoiceFilter(choices=PaymentState.choices)
    method = django_filters.MultipleChoiceFilter(choices=PaymentMethod.choices)
    purpose = django_filters.MultipleChoiceFilter(choices=Purpose.choices)
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    updated_since = MomentFilter(field_name="updated_at", lookup_expr="gte")
    customer = django_filters.UUIDFilter(field_name="customer__public_id")

    class Meta:
        model = Payment
        fields: tuple[str, ...] = ()


class PaymentsView(generics.ListAPIView[Payment]):
    queryset = Payment.objects.none()
    permission_classes = (access.IsKnown,)
    serializer_class = PaymentSerializer
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = PaymentFilter

    def get_queryset(self) -> QuerySet[Payment]:
        return visible(self.request)

    @extend_schema(
        operation_id="payments_list",
        tags=["payments"],
        responses={200: PaymentSerializer(many=True), **refusals(401, 404, 422)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The payments that the caller may see, newest first."""
        return super().get(request, *args, **kwargs)


class PaymentView(generics.RetrieveAPIView[Payment]):
    queryset = Payment.objects.none()
    permission_classes = (AllowAny,)
    serializer_class = PaymentDetailSerializer
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[Payment]:
        return visible(self.request).prefetch_related("attempts", "changes")

    @extend_schema(
        operation_id="payments_retrieve",
        tags=["payments"],
        responses={200: PaymentDetailSerializer, **refusals(401, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One payment with its declined tries and its history. Ask again until its state is final; webhooks move it."""
        return super().get(request, *args, **kwargs)


class StartView(generics.GenericAPIView[Payment]):
    """Start, or take up again, the card payment of a booking's next instalment."""

    permission_classes = (AllowAny,)
    throttle_scope = "payment"
    mode: CheckoutMode
    capture = Capture.AUTOMATIC
    request_serializer: type[StartSerializer] = StartSerializer

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return access.idempotency_scope(request)

    def start(self, request: Request) -> checkout.Started:
        """Find the booking, compare amounts that were sent, then begin."""
        body = self.request_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        booking = found(request, code=wanted["booking"], permission=access.CHANGE_BOOKING)
        due = checkout.due(booking, purpose=wanted["purpose"])
        amounts.compare(wanted, due=due, currency=booking.currency)
        self.check(request, booking, wanted)
        return checkout.start(
            booking=booking,
            purpose=wanted["purpose"],
            mode=self.mode,
            actor=access.actor(request),
            capture=self.capture,
        )

    def check(self, request: Request, booking: Booking, wanted: Mapping[str, Any]) -> None:
        """Whether this caller may start it in this way; refuses else."""

    def shown(self, payment: Payment) -> Any:
        """The payment, read anew with what its serializer needs."""
        payment = (
            Payment.objects.select_related("booking", "receipt").defer("receipt__pdf").get(pk=payment.pk)
        )
        return PaymentSerializer(payment, context=self.get_serializer_context()).data

    def stored(self, body: dict[str, Any]) -> Payment:
        """The payment of a stored answer."""
        return Payment.objects.get(public_id=body["payment"]["id"])


class CreateIntentView(StartView):
    mode = CheckoutMode.ELEMENT
    request_serializer: type[StartSerializer] = StartIntentSerializer
    card: SavedCard | None = None

    def check(self, request: Request, booking: Booking, wanted: Mapping[str, Any]) -> None:
        """A card that is named is the signed-in customer's own, or does not exist."""
        if (named := wanted.get("payment_method")) is None:
            return
        customer = request.auth if isinstance(request.auth, Customer) else None
        self.card = cards.picked(booking, customer=customer, public_id=str(named))
        if self.card is None:
            raise Http404

    @extend_schema(
        operation_id="payments_create_intent",
        tags=["payments"],
        request=StartIntentSerializer,
        responses={201: IntentSerializer, **refusals(400, 401, 402, 404, 409, 422, 429, 503)},
    )
    @idempotent(
        route="payments/create-intent",
        secrets=("client_secret",),
        refresh=lambda view, request, stored: view.with_secret_again(stored),
    )
    def post(self, request: Request) -> Response:
        """A PaymentIntent's client secret: for the Payment Element, or with one of the customer's saved cards."""
        return self.started(request)

    def started(self, request: Request) -> Response:
        started = self.start(request)
        body = {
            "payment": self.shown(started.payment),
            "publishable_key": started.publishable_key,
            "client_secret": started.client_secret,
        }
        if self.card is not None:
            body["payment_method"] = self.card.stripe_payment_method_id
        return Response(body, status=201)

    def with_secret_again(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The secret asked of Stripe anew; null when the payment has none any more."""
        payment = self.stored(stored)
        secret = None
        if payment.is_open and payment.stripe_payment_intent_id:
            account = GatewayAccount.objects.select_related("merchant").get(merchant_id=payment.merchant_id)
            secret = gateway.retrieve_intent(account, payment.stripe_payment_intent_id).client_secret
        return {**stored, "client_secret": secret}


class CheckoutSessionView(StartView):
    mode = CheckoutMode.HOSTED

    @extend_schema(
        operation_id="payments_checkout_session",
        tags=["payments"],
        request=StartSerializer,
        responses={201: CheckoutSessionSerializer, **refusals(400, 401, 402, 404, 409, 422, 429, 503)},
    )
    @idempotent(
        route="payments/checkout-session",
        secrets=("url",),
        refresh=lambda view, request, stored: view.with_url_again(stored),
    )
    def post(self, request: Request) -> Response:
        """For Stripe Checkout: the address of the page where the customer pays. The hold lasts as long as
        it.
        """
        started = self.start(request)
        body = {
            "payment": self.shown(started.payment),
            "publishable_key": started.publishable_key,
            "url": started.redirect_url,
        }
        return Response(body, status=201)

    def with_url_again(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The session's address asked of Stripe anew; null when it is over."""
        payment = self.stored(stored)
        url = None
        if payment.is_open and payment.stripe_checkout_session_id:
            account = GatewayAccount.objects.select_related("merchant").get(merchant_id=payment.merchant_id)
            session = gateway.retrieve_session(account, payment.stripe_checkout_session_id)
            url = session.url if session.is_open else None
        return {**stored, "url": url}
