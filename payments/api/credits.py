"""Credit in the API: shown to its own customer and to staff, spent on what a booking asks for next.

A booking's token sees none and spends none: it is given to whoever booked with an address.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api import access
from bookings.models import Purpose
from core.api import MoneyField, refusals
from core.errors import Forbidden, Invalid
from core.idempotency import idempotent
from customers.api import customers
from customers.models import Customer
from payments import credit, self_service
from payments.api import amounts
from payments.api.bookings import found
from payments.api.serializers import PaymentSerializer
from payments.models import Payment


class SpendSerializer(serializers.Serializer[Any]):
    """As much as there is, or `amount` at most; never more than the instalment asks for."""

    booking = serializers.CharField(max_length=64, help_text="The booking's code.")
    purpose = serializers.ChoiceField(Purpose.choices, help_text="The next open instalment's.")
    amount = serializers.JSONField(
        required=False, help_text='10000, or {"amount": 10000, "currency": "usd"}.'
    )


class SpendView(generics.GenericAPIView[Payment]):
    permission_classes = (AllowAny,)
    throttle_scope = "payment"

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        return access.idempotency_scope(request)

    @extend_schema(
        operation_id="payments_credit",
        tags=["payments"],
        request=SpendSerializer,
        responses={201: PaymentSerializer, **refusals(400, 401, 403, 404, 409, 415, 422, 429)},
    )
    @idempotent(route="payments/credit")
    def post(self, request: Request) -> Response:
        """Use the customer's credit for what is due next: the customer when signed in, or staff for them."""
        body = SpendSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        booking = found(request, code=wanted["booking"], permission=access.CHANGE_BOOKING)
        if access.booking_of(request) is not None:
            raise Forbidden("A booking's token spends no credit: its customer signs in for that.")
        payment = self_service.use_credit(
            booking,
            purpose=wanted["purpose"],
            amount_minor=_amount(wanted, currency=booking.currency),
            actor=access.actor(request),
        )
        return Response(PaymentSerializer(payment, context=self.get_serializer_context()).data, status=201)


def _amount(wanted: dict[str, Any], *, currency: str) -> int | None:
    if "amount" not in wanted:
        return None
    minor = amounts.sent_minor(wanted["amount"], currency=currency)
    if minor is None or minor <= 0:
        words = f"Send minor units of {currency}, more than zero."
        raise Invalid(words, fields={"amount": words})
    return minor


class CustomerWithCreditSerializer(customers.KnownCustomerSerializer):
    credit = MoneyField("credit_minor", currency="merchant.currency", help_text="What can be spent today.")


class MeView(customers.MeView):
    """The customers' room knows no credit: it is added here."""

    @extend_schema(
        operation_id="customers_me",
        tags=[customers.TAG],
        parameters=[customers.CustomerQuerySerializer],
        responses={200: CustomerWithCreditSerializer, **refusals(401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        """The signed-in customer with their credit. Staff name one of their merchants' customers by `id` or `email`."""
        return super().get(request)

    def shown(self, customer: Customer) -> dict[str, Any]:
        customer.credit_minor = credit.available(  # type: ignore[attr-defined]
            customer, currency=customer.merchant.currency
        )
        return dict(CustomerWithCreditSerializer(customer).data)
