"""Manual capture in the API: a card promises the money, staff capture or release it."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api import access as callers
from bookings.models import Booking
from core.api import refusals
from core.errors import Forbidden
from core.idempotency import idempotent
from core.money import Money
from customers import access
from payments import authorizations, errors
from payments.api.access import visible
from payments.api.amounts import sent_minor
from payments.api.payments import CreateIntentView
from payments.api.serializers import IntentSerializer, PaymentDetailSerializer, StartSerializer
from payments.models import Capture, GatewayAccount, Payment


@extend_schema_serializer(
    examples=[
        OpenApiExample("All of it", request_only=True, value={"reason": "We can come"}),
        OpenApiExample("A part", request_only=True, value={"amount": {"amount": 5000, "currency": "usd"}}),
    ]
)
class CaptureSerializer(serializers.Serializer[Any]):
    amount = serializers.JSONField(
        required=False,
        help_text="Principal, without the method fee, which is added by its rate. Left out: all that was authorized.",
    )
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class AuthorizeView(CreateIntentView):
    capture = Capture.MANUAL
    request_serializer = StartSerializer

    def check(self, request: Request, booking: Booking, wanted: Mapping[str, Any]) -> None:
        """Staff who may capture; a customer's frontend where the merchant lets it."""
        if access.may(request.user, permission=access.CAPTURE, merchant_id=booking.merchant_id):
            return
        is_offered = GatewayAccount.objects.filter(merchant_id=booking.merchant_id, allows_authorization=True)
        if callers.booking_of(request) is None or not is_offered.exists():
            raise errors.MayNotAuthorize()

    @extend_schema(
        operation_id="payments_authorize",
        tags=["payments"],
        request=StartSerializer,
        responses={201: IntentSerializer, **refusals(400, 401, 402, 403, 404, 409, 422, 429, 503)},
    )
    @idempotent(
        route="payments/authorize",
        secrets=("client_secret",),
        refresh=lambda view, request, stored: view.with_secret_again(stored),
    )
    def post(self, request: Request) -> Response:
        """As create-intent, but the card only promises the money, usually for seven days; staff capture it."""
        return self.started(request)


class DecideView(generics.GenericAPIView[Payment]):
    """What staff do with an authorized payment."""

    permission_classes = (AllowAny,)
    throttle_scope = "payment"
    queryset = Payment.objects.none()
    serializer_class = PaymentDetailSerializer

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return callers.idempotency_scope(request)

    def payment(self, request: Request, *, public_id: str) -> Payment:
        """The caller's; whoever may see it and not decide is told so."""
        payment = visible(request).filter(public_id=public_id).select_related("merchant").first()
        if payment is None:
            raise Http404
        if not access.may(request.user, permission=access.CAPTURE, merchant_id=payment.merchant_id):
            raise Forbidden("Capturing and releasing is for staff who may capture.")
        return payment

    def answer(self, request: Request, payment: Payment) -> Response:
        row = visible(request).prefetch_related("attempts").select_related("authorization").get(pk=payment.pk)
        return Response(self.get_serializer(row).data)


class CaptureView(DecideView):
    @extend_schema(
        operation_id="payments_capture",
        tags=["payments"],
        request=CaptureSerializer,
        responses={200: PaymentDetailSerializer, **refusals(400, 401, 403, 404, 409, 422, 429, 503)},
    )
    @idempotent(route="payments/capture")
    def post(self, request: Request, public_id: str) -> Response:
        """Take what the card promised, or a part; the rest is released. Again: nothing more happens."""
        payment = self.payment(request, public_id=public_id)
        body = CaptureSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        amount = None
        if "amount" in body.validated_data:
            amount = sent_minor(body.validated_data["amount"], currency=payment.currency)
            if amount is None:
                raise errors.CaptureTooLarge(
                    "Send the amount in minor units of the payment's currency.",
                    authorized=Money(payment.amount_minor, payment.currency).as_json(),
                )
        done = authorizations.capture(
            payment=payment,
            actor=callers.actor(request),
            amount_minor=amount,
            reason=body.validated_data["reason"],
        )
        return self.answer(request, done)


class VoidView(DecideView):
    @extend_schema(
        operation_id="payments_void",
        tags=["payments"],
        request=ReasonSerializer,
        responses={200: PaymentDetailSerializer, **refusals(400, 401, 403, 404, 409, 422, 429, 503)},
    )
    @idempotent(route="payments/void")
    def post(self, request: Request, public_id: str) -> Response:
        """Release what the card promised; nobody is charged. Again: nothing more happens."""
        payment = self.payment(request, public_id=public_id)
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        done = authorizations.void(
            payment=payment, actor=callers.actor(request), reason=body.validated_data["reason"]
        )
        return self.answer(request, done)
