"""Secrets of second factors under the newest encryption key (`manage.py rotate_field_encryption`).

allauth keeps them in a JSON column, so they are no field that the command finds by itself.
"""

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.db import transaction

from core.fields import DecryptionFailed, fernet

ENCRYPTED = ("secret", "seed")


def rotate() -> int:
    """Rows re-encrypted. DecryptionFailed when no key opens one; those before it stay renewed."""
    done = 0
    for pk in Authenticator.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None or not (present := [name for name in ENCRYPTED if name in row.data]):
                continue
            try:
                renewed = {name: fernet().rotate(row.data[name].encode()).decode() for name in present}
            except (InvalidToken, UnicodeError):
                raise DecryptionFailed(f"mfa.Authenticator.data, row {pk}: no key opens it.") from None
            row.data = {**row.data, **renewed}
            row.save(update_fields=["data"])
            done += 1
    return done
