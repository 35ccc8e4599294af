"""Filters that never offer another merchant's rows."""

from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from customers import access


class MerchantFilter(SimpleListFilter):
    """Only for people who work for several merchants; the others are not offered it."""

    title = "merchant"
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        self.path = getattr(model_admin, "merchant_path", "merchant")
        merchants = [place.merchant for place in access.places(request.user)]
        return [(str(merchant.pk), merchant.name) for merchant in merchants] if len(merchants) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{self.path: value}) if value and value.isdigit() else queryset
