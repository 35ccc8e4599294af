"""Customers over the API: one's own row, or, for staff, any of the merchants they work for.

A booking's token opens none: whoever knows an e-mail address may book with it, and must not learn by that what is known
of the customer. A customer's browser is known by the grant of a one-time link, as on the pages (customers/sessions.py).
"""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from phonenumber_field.phonenumber import to_python
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import refusals
from core.errors import Forbidden, Invalid
from core.idempotency import ANONYMOUS, idempotent
from customers import access, merchants
from customers.models import Customer, Merchant

VIEW = "customers.view_customer"
ADD = "customers.add_customer"
CHANGE = "customers.change_customer"
TAG = "customers"


class CustomerUnnamed(Invalid):
    """Staff are customers of nobody: they say whom they mean."""

    code = "customer_unnamed"
    title = "Say which customer"


class EmailIsProven(Invalid):
    """An address is changed by a link sent to the new one, never by typing it."""

    code = "email_needs_link"
    title = "An e-mail address is changed by the link that is sent to the new one"


class MerchantUnnamed(Invalid):
    """Who works for several merchants says for which one."""

    code = "merchant_unnamed"
    title = "Say for which merchant"


class KnownCustomerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    merchant = serializers.CharField(source="merchant.slug")
    email = serializers.CharField()
    name = serializers.CharField()
    phone = serializers.CharField(help_text="E.164, or empty.")
    email_verified_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class CustomerQuerySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False, help_text="Staff: which customer.")
    email = serializers.CharField(max_length=254, required=False, help_text="Staff: which customer.")


class CustomerRequestSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    email = serializers.EmailField(
        max_length=254, required=False, help_text="Staff: whose row to make or change. Customers: their own."
    )
    name = serializers.CharField(max_length=120, required=False)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    merchant = serializers.CharField(
        max_length=60, required=False, help_text="Staff of several merchants: for which one (its slug)."
    )

    def validate_phone(self, value: str) -> str:
        """As people type it; kept in E.164."""
        if not value.strip():
            return ""
        number = to_python(value[:64], region=self.context["country"])
        if not number or not number.is_valid():
            raise serializers.ValidationError("Type it with its area code, or leave it out.")
        return str(number.as_e164)


class MeView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="customers_me",
        tags=[TAG],
        parameters=[CustomerQuerySerializer],
        responses={200: KnownCustomerSerializer, **refusals(401, 403, 404, 422)},
    )
    def get(self, request: Request) -> Response:
        """The signed-in customer. Staff name one of their merchants' customers by `id` or `email`."""
        if (own := customer_of(request)) is not None:
            return Response(self.shown(own))
        seen = _of_staff(request, permission=VIEW)
        query = CustomerQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response(self.shown(_named(seen, query.validated_data)))

    def shown(self, customer: Customer) -> dict[str, Any]:
        """The row; the room above adds what it knows (payments/api/credits.py)."""
        return dict(KnownCustomerSerializer(customer).data)


class CreateOrUpdateView(APIView):
    permission_classes = (AllowAny,)
    throttle_scope = "customer"

    def idempotency_scope(self, request: Request) -> tuple[str, int]:
        if (own := customer_of(request)) is not None:
            return f"customer:{own.pk}", own.merchant_id
        return (f"user:{request.user.pk}" if request.user.is_authenticated else ANONYMOUS), 0

    @extend_schema(
        operation_id="customers_create_or_update",
        tags=[TAG],
        request=CustomerRequestSerializer,
        responses={
            200: KnownCustomerSerializer,
            201: KnownCustomerSerializer,
            **refusals(400, 401, 403, 409, 415, 422, 429),
        },
    )
    @idempotent(route="customers/create-or-update")
    def post(self, request: Request) -> Response:
        """Customers change their own name and phone; staff make or change the customer of an e-mail address."""
        own = customer_of(request)
        merchant = own.merchant if own is not None else _merchant(request)
        body = CustomerRequestSerializer(data=request.data, context={"country": merchant.country})
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        if own is not None:
            return Response(KnownCustomerSerializer(_update(own, wanted)).data)
        if "email" not in wanted:
            raise CustomerUnnamed(fields={"email": "Type the customer's e-mail address."})
        customer, created = _of_address(merchant, wanted)
        return Response(KnownCustomerSerializer(customer).data, status=201 if created else 200)


def customer_of(request: Request) -> Customer | None:
    """The customer who asks: signed in with this browser, or with an account of their own at the host's merchant."""
    if isinstance(request.auth, Customer):
        return request.auth
    user = request.user
    if not user.is_authenticated or access.is_locked(user) or access.places(user):
        return None
    merchant = merchants.for_host(request.get_host())
    return Customer.objects.select_related("merchant").filter(user_id=user.pk, merchant=merchant).first()


def _of_staff(request: Request, *, permission: str) -> QuerySet[Customer]:
    if not access.may(request.user, permission=permission):
        raise (
            NotAuthenticated() if not request.user.is_authenticated and request.auth is None else Forbidden()
        )
    rows = Customer.objects.select_related("merchant")
    return access.scope(rows, user=request.user, permission=permission)


def _named(seen: QuerySet[Customer], query: dict[str, Any]) -> Customer:
    wanted: dict[str, uuid.UUID | str] = {}
    if "id" in query:
        wanted["public_id"] = query["id"]
    if "email" in query:
        wanted["email"] = query["email"].lower()
    if not wanted:
        raise CustomerUnnamed(fields={"id": "Give id or email."})
    found = seen.filter(**wanted).first()
    if found is None:
        raise Http404
    return found


def _merchant(request: Request) -> Merchant:
    """For which merchant staff write: the one they name, the host's, or the only one."""
    _of_staff(request, permission=CHANGE)
    mine = access.merchants_where(request.user, permission=CHANGE)
    slug = request.data.get("merchant") if isinstance(request.data, dict) else None
    if slug:
        mine = [one for one in mine if one.slug == slug]
        if not mine:
            raise Forbidden("You do not keep customers for that merchant.")
    elif len(mine) > 1:
        raise MerchantUnnamed(fields={"merchant": "You work for several merchants."})
    return mine[0]


def _update(customer: Customer, wanted: dict[str, Any]) -> Customer:
    if wanted.get("email", customer.email).lower() != customer.email:
        raise EmailIsProven(fields={"email": "Change it in the account: a link goes to the new address."})
    given = [name for name in ("name", "phone") if name in wanted]
    for name in given:
        setattr(customer, name, wanted[name])
    if given:
        customer.save(update_fields=given)
    return customer


def _of_address(merchant: Merchant, wanted: dict[str, Any]) -> tuple[Customer, bool]:
    """One row per merchant and address, also when two ask at once."""
    email = wanted["email"].lower()
    given: dict[str, Any] = {name: wanted[name] for name in ("name", "phone") if name in wanted}
    if "name" not in given and not Customer.objects.filter(merchant=merchant, email=email).exists():
        raise Invalid("A new customer needs a name.", fields={"name": "Type the customer's name."})
    return Customer.objects.select_related("merchant").update_or_create(
        merchant=merchant, email=email, defaults=given
    )
