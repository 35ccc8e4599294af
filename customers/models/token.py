"""What the API's tokens stand on: one sign-in is a family; each refresh token in it is good once."""

import uuid

from django.conf import settings
from django.db import models


class TokenFamily(models.Model):
    """One sign-in over the API. Revoked, none of its tokens opens anything; its password's change ends it too."""

    class Ended(models.TextChoices):
        SIGNED_OUT = "signed_out", "Signed out"
        REUSED = "reused", "A refresh token came twice"
        CLOSED = "closed", "Closed by somebody in charge"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_families"
    )
    methods = models.JSONField(help_text="What was shown: password, totp, recovery_codes.")
    authenticated_at = models.DateTimeField()
    expires_at = models.DateTimeField(help_text="However often it is refreshed.")
    password_mark = models.CharField(max_length=128, help_text="Another password, another mark.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    ended = models.CharField(max_length=10, choices=Ended, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id}, {self.authenticated_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """The hash of a token that was given out. A used one that comes again is stolen, or its thief was first."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="refresh_tokens")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"of family {self.family_id}"
