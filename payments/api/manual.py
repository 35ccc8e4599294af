"""Transfers in the API as staff decide about them: found, not found, recorded, taken back."""

from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.models import Booking
from core.api import refusals
from core.errors import Forbidden, Invalid
from core.idempotency import idempotent
from customers import access
from customers.models import Customer, Merchant
from payments import errors, manual
from payments.api.access import visible
from payments.api.amounts import sent_minor
from payments.api.bookings import found
from payments.api.claims import PaymentActionView
from payments.api.manual_shapes import (
    ClaimSerializer,
    ConfirmSerializer,
    OutcomeSerializer,
    RecordSerializer,
    RejectSerializer,
)
from payments.api.serializers import PaymentSerializer
from payments.models import Claim, ClaimState, Payment


class StaffView(PaymentActionView):
    """What staff decide about a payment."""

    def open_claim(self, payment: Payment) -> Claim:
        said = payment.claims.filter(state=ClaimState.OPEN).first()
        if said is None:
            raise errors.AlreadyDecided("No claim of this payment waits to be checked.")
        return said

    def outcome(self, outcome: manual.Outcome) -> Response:
        shown = OutcomeSerializer(outcome, context=self.get_serializer_context()).data
        return Response(shown, status=201 if outcome.is_new else 200)


class ConfirmView(StaffView):
    @extend_schema(
        operation_id="payments_confirm",
        tags=["payments"],
        request=ConfirmSerializer,
        responses={201: OutcomeSerializer, **refusals(400, 401, 403, 404, 409, 422, 429)},
    )
    @idempotent(route="payments/confirm")
    def post(self, request: Request, public_id: str) -> Response:
        """Staff found the claimed money: so much, on that day. Short, it is a part; what is too much becomes credit."""
        payment = self.payment(request, public_id=public_id, permission=access.VERIFY)
        body = ConfirmSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        outcome = manual.confirm(
            self.open_claim(payment),
            amount_minor=_minor(wanted["amount"], currency=payment.currency),
            others=_parts(request, wanted["others"]),
            by=_by(request),
            request_key=_key(request),
            **_facts(wanted),
        )
        return self.outcome(outcome)


class RejectView(StaffView):
    @extend_schema(
        operation_id="payments_reject",
        tags=["payments"],
        request=RejectSerializer,
        responses={200: ClaimSerializer, **refusals(400, 401, 403, 404, 409, 422, 429)},
    )
    @idempotent(route="payments/reject")
    def post(self, request: Request, public_id: str) -> Response:
        """Staff did not find the money. The customer is told why, kindly, and may claim again."""
        payment = self.payment(request, public_id=public_id, permission=access.VERIFY)
        body = RejectSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = manual.reject(self.open_claim(payment), reason=body.validated_data["reason"], by=_by(request))
        return Response(ClaimSerializer(said).data)


class RecordView(StaffView):
    @extend_schema(
        operation_id="payments_record",
        tags=["payments"],
        request=RecordSerializer,
        responses={201: OutcomeSerializer, **refusals(400, 401, 403, 404, 409, 422, 429)},
    )
    @idempotent(route="payments/record")
    def post(self, request: Request) -> Response:
        """Staff record money that nobody claimed: cash, a check, a transfer; for bookings or as credit."""
        merchants = access.merchants_where(request.user, permission=access.VERIFY)
        if not merchants:
            raise Forbidden() if request.user.is_authenticated else NotAuthenticated()
        body = RecordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        merchant, parts = _wanted_parts(request, wanted, merchants=merchants)
        transfer = manual.Found(
            merchant=merchant,
            method=wanted["method"],
            amount_minor=sum(part.amount_minor for part in parts),
            currency=merchant.currency,
            by=_by(request),
            request_key=_key(request),
            **_facts(wanted),
        )
        if _minor(wanted["amount"], currency=merchant.currency) != transfer.amount_minor:
            raise Invalid(
                "The parts do not sum to the amount.", fields={"parts": "They do not sum to the amount."}
            )
        return self.outcome(manual.split(transfer, parts=parts))


class ReverseView(StaffView):
    @extend_schema(
        operation_id="payments_reverse",
        tags=["payments"],
        request=RejectSerializer,
        responses={200: PaymentSerializer, **refusals(400, 401, 403, 404, 409, 422, 429)},
    )
    @idempotent(route="payments/reverse")
    def post(self, request: Request, public_id: str) -> Response:
        """Staff take a recorded transfer back (a wrong match, a bounced check), with all payments made of it."""
        payment = self.payment(request, public_id=public_id, permission=access.REVERSE)
        body = RejectSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if payment.transfer is None:
            raise errors.NotReversible("This payment is no recorded transfer.")
        manual.reverse(payment.transfer, reason=body.validated_data["reason"], by=_by(request))
        payment = visible(request).get(pk=payment.pk)
        return Response(PaymentSerializer(payment, context=self.get_serializer_context()).data)


def _by(request: Request) -> User:
    """Who decides; permissions were asked for before."""
    assert isinstance(request.user, User)
    return request.user


def _facts(wanted: dict[str, Any]) -> dict[str, Any]:
    received_on: date = wanted["received_on"]
    return {
        "received_on": received_on,
        **{name: wanted[name] for name in ("reference", "sender_name", "note")},
    }


def _key(request: Request) -> str:
    """The Idempotency-Key also names the transfer: should the stored answer get lost, nothing is recorded twice."""
    key = request.headers.get("Idempotency-Key", "")
    return f"api:{request.user.pk}:{key}"[:64] if key and len(key) <= 40 else ""


def _minor(value: Any, *, currency: str) -> int:
    minor = sent_minor(value, currency=currency)
    if minor is None:
        words = f"Send minor units of {currency}: 10000, or an amount with its currency."
        raise Invalid(words, fields={"amount": words})
    return minor


def _parts(request: Request, wanted: list[dict[str, Any]]) -> list[manual.Part]:
    return [_part(request, each["booking"], each["amount"]) for each in wanted]


def _part(request: Request, code: str, amount: Any, *, purpose: str = "") -> manual.Part:
    booking: Booking = found(request, code=code, permission=access.VERIFY)
    return manual.Part(
        amount_minor=_minor(amount, currency=booking.currency), booking=booking, purpose=purpose
    )


def _wanted_parts(
    request: Request, wanted: dict[str, Any], *, merchants: list[Merchant]
) -> tuple[Merchant, list[manual.Part]]:
    """Whose money it is, and where it goes: one booking, several, or a customer's credit."""
    given = [name for name in ("booking", "parts", "customer") if wanted.get(name)]
    if len(given) != 1:
        words = "Name a booking, parts, or a customer: exactly one of them."
        raise Invalid(words, fields={"booking": words})
    if "booking" in given:
        parts = [_part(request, wanted["booking"], wanted["amount"], purpose=wanted["purpose"])]
    elif "parts" in given:
        parts = _parts(request, wanted["parts"])
    else:
        customer = Customer.objects.filter(public_id=wanted["customer"], merchant__in=merchants).first()
        if customer is None:
            raise Http404
        minor = _minor(wanted["amount"], currency=customer.merchant.currency)
        return customer.merchant, [manual.Part(amount_minor=minor, customer=customer)]
    assert parts[0].booking is not None
    return parts[0].booking.merchant, parts
