"""Saved cards in the API: a signed-in customer's own, and staff charging one; the way into Stripe's portal."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api import access as callers
from core.api import NewestFirst, refusals
from core.errors import Forbidden, Invalid
from core.idempotency import idempotent
from customers import access, merchants
from customers.models import Customer
from payments import cards, charging, checkout, errors
from payments.api import amounts
from payments.api.access import visible
from payments.api.bookings import found
from payments.api.serializers import PaymentDetailSerializer, StartSerializer
from payments.models import CardSetup, Payment, SavedCard

VIEW_CARD = "payments.view_savedcard"


class SavedCardSerializer(serializers.Serializer[Any]):
    """A card kept at Stripe. Its number never reaches us."""

    id = serializers.UUIDField(source="public_id")
    customer = serializers.UUIDField(source="customer.public_id")
    brand = serializers.CharField()
    last4 = serializers.CharField()
    exp_month = serializers.IntegerField(allow_null=True)
    exp_year = serializers.IntegerField(allow_null=True)
    is_default = serializers.BooleanField()
    is_chargeable = serializers.BooleanField(
        help_text="Whether its customer consented to be charged with it while away."
    )
    created_at = serializers.DateTimeField()


class CardSetupSerializer(serializers.Serializer[Any]):
    """For Stripe.js: confirm it with `stripe.confirmSetup`. Show `consent` beside the button."""

    id = serializers.UUIDField()
    consent = serializers.CharField()
    publishable_key = serializers.CharField()
    client_secret = serializers.CharField(allow_null=True)


class ChargeSerializer(StartSerializer):
    method = serializers.UUIDField(help_text="A saved card of the booking's customer: GET payments/methods.")
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class PortalRequestSerializer(serializers.Serializer[Any]):
    customer = serializers.UUIDField(required=False, help_text="Staff: whose portal. Customers: left out.")


class PortalSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(help_text="Stripe's portal; good for a short time, for this customer alone.")


class OwnView(APIView):
    """Views of the signed-in customer, who is request.auth; staff come with a token or their session."""

    permission_classes = (AllowAny,)
    throttle_scope = "payment"

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        if isinstance(request.auth, Customer):
            return f"customer:{request.auth.pk}", request.auth.merchant_id
        return callers.idempotency_scope(request)

    def own(self, request: Request) -> Customer:
        if isinstance(request.auth, Customer):
            return request.auth
        if request.user.is_authenticated:
            raise Forbidden("Cards are saved and removed by their customer alone.")
        raise NotAuthenticated


class MethodsView(OwnView, generics.ListAPIView[SavedCard]):
    queryset = SavedCard.objects.none()
    serializer_class = SavedCardSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[SavedCard]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        if isinstance(self.request.auth, Customer):
            cards.catch_up(self.request.auth)
            return cards.kept(self.request.auth)
        return cards.kept(
            staffs_customer(self.request, self.request.GET.get("customer", ""), permission=VIEW_CARD)
        )

    @extend_schema(
        operation_id="payments_methods_list",
        tags=["cards"],
        parameters=[OpenApiParameter("customer", OpenApiTypes.UUID, description="Staff: whose cards.")],
        responses={200: SavedCardSerializer(many=True), **refusals(401, 403, 404, 422)},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The cards that the signed-in customer keeps; for staff those of one customer."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="payments_methods_create",
        tags=["cards"],
        request=None,
        responses={201: CardSetupSerializer, **refusals(400, 401, 402, 403, 409, 422, 429, 503)},
    )
    @idempotent(
        route="payments/methods",
        secrets=("client_secret",),
        refresh=lambda view, request, stored: view.with_secret_again(request, stored),
    )
    def post(self, request: Request) -> Response:
        """Begin saving a card: a SetupIntent's client secret. Only after the e-mail address was proven."""
        return Response(_shown(cards.begin(customer=self.own(request))), status=201)

    def with_secret_again(self, request: Request, stored: dict[str, Any]) -> dict[str, Any]:
        """The secret asked of Stripe anew; null once that saving has ended."""
        setup = CardSetup.objects.filter(public_id=stored["id"], customer=self.own(request)).first()
        return {**stored, "client_secret": cards.secret_of(setup) if setup else None}


