"""Cancelling and rescheduling in the API: shown first, done only at the figures that were shown."""

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api import access
from bookings.api.views import in_api_words
from bookings.editing import Edit
from bookings.errors import InvalidRequest
from bookings.models import Booking, BookingState
from core.api import LocalTimeField, MoneyField, refusals
from core.errors import Forbidden, Invalid
from core.idempotency import idempotent
from customers.authentication import recent
from payments import cancellation, changes, self_service
from payments.api import edits
from payments.api.bookings import found
from payments.api.serializers import BookingSerializer
from payments.cancellation import Preview, Returned
from payments.models import Cancellation, RefundRoute, RefundState

Serializer = serializers.Serializer[Any]
PREVIEW = OpenApiParameter("preview", OpenApiTypes.BOOL, description="1: only tell what would happen.")


class SlotSerializer(Serializer):
    """Another time from GET slots; the new price is agreed to as for PATCH."""

    slot = serializers.UUIDField()
    expected_total = serializers.JSONField(
        required=False, help_text="The new price, as shown to the customer."
    )
    waive_fee = serializers.BooleanField(required=False, default=False, help_text="Staff alone.")
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class MovedSerializer(edits.ChangePreviewSerializer):
    """What moving does: the price with `fee`, the plan anew, what becomes credit."""

    fee = MoneyField("fee_minor")
    starts_at = LocalTimeField(help_text="In the event's zone.")


