"""Re-encrypt every encrypted field under the newest key, so that an old key can be removed.

Order: put the new key first in FIELD_ENCRYPTION_KEYS, restart, run this, remove the old key, restart. Safe
to stop and run again; rows changed meanwhile keep the newer value.
"""

from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast

from core.fields import DecryptionFailed, EncryptedTextField, fernet

BATCH_ROWS = 500


class Command(BaseCommand):
    help = "Re-encrypt encrypted fields under the newest key of FIELD_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        for model in apps.get_models():
            for field in model._meta.local_concrete_fields:
                if isinstance(field, EncryptedTextField):
                    rows = rotate(model, field=field)
                    self.stdout.write(f"{model._meta.label}.{field.name}: {rows} re-encrypted")
        for room in apps.get_app_configs():  # what a room keeps encrypted elsewhere than in such a field
            if rotate_more := getattr(room, "rotate_field_encryption", None):
                try:
                    self.stdout.write(rotate_more())
                except DecryptionFailed as error:
                    raise CommandError(str(error)) from None


def rotate(model: type[models.Model], *, field: EncryptedTextField) -> int:
    """Rows of one column re-encrypted; each only if it still holds what was read."""
    # Cast to plain text: neither reading nor writing may pass through the field's own decryption.
    rows = model._base_manager.annotate(stored=Cast(F(field.name), TextField())).exclude(stored="")
    done, last = 0, 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", "stored")[:BATCH_ROWS]):
        for pk, stored in batch:
            try:
                renewed = fernet().rotate(stored.encode("ascii")).decode("ascii")
            except (InvalidToken, UnicodeError):
                raise CommandError(f"{model._meta.label}.{field.name}, row {pk}: no key opens it.") from None
            done += rows.filter(pk=pk, stored=stored).update(
                **{field.name: Value(renewed, output_field=TextField())}
            )
        last = batch[-1][0]
    return done