class MethodView(OwnView):
    @extend_schema(
        operation_id="payments_methods_delete",
        tags=["cards"],
        request=None,
        responses={204: None, **refusals(401, 403, 404, 429, 503)},
    )
    def delete(self, request: Request, public_id: str) -> Response:
        """Remove one of one's own cards; Stripe forgets it. It can be saved again."""
        card = cards.kept(self.own(request)).filter(public_id=public_id).first()
        if card is None:
            raise Http404
        cards.remove(card=card)
        return Response(status=204)


class ChargeView(generics.GenericAPIView[Payment]):
    permission_classes = (AllowAny,)
    throttle_scope = "payment"
    queryset = Payment.objects.none()
    serializer_class = PaymentDetailSerializer

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return callers.idempotency_scope(request)

    @extend_schema(
        operation_id="payments_charge",
        tags=["cards"],
        request=ChargeSerializer,
        responses={201: PaymentDetailSerializer, **refusals(400, 401, 402, 403, 404, 409, 422, 429, 503)},
    )
    @idempotent(route="payments/charge")
    def post(self, request: Request) -> Response:
        """Staff charge a saved card for the next instalment while its customer is away.

        `succeeded`; or `requires_action`: the bank wants the customer, whom an e-mail leads to the same payment. A
        decline is 402 `card_declined`; the payment stays open for another card.
        """
        body = ChargeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        booking = found(request, code=wanted["booking"])
        if not access.may(request.user, permission=access.CHARGE_CARD, merchant_id=booking.merchant_id):
            raise Forbidden("Charging saved cards is for staff who may.")
        card = cards.kept(booking.customer).filter(public_id=wanted["method"]).first()
        if card is None:
            raise errors.CardNotUsable("The booking's customer keeps no such card.")
        due = checkout.due(booking, purpose=wanted["purpose"])
        amounts.compare(wanted, due=due, currency=booking.currency)
        payment = charging.charge(
            booking=booking,
            card=card,
            purpose=wanted["purpose"],
            actor=callers.actor(request),
            reason=wanted["reason"],
        )
        row = visible(request).prefetch_related("attempts").get(pk=payment.pk)
        return Response(self.get_serializer(row).data, status=201)


class PortalLinkView(OwnView):
    @extend_schema(
        operation_id="customers_portal_link",
        tags=["cards"],
        request=PortalRequestSerializer,
        responses={201: PortalSerializer, **refusals(400, 401, 402, 403, 404, 409, 422, 429, 503)},
    )
    @idempotent(
        route="customers/portal-link",
        secrets=("url",),
        refresh=lambda view, request, stored: {**stored, "url": view.address(request)},
    )
    def post(self, request: Request) -> Response:
        """The address of Stripe's portal: the signed-in customer's own; for staff, of any customer of theirs."""
        return Response({"url": self.address(request)}, status=201)

    def address(self, request: Request) -> str:
        body = PortalRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if isinstance(request.auth, Customer):
            customer = request.auth
            cards.require_proof(customer)
        else:
            named = str(body.validated_data.get("customer", ""))
            customer = staffs_customer(request, named, permission=access.CHARGE_CARD)
        page = f"{merchants.site_url(customer.merchant)}{reverse('payments:account-cards')}?from=portal"
        return cards.portal(customer=customer, return_url=page)


def staffs_customer(request: Request, named: str, *, permission: str) -> Customer:
    """The customer that staff name, of a merchant where they have the permission; Http404 for anybody else's."""
    if not request.user.is_authenticated:
        raise NotAuthenticated
    if not access.may(request.user, permission=permission):
        raise Forbidden()
    if not named:
        missing = {"field": "customer", "code": "required", "detail": "Name the customer."}
        raise Invalid("Name the customer.", errors=[missing])
    field = serializers.UUIDField()
    try:
        public_id = field.run_validation(named)
    except serializers.ValidationError as refusal:
        raise Http404 from refusal
    rows = access.scope(Customer.objects.select_related("merchant"), user=request.user, permission=permission)
    customer = rows.filter(public_id=public_id).first()
    if customer is None:
        raise Http404
    return customer


def _shown(begun: cards.Begun) -> dict[str, Any]:
    return {
        "id": str(begun.setup.public_id),
        "consent": begun.setup.consent,
        "publishable_key": begun.publishable_key,
        "client_secret": begun.client_secret,
    }
