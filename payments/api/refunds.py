"""Refunds in the API, for staff: shown first, asked for, agreed to by another, recorded when sent by hand; the list."""

import hashlib
from typing import Any

import django_filters
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api import access as callers
from core.api import MomentFilter, NewestFirst, refusals
from core.errors import Forbidden, Invalid
from core.idempotency import idempotent
from customers import access
from customers.authentication import recent
from payments import errors, refunds
from payments.api.access import visible
from payments.api.amounts import sent_minor
from payments.api.cancellations import PREVIEW, is_preview
from payments.api.refund_shapes import (
    DecisionSerializer,
    RefundBodySerializer,
    RefundPreviewSerializer,
    RefundSerializer,
    SentSerializer,
)
from payments.models import Payment, Refund, RefundCause, RefundRoute, RefundState

VIEW_REFUND = "payments.view_refund"


class StaffView(generics.GenericAPIView[Refund]):
    permission_classes = (AllowAny,)
    throttle_scope = "payment"
    queryset = Refund.objects.none()
    serializer_class = RefundSerializer

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return callers.idempotency_scope(request)

    def person(self, request: Request) -> User:
        assert isinstance(request.user, User), "a permission was found before"
        return request.user

    def answer(self, refund: Refund, *, status: int = 200) -> Response:
        return Response(self.get_serializer(_rows().get(pk=refund.pk)).data, status=status)


def _rows() -> QuerySet[Refund]:
    return Refund.objects.select_related(
        "payment__booking", "payment__merchant", "requested_by", "decided_by", "credit_note"
    ).defer("credit_note__pdf")


class PaymentRefundView(StaffView):
    @extend_schema(
        operation_id="payments_refund",
        tags=["refunds"],
        parameters=[PREVIEW],
        request=RefundBodySerializer,
        responses={
            200: RefundPreviewSerializer,
            201: RefundSerializer,
            **refusals(400, 401, 403, 404, 409, 415, 422, 429),
        },
    )
    @idempotent(route="payments/refund")
    def post(self, request: Request, public_id: str) -> Response:
        """Refund a payment, or a part. With `preview=1`: the split, the way, whether a second person must agree."""
        payment = visible(request).filter(public_id=public_id).select_related("merchant").first()
        if payment is None:
            raise Http404
        if not access.may(request.user, permission=access.REFUND, merchant_id=payment.merchant_id):
            raise Forbidden("Refunding is for staff who may refund.")
        body = RefundBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        amount_minor = _amount(payment, wanted)
        if is_preview(request):
            return Response(self._previewed(request, payment, wanted, amount_minor=amount_minor))
        refund = refunds.request(
            payment=payment,
            amount_minor=amount_minor,
            cause=wanted["cause"],
            reason=wanted["reason"],
            requested_by=self.person(request),
            actor=callers.actor(request),
            request_key=_key(request),
            as_credit=wanted["as_credit"],
            authenticated_at=recent.proof_of(request).at,
        )
        return self.answer(refund, status=201)

    def _previewed(
        self, request: Request, payment: Payment, wanted: dict[str, Any], *, amount_minor: int
    ) -> dict[str, Any]:
        plan = refunds.preview(payment=payment, amount_minor=amount_minor, cause=wanted["cause"])
        seen = refunds.foresee(
            payment,
            total_minor=plan.total_minor,
            by=self.person(request),
            is_credit_to_credit=payment.method == "credit",
        )
        shown = {
            "currency": payment.currency,
            "amount_minor": plan.amount_minor,
            "fee_minor": plan.fee_minor,
            "total_minor": plan.total_minor,
            "tax_minor": plan.tax_minor,
            "route": refunds.route_of(payment, as_credit=wanted["as_credit"]),
            "needs_approval": seen.needs_second,
            "why": seen.why,
            "needs_recent_authentication": seen.needs_proof,
        }
        return dict(RefundPreviewSerializer(shown).data)


def _key(request: Request) -> str:
    """The client's own key as the refund's, for this person: should the stored answer be gone, still one refund."""
    sent = request.headers.get("Idempotency-Key", "")
    return hashlib.sha256(f"{request.user.pk}:{sent}".encode()).hexdigest() if sent else ""


