"""What core itself stores: answers kept for idempotent repeats, and e-mails waiting to go out.

Written by core/idempotency.py and core/outbox.py alone; staff read them in the admin.
"""

from django.db import models
from django.db.models import Q


class IdempotencyRecord(models.Model):
    """One use of an Idempotency-Key: in flight until answered, then the answer to repeat.

    Unique per principal, merchant, route and key. `merchant_id` is 0 where a route knows none; it is a
    plain number because core stands below the merchants. `lease_until` says until when a request in flight
    is believed to live.
    """

    class State(models.TextChoices):
        IN_FLIGHT = "in_flight", "In flight"
        DONE = "done", "Done"

    principal = models.CharField(max_length=120)
    merchant_id = models.BigIntegerField(default=0)
    route = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IN_FLIGHT)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response_body = models.JSONField(null=True, blank=True)
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "merchant_id", "route", "key"], name="core_idempotency_one_per_key"
            ),
            models.CheckConstraint(
                condition=Q(state="in_flight", response_status__isnull=True)
                | Q(state="done", response_status__isnull=False),
                name="core_idempotency_done_has_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class OutboxEmail(models.Model):
    """An e-mail to send, written in the transaction that makes it true. `key` names its cause: one cause,
    one mail. It bears `sender_name`, if one is given, and its answers go to `reply_to`.
    """

    key = models.CharField(max_length=200, unique=True)
    merchant_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    to = models.EmailField(max_length=320)
    sender_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    reply_to = models.EmailField(max_length=320, blank=True, default="", db_default="")
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(sent_at__isnull=True), name="core_outbox_waiting"),
        ]

    def __str__(self) -> str:
        return self.key


class OutboxAttachment(models.Model):
    """A file that goes with an e-mail."""

    email = models.ForeignKey(OutboxEmail, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=120)
    mimetype = models.CharField(max_length=100)
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.name
