"""The booking's page in the console: record cash, a check or a transfer that nobody claimed."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from bookings.models import Booking
from customers import access


class Recording:
    """Beside a ScopedAdmin of Booking."""

    def has_record_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Of the booking's own merchant. unfold hands over an id, so the row is looked up."""
        console: Any = self
        if obj is None:
            return access.may(request.user, permission=access.VERIFY)
        row = obj if isinstance(obj, Booking) else console.get_object(request, str(obj))
        return row is not None and access.may(
            request.user, permission=access.VERIFY, merchant_id=row.merchant_id
        )

    @action(description="Record money", icon="add_card", permissions=["record"])
    def record_money(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """On to the form, with this booking in it."""
        console: Any = self
        row: Booking | None = console.get_object(request, object_id)
        if row is None or not self.has_record_permission(request, row):
            raise Http404
        return HttpResponseRedirect(
            f"{reverse('admin:payments_transfer_record')}?{urlencode({'booking': row.code})}"
        )