def _amount(payment: Payment, wanted: dict[str, Any]) -> int:
    if "amount" not in wanted:
        left = refunds.refundable(payment, cause=wanted["cause"])
        if left <= 0:
            raise errors.NotRefundable("Nothing of this payment is left to send back.")
        return left
    minor = sent_minor(wanted["amount"], currency=payment.currency)
    if minor is None:
        words = "Send the amount in minor units of the payment's currency."
        raise Invalid(words, fields={"amount": words})
    return minor


class RefundFilter(django_filters.FilterSet):
    booking = django_filters.CharFilter(field_name="payment__booking__code", lookup_expr="iexact")
    payment = django_filters.UUIDFilter(field_name="payment__public_id")
    state = django_filters.MultipleChoiceFilter(choices=RefundState.choices)
    route = django_filters.MultipleChoiceFilter(choices=RefundRoute.choices)
    cause = django_filters.MultipleChoiceFilter(choices=RefundCause.choices)
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    updated_since = MomentFilter(field_name="updated_at", lookup_expr="gte")

    class Meta:
        model = Refund
        fields: tuple[str, ...] = ()


class RefundsView(generics.ListAPIView[Refund]):
    queryset = Refund.objects.none()
    permission_classes = (AllowAny,)
    serializer_class = RefundSerializer
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = RefundFilter

    def get_queryset(self) -> QuerySet[Refund]:
        return access.scope(_rows(), user=self.request.user, permission=VIEW_REFUND, path="payment__merchant")

    @extend_schema(
        operation_id="refunds_list",
        tags=["refunds"],
        responses={200: RefundSerializer(many=True), **refusals(401, 403, 404, 422)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The merchant's refunds, newest first: `state=requested` waits for a second person."""
        if not access.may(request.user, permission=VIEW_REFUND):
            if not request.user.is_authenticated and callers.booking_of(request) is None:
                raise NotAuthenticated
            raise Forbidden("The list of refunds is for staff.")
        return super().get(request, *args, **kwargs)


class DecideView(StaffView):
    """What staff do with a refund: the use cases check who may."""

    def refund(self, request: Request, *, public_id: str) -> Refund:
        rows = access.scope(_rows(), user=request.user, permission=VIEW_REFUND, path="payment__merchant")
        refund: Refund | None = rows.filter(public_id=public_id).first()
        if refund is None:
            raise Http404
        return refund


class ApproveView(DecideView):
    @extend_schema(
        operation_id="refunds_approve",
        tags=["refunds"],
        request=DecisionSerializer,
        responses={200: RefundSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotent(route="refunds/approve")
    def post(self, request: Request, public_id: str) -> Response:
        """Agree to a refund that a colleague asked for; it goes its way. Never one's own: 403 `own_refund`."""
        refund = self.refund(request, public_id=public_id)
        body = DecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        done = refunds.approve(
            refund,
            by=self.person(request),
            reason=body.validated_data["reason"],
            authenticated_at=recent.proof_of(request).at,
        )
        return self.answer(done)


class DeclineView(DecideView):
    @extend_schema(
        operation_id="refunds_decline",
        tags=["refunds"],
        request=DecisionSerializer,
        responses={200: RefundSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotent(route="refunds/decline")
    def post(self, request: Request, public_id: str) -> Response:
        """Say no, with a reason; one's own request is withdrawn by it. Nothing moved, nothing moves."""
        refund = self.refund(request, public_id=public_id)
        body = DecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        done = refunds.decline(refund, by=self.person(request), reason=body.validated_data["reason"])
        return self.answer(done)


class SentView(DecideView):
    @extend_schema(
        operation_id="refunds_sent",
        tags=["refunds"],
        request=SentSerializer,
        responses={200: RefundSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotent(route="refunds/sent")
    def post(self, request: Request, public_id: str) -> Response:
        """A refund by Zelle, Venmo, cash or check was sent: done, posted, and the customer is told. Again: the same."""
        refund = self.refund(request, public_id=public_id)
        if not access.may(request.user, permission=access.REFUND, merchant_id=refund.payment.merchant_id):
            raise Forbidden("Your role does not allow to record refunds.")
        body = SentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        done = refunds.record_sent(refund, by=self.person(request), **body.validated_data)
        return self.answer(done)
