"""Which of Stripe's objects the mirror must fetch anew, because an event alone could not tell how they stand."""

from django.db import models

from payments.models.gateway_account import GatewayAccount


class MirrorRefetch(models.Model):
    """One row per object; deleted once it was fetched and not marked again meanwhile (`marked_at`).

    `as_of` is the newest moment for which an event spoke of the object; `due_at` moves ahead while a worker has it.
    """

    gateway_account = models.ForeignKey(
        GatewayAccount, on_delete=models.CASCADE, related_name="mirror_refetches"
    )
    object_type = models.CharField(max_length=40)
    stripe_id = models.CharField(max_length=255)
    reason = models.CharField(max_length=200)
    as_of = models.DateTimeField()
    marked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["due_at", "id"]
        verbose_name_plural = "mirror refetches"
        constraints = [
            models.UniqueConstraint(
                fields=["gateway_account", "object_type", "stripe_id"], name="one_refetch_per_object"
            )
        ]
        indexes = [models.Index(fields=["due_at", "id"], name="mirror_refetch_due")]

    def __str__(self) -> str:
        return f"{self.object_type} {self.stripe_id}: {self.reason}"
