"""Shapes of the bookings' part of the API. Amounts go out as {"amount", "currency"}; none is ever read from
a body.
"""

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from bookings.models import LineKind, Per, Purpose
from core.api import LocalTimeField, MoneyField
from customers.models import PaymentMethod

MAX_ID = 2**63 - 1
# Past any real party; the catalogue's own limit answers in words.
MAX_COUNT = 100_000
MAX_ADD_ONS = 100
MAX_DAYS = 62

Serializer = serializers.Serializer[Any]


class MenuSerializer(Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    adult_price = MoneyField("adult_price_minor", currency="merchant.currency")
    child_price = MoneyField("child_price_minor", currency="merchant.currency")


class AddOnSerializer(Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    per = serializers.ChoiceField(Per.choices)
    price = MoneyField("price_minor", currency="merchant.currency")
    max_quantity = serializers.IntegerField()


class CatalogueSerializer(Serializer):
    """What a booking form offers. Prices are before tax."""

    merchant = serializers.CharField()
    currency = serializers.CharField()
    timezone = serializers.CharField()
    terms_version = serializers.CharField()
    max_guests = serializers.IntegerField()
    menus = MenuSerializer(many=True)
    add_ons = AddOnSerializer(many=True)


class SlotSerializer(Serializer):
    id = serializers.UUIDField(source="public_id")
    starts_at = LocalTimeField(help_text="In the merchant's zone.")
    ends_at = LocalTimeField(help_text="In the merchant's zone.")
    places = serializers.IntegerField(help_text="Events that can still be booked at this time.")


class SlotsSerializer(Serializer):
    results = SlotSerializer(many=True)


class SlotQuerySerializer(Serializer):
    date = serializers.DateField(required=False, help_text="A day in the merchant's zone.")
    month = serializers.RegexField(
        r"^[0-9]{4}-(0[1-9]|1[0-2])$", required=False, help_text="Instead of it a month, 2027-05."
    )
    until = serializers.DateField(
        required=False, help_text=f"With `date`: the last day of a range of {MAX_DAYS} days at most."
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Adds `days`, how many from `date` on."""
        if "month" in data and ("date" in data or "until" in data):
            raise serializers.ValidationError("Give either month or date.", code="date_or_month")
        if "until" in data and "date" not in data:
            raise serializers.ValidationError({"date": "Give the first day, too."}, code="required")
        return {**data, **_range(data)}


def _range(data: dict[str, Any]) -> dict[str, Any]:
    if "month" in data:
        year, month = map(int, data["month"].split("-"))
        if not MINYEAR < year < MAXYEAR:
            raise serializers.ValidationError({"month": "That is no month of ours."}, code="invalid")
        return {"date": date(year, month, 1), "days": monthrange(year, month)[1]}
    if "date" in data and not MINYEAR < data["date"].year < MAXYEAR:
        raise serializers.ValidationError({"date": "That is no day of ours."}, code="invalid")
    if "until" not in data:
        return {"days": 1}
    days = (data["until"] - data["date"]).days + 1
    if not 1 <= days <= MAX_DAYS:
        raise serializers.ValidationError({"until": f"1 to {MAX_DAYS} days."}, code="range")
    return {"days": days}


def each_add_on_once(chosen: list[dict[str, int]]) -> list[dict[str, int]]:
    """The same list: two quantities for one add-on would leave open which is meant."""
    if len(chosen) > MAX_ADD_ONS:
        raise serializers.ValidationError(f"{MAX_ADD_ONS} add-ons at most.", code="max_length")
    if len({one["id"] for one in chosen}) < len(chosen):
        raise serializers.ValidationError("Name each add-on once.", code="repeated")
    return chosen


class AddOnChoiceSerializer(Serializer):
    id = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    quantity = serializers.IntegerField(
        min_value=0, max_value=MAX_COUNT, default=1, help_text="1 unless the add-on is sold by the unit."
    )


class PartySerializer(Serializer):
    """What a price depends on."""

    menu = serializers.IntegerField(min_value=1, max_value=MAX_ID, help_text="Id of a menu of the catalogue.")
    adults = serializers.IntegerField(min_value=0, max_value=MAX_COUNT)
    children = serializers.IntegerField(min_value=0, max_value=MAX_COUNT, default=0)
    add_ons = AddOnChoiceSerializer(many=True, required=False)
    postal_code = serializers.CharField(max_length=40, help_text="Of the event: travel and tax depend on it.")

    def validate_add_ons(self, chosen: list[dict[str, int]]) -> list[dict[str, int]]:
        """As `each_add_on_once` says."""
        return each_add_on_once(chosen)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Ten adults and two children",
            request_only=True,
            value={
                "menu": 1,
                "date": "2027-05-14",
                "adults": 10,
                "children": 2,
                "add_ons": [{"id": 1, "quantity": 1}],
                "postal_code": "94110",
            },
        )
    ]
)
class PriceRequestSerializer(PartySerializer):
    """Give the time or, before one is chosen, the day."""

    slot = serializers.UUIDField(required=False)
    date = serializers.DateField(required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Taxes and due days depend on the day."""
        if ("slot" in data) == ("date" in data):
            raise serializers.ValidationError("Give either slot or date.", code="slot_or_date")
        return data


class PriceLineSerializer(Serializer):
    kind = serializers.ChoiceField(LineKind.choices)
    description = serializers.CharField()
    quantity = serializers.IntegerField()
    unit = MoneyField("unit_minor")
    amount = MoneyField("amount_minor")


class PlanPartSerializer(Serializer):
    purpose = serializers.ChoiceField(Purpose.choices)
    amount = MoneyField("amount_minor")
    due_on = serializers.DateField(allow_null=True, help_text="null: now.")


class MethodTotalSerializer(Serializer):
    """All of it paid by one method, fee included."""

    method = serializers.ChoiceField(PaymentMethod.choices)
    amount = MoneyField("amount_minor")
    fee = MoneyField("fee_minor")
    total = MoneyField("total_minor")
    saving = MoneyField("saving_minor", help_text="Against paying by card.")


class PriceSerializer(Serializer):
    """A preview: nothing is held. `total` is without the method's fee."""

    lines = PriceLineSerializer(many=True)
    subtotal = MoneyField("subtotal_minor")
    tax = MoneyField("tax_minor")
    total = MoneyField("total_minor")
    plan = PlanPartSerializer(many=True)
    methods = MethodTotalSerializer(many=True)
    zelle_saving = MoneyField(
        "zelle_saving_minor", help_text="What Zelle saves against card; 0 where it is not taken."
    )
