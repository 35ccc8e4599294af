"""Bookings in the API: make one, list them, look at one and its payments."""

import uuid
from datetime import datetime
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from bookings import access as links
from bookings import booking as booking_use
from bookings import codes
from bookings.api import access
from bookings.api.views import in_api_words
from bookings.errors import InvalidRequest
from bookings.models import Booking, BookingEdit, BookingState, BookingStateChange
from bookings.requests import BookingRequest
from core.api import MomentFilter, NewestFirst, refusals
from core.idempotency import idempotent
from payments.api import edits
from payments.api.access import visible as visible_payments
from payments.api.serializers import (
    BookingRequestSerializer,
    BookingSerializer,
    BookingSummarySerializer,
    NewBookingSerializer,
    PaymentSerializer,
)
from payments.models import Payment

# Names the booking that an Idempotency-Key makes, should its stored answer get lost.
_KEYS = uuid.UUID("3f1d1a52-53ab-4bd0-8f5b-9f3c43a3a0d1")


def found(request: Request, *, code: str, permission: str = access.VIEW_BOOKING) -> Booking:
    """The caller's booking of that code, as a person may have typed it; Http404 for anything else."""
    if not codes.is_valid(code):
        raise Http404
    bookings = access.visible(request, permission=permission).select_related(
        "menu", "merchant", "customer", "slot"
    )
    booking = bookings.filter(code=codes.normalise(code)).first()
    if booking is None:
        raise Http404
    return booking


class BookingFilter(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=BookingState.choices)
    event_after = MomentFilter(field_name="starts_at", lookup_expr="gte")
    event_before = MomentFilter(field_name="starts_at", lookup_expr="lt")
    email = django_filters.CharFilter(field_name="contact_email", lookup_expr="iexact")
    code = django_filters.CharFilter(method="of_code", help_text="As people type it.")
    customer = django_filters.UUIDFilter(field_name="customer__public_id")
    updated_since = MomentFilter(method="changed_since", help_text="Made, changed or paid on since then.")

    def of_code(self, rows: QuerySet[Booking], name: str, value: str) -> QuerySet[Booking]:
        return rows.filter(code=codes.normalise(value)) if codes.is_valid(value) else rows.none()

    def changed_since(self, rows: QuerySet[Booking], name: str, value: datetime) -> QuerySet[Booking]:
        """Its states, its edits and its payments keep their times; the row itself has none but its beginning."""
        mine = {"booking_id": OuterRef("pk")}
        return rows.filter(
            Q(created_at__gte=value)
            | Exists(BookingStateChange.objects.filter(**mine, created_at__gte=value))
            | Exists(BookingEdit.objects.filter(**mine, created_at__gte=value))
            | Exists(Payment.objects.filter(**mine, updated_at__gte=value))
        )

    class Meta:
        model = Booking
        fields: tuple[str, ...] = ()


class BookingsView(generics.ListAPIView[Booking]):
    queryset = Booking.objects.none()
    serializer_class = BookingSummarySerializer
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = BookingFilter
    throttle_scope = "booking"

    def get_permissions(self) -> list[BasePermission]:
        """Anyone may book; a list is for those who may see something."""
        return [AllowAny()] if self.request.method == "POST" else [access.IsKnown()]

    def get_throttles(self) -> list[BaseThrottle]:
        return super().get_throttles() if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[Booking]:
        return access.visible(self.request).select_related("menu").prefetch_related("instalments__booking")

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return access.idempotency_scope(request)

    @extend_schema(
        operation_id="bookings_list",
        tags=["bookings"],
        responses={200: BookingSummarySerializer(many=True), **refusals(401, 404, 422)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The bookings that the caller may see, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="bookings_create",
        tags=["bookings"],
        request=BookingRequestSerializer,
        responses={201: NewBookingSerializer, **refusals(400, 401, 409, 422, 429)},
    )
    @idempotent(
        route="bookings",
        secrets=("access_token",),
        refresh=lambda view, request, stored: view.with_token_again(stored),
    )
    def post(self, request: Request) -> Response:
        """Book and hold a time. The answer's access token opens the booking to this client."""
        body = BookingRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            booking = booking_use.create(
                merchant=access.merchant_of(request),
                request=_wanted(body.validated_data),
                actor=access.actor(request),
                idempotency_token=self._token(request),
            )
        except InvalidRequest as error:
            raise in_api_words(error) from error
        return Response(self._shown(booking), status=201)

    def _token(self, request: Request) -> uuid.UUID | None:
        key = request.headers.get("Idempotency-Key")
        principal, merchant_id = access.idempotency_scope(request)
        return uuid.uuid5(_KEYS, f"{principal} {merchant_id} {key}") if key else None

    def _shown(self, booking: Booking) -> dict[str, Any]:
        shown = BookingSerializer(booking, context=self.get_serializer_context()).data
        return {**shown, "access_token": links.issue(booking)}

    def with_token_again(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The stored answer of a repeated POST with a new token: tokens are not stored."""
        return {**stored, "access_token": links.issue(Booking.objects.get(public_id=stored["id"]))}


def _wanted(data: dict[str, Any]) -> BookingRequest:
    return BookingRequest(
        slot_public_id=data["slot"],
        menu_id=data["menu"],
        add_ons={one["id"]: one["quantity"] for one in data.get("add_ons", [])},
        **{
            name: data[name]
            for name in (
                "adults",
                "children",
                "street",
                "city",
                "region",
                "postal_code",
                "name",
                "email",
                "phone",
                "notes",
                "terms_accepted",
            )
        },
    )


class BookingView(generics.GenericAPIView[Booking]):
    permission_classes = (AllowAny,)
    serializer_class = BookingSerializer
    throttle_scope = "booking"

    @extend_schema(
        operation_id="bookings_retrieve",
        tags=["bookings"],
        responses={200: BookingSerializer, **refusals(401, 404)},
    )
    def get(self, request: Request, code: str) -> Response:
        """One booking with its price, plan and what is paid."""
        return Response(self.get_serializer(found(request, code=code)).data)

    @extend_schema(
        operation_id="bookings_replace",
        tags=["bookings"],
        request=edits.BookingEditSerializer,
        responses={200: BookingSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    def put(self, request: Request, code: str) -> Response:
        """Contact, address, notes, guests, menu and add-ons, all of them named."""
        return self._change(request, code=code, partial=False)

    @extend_schema(
        operation_id="bookings_change",
        tags=["bookings"],
        request=edits.BookingEditSerializer,
        responses={200: BookingSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    def patch(self, request: Request, code: str) -> Response:
        """Only what shall be different. 422 `changes_price` tells a new price; `expected_total` agrees to it."""
        return self._change(request, code=code, partial=True)

    def _change(self, request: Request, *, code: str, partial: bool) -> Response:
        booking = found(request, code=code, permission=access.CHANGE_BOOKING)
        body = edits.BookingEditSerializer(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        edits.change(request, booking=booking, wanted=body.validated_data)
        return Response(self.get_serializer(found(request, code=code)).data)

    def get_throttles(self) -> list[BaseThrottle]:
        return [] if self.request.method == "GET" else super().get_throttles()


class BookingPaymentsView(generics.ListAPIView[Payment]):
    queryset = Payment.objects.none()
    permission_classes = (AllowAny,)
    serializer_class = PaymentSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Payment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return visible_payments(self.request).filter(booking=found(self.request, code=self.kwargs["code"]))

    @extend_schema(
        operation_id="bookings_payments",
        tags=["payments"],
        responses={200: PaymentSerializer(many=True), **refusals(401, 404)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The booking's payments, newest first."""
        return super().get(request, *args, **kwargs)
