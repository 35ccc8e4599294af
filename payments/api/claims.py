"""Transfers in the API as the customer sees them: how to pay, "I have sent it", and the proof for staff to look at."""

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api import access as callers
from core.api import refusals
from core.errors import Forbidden
from core.idempotency import idempotent
from core.parsers import JsonParser
from customers import access
from payments import manual, proofs
from payments.api.access import visible
from payments.api.bookings import found
from payments.api.documents import FirstRenderer
from payments.api.manual_shapes import (
    ClaimBodySerializer,
    ClaimSerializer,
    ManualAnswerSerializer,
    ManualSerializer,
)
from payments.models import Claim, Payment

VIEW_CLAIM = "payments.view_claim"


class ManualView(generics.GenericAPIView[Payment]):
    permission_classes = (AllowAny,)
    throttle_scope = "payment"

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return callers.idempotency_scope(request)

    @extend_schema(
        operation_id="payments_manual",
        tags=["payments"],
        request=ManualSerializer,
        responses={201: ManualAnswerSerializer, **refusals(400, 401, 404, 409, 422, 429)},
    )
    @idempotent(route="payments/manual")
    def post(self, request: Request) -> Response:
        """Begin, or take up again, a payment by Zelle or Venmo: how to make it, with the reference to write."""
        body = ManualSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        booking = found(request, code=wanted["booking"], permission=callers.CHANGE_BOOKING)
        told = manual.instructions(booking, method=wanted["method"], purpose=wanted["purpose"])
        payment = manual.start(
            booking, method=wanted["method"], purpose=wanted["purpose"], actor=callers.actor(request)
        )
        answer = {"payment": payment, "instructions": told}
        return Response(
            ManualAnswerSerializer(answer, context=self.get_serializer_context()).data, status=201
        )


class PaymentActionView(generics.GenericAPIView[Payment]):
    """Something done with one payment that the caller may see."""

    permission_classes = (AllowAny,)
    throttle_scope = "payment"
    queryset = Payment.objects.none()

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return callers.idempotency_scope(request)

    def payment(self, request: Request, *, public_id: str, permission: str = "") -> Payment:
        """The caller's payment; whoever may see it and lacks the permission is told so."""
        payment = (
            visible(request)
            .select_related("merchant", "booking__merchant")
            .filter(public_id=public_id)
            .first()
        )
        if payment is None:
            raise Http404
        if permission and not access.may(
            request.user, permission=permission, merchant_id=payment.merchant_id
        ):
            raise Forbidden("This is for staff who may verify transfers.")
        return payment


class ClaimView(PaymentActionView):
    parser_classes = (JsonParser, MultiPartParser, FormParser)
    throttle_scope = "claim"

    @extend_schema(
        operation_id="payments_claim",
        tags=["payments"],
        request={"multipart/form-data": ClaimBodySerializer, "application/json": ClaimBodySerializer},
        responses={201: ClaimSerializer, **refusals(400, 401, 403, 404, 409, 422, 429)},
    )
    @idempotent(route="payments/claim")
    def post(self, request: Request, public_id: str) -> Response:
        """ "I have sent it", with a proof if there is one. Staff check; said again meanwhile it is the same claim."""
        payment = self.payment(request, public_id=public_id)
        is_theirs = callers.booking_of(request) or callers.customer_of(request)
        if not is_theirs and not access.may(
            request.user, permission=callers.CHANGE_BOOKING, merchant_id=payment.merchant_id
        ):
            raise Forbidden()
        body = ClaimBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        claim = manual.claim(
            payment,
            sender_name=said["sender_name"],
            sent_on=said["sent_on"],
            note=said["note"],
            proof=proofs.read(said["proof"]) if said.get("proof") else None,
            actor=callers.actor(request),
        )
        return Response(ClaimSerializer(claim).data, status=201)


class ProofView(APIView):
    permission_classes = (AllowAny,)
    content_negotiation_class = FirstRenderer

    @extend_schema(
        operation_id="claims_proof",
        tags=["payments"],
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, description="The proof."),
            **refusals(401, 404),
        },
    )
    def get(self, request: Request, public_id: str) -> HttpResponse:
        """What the customer sent along with a claim, as a download for the merchant's staff alone."""
        claims = access.scope(Claim.objects.all(), user=request.user, permission=VIEW_CLAIM)
        claim = claims.filter(public_id=public_id).exclude(proof="").first()
        if claim is None:
            raise Http404
        return proofs.attachment(claim)
