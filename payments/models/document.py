"""What receipts and credit notes are: numbered papers, left with what they tell, then rendered and sent."""

from typing import ClassVar

from django.db import models

from core import clock
from core.public_ids import PublicIdModel


class Document(PublicIdModel):
    """Numbered per merchant without gaps; rendered and e-mailed after its transaction, then stamped."""

    PREFIX: ClassVar[str]

    number = models.PositiveIntegerField()
    pdf = models.BinaryField(null=True, editable=False)
    rendered_at = models.DateTimeField(null=True, blank=True)
    emailed_at = models.DateTimeField(null=True, blank=True, help_text="When it was put into the outbox.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        default=clock.now, help_text="When it may be rendered next: later after a failure."
    )
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return f"{self.PREFIX}-{self.number:06d}"


class DocumentCounter(models.Model):
    """The last number given per merchant; its row lock, the last that a transaction takes, keeps numbers gapless."""

    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} at {self.last_number}"
