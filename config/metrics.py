"""`/metrics` for Prometheus: how requests went, and what waits in the database. No merchant, customer or amount.

Answered to whoever sends `Authorization: Bearer <METRICS_TOKEN>`; without that setting there is no such page. What
waits is read at the scrape, in six statements that partial indexes answer: settled rows are not counted. Counts of
requests are each process's own; with PROMETHEUS_MULTIPROC_DIR set, those of all processes that share the directory.
Stripe's deliveries pass by this middleware: their rows are counted instead.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count, Min, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from core import clock, outbox
from payments.models import (
    HOLDING_STATES,
    OPEN_STATES,
    CreditNote,
    DeskItem,
    DeskKind,
    EventState,
    Payment,
    Receipt,
    Refund,
    WebhookEvent,
)

PATH = "/metrics"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What no route took: static files, redirects and addresses that do not exist.
NO_ROUTE = "none"
EVENT_STATES = (EventState.PENDING, EventState.FAILED, EventState.DEAD)

OF_THIS_PROCESS = CollectorRegistry()
REQUESTS = Histogram(
    "tableside_request_seconds",
    "Answered requests by route, and how long they took.",
    ["method", "route", "status"],
    registry=OF_THIS_PROCESS,
)

Answer = Callable[[HttpRequest], HttpResponse]


class MetricsMiddleware:
    """Answers `/metrics` itself, and measures everything else."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == PATH and settings.METRICS_TOKEN:
            return scrape(request)
        began = time.perf_counter()
        answer = self._get_response(request)
        match = request.resolver_match
        REQUESTS.labels(
            method=request.method if request.method in METHODS else "other",
            route=match.route if match else NO_ROUTE,
            status=str(answer.status_code),
        ).observe(time.perf_counter() - began)
        return answer


def scrape(request: HttpRequest) -> HttpResponse:
    """The page: 401 without the token."""
    if not constant_time_compare(
        request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
    ):
        return HttpResponse("", status=401, headers={"WWW-Authenticate": "Bearer"})
    waiting = CollectorRegistry()
    waiting.register(Waiting())
    page = generate_latest(_of_requests()) + generate_latest(waiting)
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _of_requests() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return OF_THIS_PROCESS
    together = CollectorRegistry()
    MultiProcessCollector(together)
    return together


class Waiting(Collector):
    """What the database holds that is not settled yet. `tableside_database_up` is 0 when it does not answer."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        up = GaugeMetricFamily("tableside_database_up", "Whether the database answered this scrape.")
        try:
            found = [*_events(), *_money(), *_mails(), _desk()]
        except DatabaseError:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *found]


def _events() -> Iterator[GaugeMetricFamily]:
    rows = WebhookEvent.objects.filter(state__in=EVENT_STATES)
    found = _grouped(rows, by="state", since="due_at")
    yield _counts("events", "Webhook events not settled.", states=EVENT_STATES, found=found)
    due = GaugeMetricFamily("tableside_events_oldest_due_seconds", "For how long the first event is due.")
    due.add_metric([], max(found[state][1] if state in found else 0.0 for state in EVENT_STATES[:2]))
    yield due


def _money() -> Iterator[GaugeMetricFamily]:
    """Open payments and refunds: how many, and for how long the oldest of each state has not moved."""
    tables: tuple[tuple[str, type[Model], Iterable[str]], ...] = (
        ("payments", Payment, OPEN_STATES),
        ("refunds", Refund, HOLDING_STATES),
    )
    for name, model, states in tables:
        rows = model._default_manager.filter(state__in=sorted(states))
        found = _grouped(rows, by="state", since="updated_at")
        yield _counts(f"{name}_open", f"Open {name} by state.", states=sorted(states), found=found)
        ages = GaugeMetricFamily(
            f"tableside_{name}_open_oldest_seconds", "Since when the oldest is as it is.", labels=["state"]
        )
        for state in sorted(states):
            ages.add_metric([state], found[state][1] if state in found else 0.0)
        yield ages


def _mails() -> Iterator[GaugeMetricFamily]:
    tables: tuple[tuple[str, QuerySet[Any]], ...] = (
        ("emails", outbox.waiting()),
        ("receipts", Receipt.objects.filter(emailed_at__isnull=True)),
        ("credit_notes", CreditNote.objects.filter(emailed_at__isnull=True)),
    )
    for name, rows in tables:
        found = rows.aggregate(count=Count("pk"), since=Min("due_at"))
        count = GaugeMetricFamily(
            f"tableside_{name}_unsent", f"{name.replace('_', ' ').capitalize()} not sent yet."
        )
        count.add_metric([], found["count"])
        due = GaugeMetricFamily(f"tableside_{name}_oldest_due_seconds", "For how long the first is due.")
        due.add_metric([], _seconds_since(found["since"]))
        yield from (count, due)


def _desk() -> GaugeMetricFamily:
    found = _grouped(DeskItem.objects.filter(closed_at__isnull=True), by="kind", since="created_at")
    return _counts("desk_open", "Desk items waiting for a person.", states=DeskKind.values, found=found)


def _grouped(rows: QuerySet[Any], *, by: str, since: str) -> dict[str, tuple[int, float]]:
    """For each group its number of rows and the age of the oldest, in one statement."""
    groups = rows.order_by().values_list(by).annotate(Count("pk"), Min(since))
    return {group: (count, _seconds_since(first)) for group, count, first in groups}


def _counts(
    name: str, told: str, *, states: Iterable[str], found: dict[str, tuple[int, float]]
) -> GaugeMetricFamily:
    """Every state is told, also at zero: an alert on what is missing would never ring."""
    gauge = GaugeMetricFamily(f"tableside_{name}", told, labels=["state"])
    for state in states:
        gauge.add_metric([str(state)], found[state][0] if state in found else 0)
    return gauge


def _seconds_since(moment: datetime | None) -> float:
    return max((clock.now() - moment).total_seconds(), 0.0) if moment else 0.0
