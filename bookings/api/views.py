"""Catalogue, free times and price preview: open to anyone, throttled, changing nothing."""

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import catalogue, minimums, page_legal, plan, pricing, slots
from bookings.api.access import merchant_of
from bookings.api.serializers import (
    CatalogueSerializer,
    PriceRequestSerializer,
    PriceSerializer,
    SlotQuerySerializer,
    SlotsSerializer,
)
from bookings.errors import InvalidRequest
from bookings.page_prices import TRANSFERS
from core import clock
from core.api import refusals
from customers.models import Merchant, PaymentMethod

SLOTS, SLOTS_OF_A_RANGE = 100, 1000
# Fields that the API calls by shorter names than the use cases do.
FIELD_NAMES = {"slot_public_id": "slot", "menu_id": "menu"}


def in_api_words(error: InvalidRequest) -> InvalidRequest:
    """The same refusal with the names of the API's fields."""
    return InvalidRequest({FIELD_NAMES.get(name, name): detail for name, detail in error.fields.items()})


class OpenView(APIView):
    """Anyone may ask; who asks is of no interest, so no session and no token is read."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_scope = "price"


class CatalogueView(OpenView):
    @extend_schema(
        operation_id="catalogue",
        tags=["bookings"],
        responses={200: CatalogueSerializer, **refusals(404, 429)},
    )
    def get(self, request: Request) -> Response:
        """Menus and add-ons that can be booked."""
        merchant = merchant_of(request)
        return Response(
            CatalogueSerializer(
                {
                    "merchant": merchant.name,
                    "currency": merchant.currency,
                    "timezone": merchant.timezone,
                    "terms_version": page_legal.terms_version(merchant),
                    "max_guests": catalogue.MAX_GUESTS,
                    "menus": catalogue.menus(merchant).select_related("merchant"),
                    "add_ons": catalogue.add_ons(merchant).select_related("merchant"),
                }
            ).data
        )


class SlotsView(OpenView):
    @extend_schema(
        operation_id="slots",
        tags=["bookings"],
        parameters=[SlotQuerySerializer],
        responses={200: SlotsSerializer, **refusals(404, 422, 429)},
    )
    def get(self, request: Request) -> Response:
        """The next 100 times with a place left, soonest first; or those of a day, range or month (at most 1,000)."""
        query = SlotQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        limit = SLOTS if wanted["days"] == 1 else SLOTS_OF_A_RANGE
        found = slots.free(
            merchant=merchant_of(request), on=wanted.get("date"), days=wanted["days"], limit=limit
        )
        return Response(SlotsSerializer({"results": found}).data)


class PriceView(OpenView):
    @extend_schema(
        operation_id="bookings_price",
        tags=["bookings"],
        request=PriceRequestSerializer,
        responses={200: PriceSerializer, **refusals(400, 404, 422, 429)},
    )
    def post(self, request: Request) -> Response:
        """A price preview: lines, tax, payment plan, total per payment method and what Zelle saves."""
        body = PriceRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(PriceSerializer(preview(body.validated_data, merchant=merchant_of(request))).data)


def preview(wanted: dict[str, Any], *, merchant: Merchant) -> dict[str, Any]:
    """The price of what was asked for, as PriceSerializer shows it. Raises InvalidRequest by field."""
    day = _event_date(wanted, merchant=merchant)
    try:
        inputs = catalogue.inputs(
            merchant=merchant,
            menu_id=wanted["menu"],
            adults=wanted["adults"],
            children=wanted["children"],
            add_ons={one["id"]: one["quantity"] for one in wanted.get("add_ons", [])},
            postal_code=wanted["postal_code"],
            event_date=day,
        )
    except InvalidRequest as error:
        raise in_api_words(error) from error
    price = pricing.price(inputs)
    parts = plan.plan(
        total_minor=price.total_minor,
        policy=plan.PlanPolicy(
            merchant.deposit_minor, merchant.balance_due_days, minimums.card_minor(merchant.currency)
        ),
        event_date=day,
        today=clock.today(merchant.timezone),
    )
    return _shown(price, parts=parts, merchant=merchant)


def _event_date(wanted: dict[str, Any], *, merchant: Merchant) -> date:
    if "date" in wanted:
        day: date = wanted["date"]
        if day < clock.today(merchant.timezone):
            raise InvalidRequest({"date": "That day has passed."})
        return day
    slot = slots.find(merchant=merchant, public_id=wanted["slot"])
    if slot is None:
        raise InvalidRequest({"slot": "That time is no longer offered. Please choose another one."})
    return slots.local_date(slot, merchant=merchant)


def _is_closed(method: PaymentMethod, *, merchant: Merchant) -> bool:
    """A transfer with nowhere to go; cash and checks are staff's, who take them whatever the pages offer."""
    return method in TRANSFERS and not merchant.takes(method)


def _shown(price: pricing.Price, *, parts: tuple[plan.Part, ...], merchant: Merchant) -> dict[str, Any]:
    methods = pricing.totals_by_method(
        parts_minor=[part.amount_minor for part in parts], rates=catalogue.method_fee_rates(merchant)
    )
    methods = tuple(one for one in methods if not _is_closed(one.method, merchant=merchant))
    zelle = sum(one.saving_minor for one in methods if one.method == PaymentMethod.ZELLE)
    return {
        "currency": price.currency,
        "lines": [_line(line, currency=price.currency) for line in price.lines],
        "subtotal_minor": price.subtotal_minor,
        "tax_minor": price.tax_minor,
        "total_minor": price.total_minor,
        "plan": [
            {"purpose": part.purpose, "amount_minor": part.amount_minor, "due_on": part.due_on, **_in(price)}
            for part in parts
        ],
        "methods": [
            {
                "method": one.method,
                "amount_minor": one.amount_minor,
                "fee_minor": one.fee_minor,
                "total_minor": one.total_minor,
                "saving_minor": one.saving_minor,
                **_in(price),
            }
            for one in methods
        ],
        "zelle_saving_minor": zelle,
    }


def _in(price: pricing.Price) -> dict[str, str]:
    return {"currency": price.currency}


def _line(line: pricing.Line, *, currency: str) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "description": line.description,
        "quantity": line.quantity,
        "unit_minor": line.unit_minor,
        "amount_minor": line.amount_minor,
        "currency": currency,
    }
