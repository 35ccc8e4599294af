"""Stripe's events as they arrived. The row is the queue."""

from django.db import models
from django.db.models import Q

from payments.models.gateway_account import WebhookEndpoint


class EventState(models.TextChoices):
    PENDING = "pending", "To be handled"
    HANDLED = "handled", "Handled"
    IGNORED = "ignored", "Ignored by name"
    FAILED = "failed", "Failed, will be tried again"
    DEAD = "dead", "Given up, needs a person"


class WebhookEvent(models.Model):
    """Unique on (endpoint, event id). `due_at` is when it may be handled next; `lease_until` while a worker has it.

    States change by compare-and-set in payments/tasks.py; a repeated delivery counts itself in `deliveries` and makes
    a failed or dead row due again.
    """

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="events")
    stripe_event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=120)
    api_version = models.CharField(max_length=40, blank=True)
    account = models.CharField(
        max_length=64, blank=True, help_text="Connect: the account the event is about."
    )
    livemode = models.BooleanField()
    stripe_created = models.DateTimeField()
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=EventState, default=EventState.PENDING)
    received_at = models.DateTimeField()
    deliveries = models.PositiveIntegerField(default=1)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True, help_text="What it led to, in a few words.")
    last_error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "stripe_event_id"], name="one_row_per_endpoint_and_event"
            ),
            models.CheckConstraint(condition=Q(state__in=EventState.values), name="event_state_known"),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="event_due", condition=Q(state__in=["pending", "failed"])
            ),
            models.Index(
                fields=["state"], name="event_in_trouble", condition=Q(state__in=["failed", "dead"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_event_id}"
