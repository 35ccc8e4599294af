"""What every API view shares: amounts with their currency, pages by cursor, problem documents in the schema."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import forms
from django_filters import IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from core.money import Money
from core.problems import MEDIA_TYPE, ProblemSerializer

# Ends at a full stop before a capital, or at the end.
_FIRST_SENTENCE = re.compile(r".*?(?:\.(?= [A-Z0-9])|$)")
_ROW_ID = re.compile(r"[0-9]{1,18}", re.ASCII)


class MoneySerializer(serializers.Serializer[Any]):
    """An amount in the currency's minor units: {"amount": 10000, "currency": "usd"} is $100.00."""

    amount = serializers.IntegerField(help_text="Minor units, e.g. cents.")
    currency = serializers.CharField(help_text="Lower-case ISO 4217.")


@extend_schema_field(MoneySerializer)
class MoneyField(serializers.Field[Any, Any, Any, Any]):
    """`MoneyField("total_minor")`: an integer attribute (or key) with the object's currency beside it.

    `currency` is a dotted path from the object; where the amount is None so is the field.
    """

    def __init__(self, minor: str, *, currency: str = "currency", **kwargs: Any) -> None:
        self.minor = minor
        self.currency = currency
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, value: Any) -> dict[str, int | str] | None:
        minor = _follow(value, self.minor)
        return None if minor is None else Money(minor, _follow(value, self.currency)).as_json()


@extend_schema_field(OpenApiTypes.DATETIME)
class LocalTimeField(serializers.Field[Any, Any, Any, Any]):
    """A moment in the zone it carries: what the clock shows at the event, with its offset."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class _MomentField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        try:
            return found.astimezone(UTC) if found is not None else None
        except OverflowError as error:
            raise forms.ValidationError("Not a moment of ours.", code="invalid") from error


class MomentFilter(IsoDateTimeFilter):
    """A moment with its offset, in UTC from here on: the database knows fewer offsets than ISO 8601 can spell."""

    field_class = _MomentField


def _follow(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[step] if isinstance(value, Mapping) else getattr(value, step)
    return value


class NewestFirst(CursorPagination):
    """Pages by an opaque cursor: rows that arrive meanwhile neither repeat nor hide others."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Cursors are opaque, not secret: one of somebody's own making is refused, not handed to the database."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _ROW_ID.fullmatch(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def refusals(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """For `extend_schema(responses=…)`: the statuses that are answered with a problem document."""
    return {
        (status, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description="Refused; see `code`.")
        for status in statuses
    }


class Schema(AutoSchema):
    """OpenAPI of one view; says which routes honour an Idempotency-Key."""

    def get_summary(self) -> str | None:
        """What the page of the document shows beside a route: the first sentence of what its method says."""
        given = super().get_summary()
        method = getattr(self.view, self.method.lower(), None)
        words = " ".join((getattr(method, "__doc__", None) or "").split())
        return given or _FIRST_SENTENCE.match(words + " ").group().strip() or None  # type: ignore[union-attr]

    def get_override_parameters(self) -> list[Any]:
        method = getattr(self.view, self.method.lower(), None)
        if not hasattr(method, "idempotent_route"):
            return []
        return [
            OpenApiParameter(
                "Idempotency-Key",
                location=OpenApiParameter.HEADER,
                description="Repeats with the same key and body get the first answer again (24 hours).",
            )
        ]
