"""The refund console's tabs: what waits for whom, each with its count, one statement for all of them."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from core import clock
from payments.admin.filters import RECENTLY
from payments.models import Refund, RefundRoute, RefundState
from payments.models.refund import IN_FLIGHT


@dataclass(frozen=True)
class Tab:
    look: str
    title: str
    count: int
    url: str
    is_open: bool
    tone: str


def questions() -> dict[str, tuple[str, str, Q]]:
    """`look` -> (title, tone, condition). Those of filters.RefundFilter, as conditions that can be counted at once."""
    failed = Q(state=RefundState.FAILED, updated_at__gte=clock.now() - RECENTLY)
    return {
        "approve": ("To approve", "warn", Q(state=RefundState.REQUESTED)),
        "send": ("To send by hand", "warn", Q(state=RefundState.APPROVED, route=RefundRoute.MANUAL)),
        "on_their_way": ("On their way", "", Q(state__in=sorted(IN_FLIGHT))),
        "unknown": ("Unknown", "bad", Q(state=RefundState.UNKNOWN)),
        "failed": ("Failed", "bad", failed),
    }


def tabs(request: HttpRequest, rows: QuerySet[Refund]) -> list[Tab]:
    """The person's own, with "All" at the end."""
    asked = questions()
    counts: dict[str, Any] = rows.order_by().aggregate(
        **{look: Count("pk", filter=condition) for look, (_, _, condition) in asked.items()}
    )
    url = reverse("admin:payments_refund_changelist")
    now = request.GET.get("look", "")
    found = [
        Tab(look, title, counts[look], f"{url}?look={look}", now == look, tone if counts[look] else "")
        for look, (title, tone, _) in asked.items()
    ]
    return [*found, Tab("", "All", 0, url, not now, "")]
