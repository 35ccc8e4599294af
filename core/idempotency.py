"""Idempotency-Key on POSTs that create or move something. Being completed."""

from core import clock
from core.models import IdempotencyRecord


def forget_expired() -> int:
    """Delete records past their 24 hours; how many."""
    return IdempotencyRecord.objects.filter(expires_at__lt=clock.now()).delete()[0]
