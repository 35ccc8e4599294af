"""What the outside world calls a row: a UUID, never the database's counter."""

import uuid

from django.db import models


class PublicIdModel(models.Model):
    """Adds `public_id` and `created_at`."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
