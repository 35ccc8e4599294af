"""The merchant's terms, privacy notice and refunds policy, version by version."""

from django.db import models
from django.db.models import Q

from customers.models import Merchant


class LegalKind(models.TextChoices):
    TERMS = "terms", "Terms"
    PRIVACY = "privacy", "Privacy"
    REFUNDS = "refunds-policy", "Cancelling and refunds"


class LegalText(models.Model):
    """One version, append-only: what a customer accepted can be read for ever. Written by bookings/legal.py alone.

    `is_generated`: made from the merchant's settings, and made anew when they change; else written by staff.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="legal_texts")
    kind = models.CharField(max_length=14, choices=LegalKind)
    version = models.PositiveIntegerField()
    body = models.TextField()
    is_generated = models.BooleanField(default=False)
    actor = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "kind", "version"], name="one_legal_text_per_version"
            ),
            models.CheckConstraint(condition=Q(kind__in=LegalKind.values), name="legal_text_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, version {self.version}"