class RescheduleView(generics.GenericAPIView[Booking]):
    permission_classes = (AllowAny,)
    throttle_scope = "booking"
    serializer_class = BookingSerializer

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return access.idempotency_scope(request)

    @extend_schema(
        operation_id="bookings_reschedule",
        tags=["bookings"],
        parameters=[PREVIEW],
        request=SlotSerializer,
        responses={200: BookingSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotent(route="bookings/reschedule")
    def post(self, request: Request, code: str) -> Response:
        """Move to another time; what was paid moves along. With `preview=1`: the price and plan that it would have."""
        booking = found(request, code=code, permission=access.CHANGE_BOOKING)
        body = SlotSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        edit = _move(request, booking, wanted)
        try:
            if is_preview(request):
                return Response(_previewed_move(request, booking, edit))
            edits.price_anew(
                request,
                booking=booking,
                edit=edit,
                expected=wanted.get("expected_total"),
                reason=wanted["reason"],
            )
        except InvalidRequest as error:
            raise in_api_words(error) from error
        return Response(self.get_serializer(found(request, code=code)).data)


def _move(request: Request, booking: Booking, wanted: dict[str, Any]) -> Edit:
    edit = self_service.move_edit(booking, slot_public_id=wanted["slot"])
    if not wanted["waive_fee"]:
        return edit
    if edits.is_customer(request):
        raise Forbidden("Only staff may waive the fee.")
    return Edit(slot_public_id=wanted["slot"])


def _previewed_move(request: Request, booking: Booking, edit: Edit) -> dict[str, Any]:
    if edits.is_customer(request):
        self_service.require_in_time(booking)
    changed = changes.preview(booking, edit)
    to = changed.proposal.slot or booking.slot
    shown = {
        **edits.shown_change(booking, changed),
        "fee_minor": changed.proposal.fee_minor,
        "starts_at": booking.local(to.starts_at),
    }
    return dict(MovedSerializer(shown).data)


class CancelSerializer(Serializer):
    """`expected` is the preview's: it is cancelled for exactly those figures, or not at all."""

    expected = serializers.CharField(max_length=4000, required=False, help_text="Not needed for a preview.")
    as_credit = serializers.BooleanField(
        required=False, default=False, help_text="Keep what comes back as credit."
    )
    percent = serializers.IntegerField(
        min_value=0, max_value=100, required=False, help_text="Staff: another share than the policy's."
    )
    reason = serializers.CharField(
        max_length=300, required=False, allow_blank=True, default="", help_text="Staff must say why."
    )


class ReturnedSerializer(Serializer):
    """What one payment gives back: principal, its share of the method's fee, both."""

    payment = serializers.UUIDField(source="payment.public_id")
    method = serializers.CharField(source="payment.method")
    route = serializers.ChoiceField(RefundRoute.choices)
    amount = MoneyField("amount_minor", currency="payment.currency")
    fee = MoneyField("fee_minor", currency="payment.currency")
    total = MoneyField("total_minor", currency="payment.currency")


class CancelPreviewSerializer(Serializer):
    """`paid` = `refund` + `kept`, of the price; `total` is what goes back with the fees' shares."""

    notice_days = serializers.IntegerField()
    percent = serializers.IntegerField()
    policy_percent = serializers.IntegerField()
    paid = MoneyField("paid_minor", currency="booking.currency")
    refund = MoneyField("refund_minor", currency="booking.currency")
    kept = MoneyField("kept_minor", currency="booking.currency")
    kept_tax = MoneyField(
        "kept_tax_minor", currency="booking.currency", help_text="Within `kept`, where it is taxed."
    )
    total = MoneyField("total_minor", currency="booking.currency")
    returned = serializers.SerializerMethodField()
    expected = serializers.CharField(source="shown", help_text="Send it along to cancel for these figures.")

    @extend_schema_field(ReturnedSerializer(many=True))
    def get_returned(self, preview: Preview) -> Any:
        """By which way each part goes back."""
        parts: tuple[Returned, ...] = preview.returned
        return ReturnedSerializer(parts, many=True).data


class CancelledRefundSerializer(Serializer):
    id = serializers.UUIDField(source="public_id")
    route = serializers.ChoiceField(RefundRoute.choices)
    state = serializers.ChoiceField(RefundState.choices)
    total = MoneyField("total_minor")


class CancelledSerializer(Serializer):
    """What was decided. `state` is the booking's; refunds run apart, each with its own state."""

    id = serializers.UUIDField(source="public_id")
    booking = serializers.CharField(source="booking.code")
    state = serializers.ChoiceField(BookingState.choices, source="booking.state")
    notice_days = serializers.IntegerField()
    percent = serializers.IntegerField()
    paid = MoneyField("paid_minor", currency="booking.currency")
    refund = MoneyField("refund_minor", currency="booking.currency")
    kept = MoneyField("kept_minor", currency="booking.currency")
    kept_tax = MoneyField("kept_tax_minor", currency="booking.currency")
    refunds = CancelledRefundSerializer(many=True)
    created_at = serializers.DateTimeField()


class CancelView(generics.GenericAPIView[Cancellation]):
    permission_classes = (AllowAny,)
    throttle_scope = "booking"

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return access.idempotency_scope(request)

    @extend_schema(
        operation_id="bookings_cancel",
        tags=["bookings"],
        parameters=[PREVIEW],
        request=CancelSerializer,
        responses={200: CancelledSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotent(route="bookings/cancel")
    def post(self, request: Request, code: str) -> Response:
        """Cancel for exactly the figures of the preview. With `preview=1`: what comes back, how, and what is kept."""
        booking = found(request, code=code, permission=access.CHANGE_BOOKING)
        body = CancelSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        if edits.is_customer(request) and "percent" in wanted:
            raise Forbidden("Only staff may give back another share than the policy says.")
        if is_preview(request):
            shown = cancellation.preview(
                booking, percent=wanted.get("percent"), as_credit=wanted["as_credit"]
            )
            return Response(CancelPreviewSerializer(shown).data)
        if not wanted.get("expected") and booking.state != BookingState.CANCELLED:
            words = "Ask for the preview first, show it, and send its `expected` along."
            raise Invalid(words, fields={"expected": words})
        return Response(CancelledSerializer(self._cancel(request, booking, wanted)).data)

    def _cancel(self, request: Request, booking: Booking, wanted: dict[str, Any]) -> Cancellation:
        user = request.user if isinstance(request.user, User) and not edits.is_customer(request) else None
        done = cancellation.cancel(
            booking,
            actor=access.actor(request),
            by=user,
            reason=wanted["reason"],
            percent=wanted.get("percent"),
            as_credit=wanted["as_credit"],
            expected=wanted.get("expected", ""),
            authenticated_at=recent.proof_of(request).at if user else None,
        )
        return Cancellation.objects.select_related("booking").prefetch_related("refunds").get(pk=done.pk)


def is_preview(request: Request) -> bool:
    """Whether only to tell what would happen."""
    return request.query_params.get("preview", "").lower() in ("1", "true", "yes")
