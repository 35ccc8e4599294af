"""How the webhooks' inbox does: for staff, and for monitors that sign in as one."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.api import refusals
from core.errors import Forbidden
from customers import access
from customers.models import Merchant
from payments.models import EventState, WebhookEvent

VIEW_EVENT = "payments.view_webhookevent"
# An event older than this and still not handled means that no worker is at work, or that it fails again and
# again.
LATE = timedelta(minutes=5)


class HealthSerializer(serializers.Serializer[Any]):
    """The webhooks' inbox of the merchants that the caller works for."""

    status = serializers.ChoiceField(["ok", "late", "failing"])
    oldest_unhandled_seconds = serializers.IntegerField(allow_null=True)
    backlog = serializers.IntegerField(help_text="Events to be handled, those to be tried again included.")
    failed = serializers.IntegerField(help_text="Events that failed and will be tried again.")
    dead = serializers.IntegerField(help_text="Events given up: they need a person.")
    last_event_at = serializers.DateTimeField(allow_null=True)


class WebhooksHealthView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="webhooks_health",
        tags=["operations"],
        responses={200: HealthSerializer, **refusals(401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Status, oldest unhandled age, backlog, failures and the last event."""
        merchants = access.merchants_where(request.user, permission=VIEW_EVENT)
        if not merchants:
            raise Forbidden() if request.user.is_authenticated else NotAuthenticated()
        return Response(HealthSerializer(health(merchants)).data)


def health(merchants: list[Merchant]) -> dict[str, Any]:
    """The figures for these merchants' endpoints, in two queries that the indexes answer."""
    events = WebhookEvent.objects.filter(endpoint__gateway_account__merchant__in=merchants)
    waiting = Q(state__in=[EventState.PENDING, EventState.FAILED])
    troubled = events.filter(state__in=[EventState.PENDING, EventState.FAILED, EventState.DEAD])
    figures = troubled.aggregate(
        backlog=Count("id", filter=waiting),
        failed=Count("id", filter=Q(state=EventState.FAILED)),
        dead=Count("id", filter=Q(state=EventState.DEAD)),
        oldest=Min("received_at", filter=waiting),
    )
    oldest: datetime | None = figures.pop("oldest")
    age = max(clock.now() - oldest, timedelta(0)) if oldest else None
    return {
        **figures,
        "status": _status(dead=figures["dead"], age=age),
        "oldest_unhandled_seconds": int(age.total_seconds()) if age is not None else None,
        "last_event_at": events.order_by("-id").values_list("received_at", flat=True).first(),
    }


def _status(*, dead: int, age: timedelta | None) -> str:
    if dead:
        return "failing"
    return "late" if age is not None and age > LATE else "ok"
