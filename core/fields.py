"""Text that the database keeps encrypted (merchants' gateway secrets).

Fernet tokens under settings.FIELD_ENCRYPTION_KEYS, newest first: the first encrypts, all decrypt. A token
that no key opens raises; ciphertext is never returned as if it were the value. Ciphertext differs each
time, so the field cannot be searched: only `isnull` works. `manage.py rotate_field_encryption` re-encrypts
under the newest key.
"""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.expressions import Expression


class DecryptionFailed(Exception):
    """No configured key opens the stored value: a key was removed too early, or the data is not ours."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def fernet() -> MultiFernet:
    """The present keys."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


class EncryptedTextField(models.TextField):
    """A TextField encrypted at rest. The empty string stays empty: it hides nothing."""

    description = "Text, encrypted at rest"

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or value == "":
            return value
        return fernet().encrypt(str(value).encode()).decode("ascii")

    def from_db_value(self, value: str | None, expression: Expression, connection: Any) -> str | None:
        """Decrypt; DecryptionFailed without the value's key."""
        if value is None or value == "":
            return value
        try:
            return fernet().decrypt(value.encode("ascii")).decode()
        except (InvalidToken, UnicodeError):
            # The token itself stays out of the message and of the chain: both end in logs.
            raise DecryptionFailed(
                f"{self.model._meta.label}.{self.name}: no key opens the stored value."
            ) from None

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it cannot be searched by {lookup_name}.")
        return super().get_lookup(lookup_name)
