"""Encrypted text: unreadable at rest, unreadable without its key, searchable never."""

from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.core.management import CommandError
from django.db import connection, models
from django.test.utils import isolate_apps

from core.fields import DecryptionFailed, EncryptedTextField
from core.management.commands.rotate_field_encryption import rotate

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))

with isolate_apps("core"):

    class Safe(models.Model):
        secret = EncryptedTextField(blank=True, null=True)
        objects: ClassVar[models.Manager[Any]] = models.Manager()

        class Meta:
            app_label = "core"

        def __str__(self) -> str:
            return "safe"


@pytest.fixture(autouse=True)
def keys(settings, db):
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    with connection.schema_editor() as editor:
        editor.create_model(Safe)


def stored(safe):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM core_safe WHERE id = %s", [safe.pk])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("value", ["sk_live_geheim", "ünïcödé ✓", "", None])
def test_what_is_written_is_read_back(value):
    safe = Safe.objects.create(secret=value)
    assert Safe.objects.get(pk=safe.pk).secret == value


def test_the_database_holds_ciphertext_only():
    safe = Safe.objects.create(secret="sk_live_geheim")
    assert "geheim" not in stored(safe)
    assert stored(safe) != stored(Safe.objects.create(secret="sk_live_geheim"))


def test_a_wrong_key_raises_and_shows_no_ciphertext(settings):
    safe = Safe.objects.create(secret="sk_live_geheim")
    settings.FIELD_ENCRYPTION_KEYS = [OTHER]
    with pytest.raises(DecryptionFailed) as refused:
        Safe.objects.get(pk=safe.pk)
    assert stored(safe) not in str(refused.value)
    with pytest.raises(DecryptionFailed):
        Safe.objects.values_list("secret", flat=True).get(pk=safe.pk)


def test_plain_text_in_the_column_is_not_taken_for_a_secret():
    safe = Safe.objects.create(secret=None)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_safe SET secret = 'sk_live_plain'")
    with pytest.raises(DecryptionFailed):
        Safe.objects.get(pk=safe.pk)


def test_an_encrypted_field_cannot_be_searched():
    with pytest.raises(FieldError, match="encrypted"):
        Safe.objects.filter(secret="sk_live_geheim").exists()
    Safe.objects.create(secret=None)
    assert Safe.objects.filter(secret__isnull=True).count() == 1


def test_rotation_re_encrypts_under_the_newest_key(settings):
    safes = [Safe.objects.create(secret=value) for value in ("one", "", None, "two")]
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate(Safe, field=Safe._meta.get_field("secret")) == 2
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert [Safe.objects.get(pk=safe.pk).secret for safe in safes] == ["one", "", None, "two"]


def test_rotation_stops_at_a_row_no_key_opens_and_changes_it_not(settings):
    safe = Safe.objects.create(secret="one")
    before = stored(safe)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="no key opens it"):
        rotate(Safe, field=Safe._meta.get_field("secret"))
    assert stored(safe) == before
