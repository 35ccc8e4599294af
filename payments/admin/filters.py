"""Ready-made questions to the lists. The start page's tiles link to them, so both count the same rows.

`*_rows` functions are those questions as querysets; each is one condition, so that counting is one statement.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from bookings.models import Booking, BookingState
from core import clock
from payments.models import (
    Claim,
    ClaimState,
    DeskItem,
    EventState,
    Payment,
    Refund,
    RefundRoute,
    RefundState,
    WebhookEvent,
)
from payments.models.refund import IN_FLIGHT

HOLD_SOON = timedelta(minutes=30)
RECENTLY = timedelta(days=30)
SOON = timedelta(days=7)
COMING_STATES = (BookingState.HELD, BookingState.CONFIRMED, BookingState.COMPLETED)


def start_of(day: date) -> datetime:
    """Midnight in the active zone, that is the merchant's."""
    return timezone.make_aware(datetime.combine(day, time.min))


def today() -> date:
    return timezone.localtime(clock.now()).date()


def this_week() -> tuple[date, date]:
    """Monday of this week and of the next."""
    monday = today() - timedelta(days=today().weekday())
    return monday, monday + timedelta(days=7)


def between(rows: QuerySet[Any], *, field: str, first: date, end: date) -> QuerySet[Any]:
    """Rows whose moment lies on the days from `first` up to, not including, `end`."""
    return rows.filter(**{f"{field}__gte": start_of(first), f"{field}__lt": start_of(end)})


def events_today(rows: QuerySet[Booking]) -> QuerySet[Booking]:
    return rows.filter(is_today(), state__in=COMING_STATES)


def is_today() -> Q:
    return Q(starts_at__gte=start_of(today()), starts_at__lt=start_of(today() + timedelta(days=1)))


def events_this_week(rows: QuerySet[Booking]) -> QuerySet[Booking]:
    monday, next_monday = this_week()
    return between(rows.filter(state__in=COMING_STATES), field="starts_at", first=monday, end=next_monday)


def events_soon(rows: QuerySet[Booking]) -> QuerySet[Booking]:
    """Today and the six days after it, whatever day of the week it is."""
    rows = rows.filter(state__in=COMING_STATES)
    return between(rows, field="starts_at", first=today(), end=today() + SOON)


def holds_ending_soon(rows: QuerySet[Booking]) -> QuerySet[Booking]:
    return rows.filter(state=BookingState.HELD, hold_expires_at__lt=clock.now() + HOLD_SOON)


def received_this_week(rows: QuerySet[Payment]) -> QuerySet[Payment]:
    monday, next_monday = this_week()
    return between(rows, field="succeeded_at", first=monday, end=next_monday)


def open_items(rows: QuerySet[DeskItem]) -> QuerySet[DeskItem]:
    return rows.filter(closed_at__isnull=True)


def claims_to_check(rows: QuerySet[Claim]) -> QuerySet[Claim]:
    return rows.filter(state=ClaimState.OPEN)


def refunds_to_approve(rows: QuerySet[Refund]) -> QuerySet[Refund]:
    return rows.filter(state=RefundState.REQUESTED)


def refunds_to_send(rows: QuerySet[Refund]) -> QuerySet[Refund]:
    """Agreed to, and for a person to send: what came by transfer goes back by transfer."""
    return rows.filter(state=RefundState.APPROVED, route=RefundRoute.MANUAL)


def refunds_on_their_way(rows: QuerySet[Refund]) -> QuerySet[Refund]:
    return rows.filter(state__in=sorted(IN_FLIGHT))


def refunds_failed_recently(rows: QuerySet[Refund]) -> QuerySet[Refund]:
    return rows.filter(state=RefundState.FAILED, updated_at__gte=clock.now() - RECENTLY)


def events_in_trouble(rows: QuerySet[WebhookEvent]) -> QuerySet[WebhookEvent]:
    return rows.filter(state__in=[EventState.FAILED, EventState.DEAD])


class Question(SimpleListFilter):
    """A filter whose choices are functions from rows to rows: {value: (label, function)}."""

    questions: dict[str, tuple[str, Any]] = {}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _ask) in self.questions.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = self.questions.get(self.value() or "")
        rows: QuerySet[Any] = found[1](queryset) if found else queryset
        return rows


class EventDayFilter(Question):
    title = "event"
    parameter_name = "event"
    questions = {
        "today": ("Today", events_today),
        "soon": ("Next 7 days", events_soon),
        "week": ("This week", events_this_week),
        "coming": ("Coming", lambda rows: rows.filter(starts_at__gte=start_of(today()))),
        "past": ("Past", lambda rows: rows.filter(starts_at__lt=start_of(today()))),
    }


class HoldFilter(Question):
    title = "hold"
    parameter_name = "hold"
    questions = {"soon": ("Ends within 30 minutes", holds_ending_soon)}


class ReceivedFilter(Question):
    title = "received"
    parameter_name = "received"
    questions = {
        "today": (
            "Today",
            lambda rows: between(rows, field="succeeded_at", first=today(), end=today() + timedelta(days=1)),
        ),
        "week": ("This week", received_this_week),
        "month": (
            "Last 30 days",
            lambda rows: between(
                rows, field="succeeded_at", first=today() - RECENTLY, end=today() + timedelta(days=1)
            ),
        ),
    }


class DeskFilter(Question):
    title = "standing"
    parameter_name = "standing"
    questions = {
        "open": ("Open", open_items),
        "closed": ("Closed", lambda rows: rows.filter(closed_at__isnull=False)),
    }


class RefundFilter(Question):
    title = "needs a look"
    parameter_name = "look"
    questions = {
        "approve": ("To be approved", refunds_to_approve),
        "send": ("To be sent by hand", refunds_to_send),
        "failed": ("Failed in the last 30 days", refunds_failed_recently),
        "on_their_way": ("On their way or unknown", refunds_on_their_way),
    }


class EventTroubleFilter(Question):
    title = "needs a look"
    parameter_name = "look"
    questions = {"trouble": ("Failed or given up", events_in_trouble)}
