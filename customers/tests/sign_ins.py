"""Staff who have signed in, for tests: with what they have shown, and when."""

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.test import Client

from core.models import OutboxEmail

PASSWORD = "a long sample password"


def shown(client: Client, user: User, *methods: str, seconds_ago: int = 0) -> Client:
    """The client's session as it stands after signing in with these methods: password, totp, webauthn."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods_user"] = str(user.pk)
    session["account_authentication_methods"] = [_record(name, seconds_ago=seconds_ago) for name in methods]
    session.save()
    return client


def _record(name: str, *, seconds_ago: int) -> dict[str, Any]:
    at = time.time() - seconds_ago
    if name == "password":
        return {"method": "password", "at": at}
    return {"method": "mfa", "type": name, "id": 1, "at": at}


def code(secret: str, *, steps: int = 0) -> str:
    """What an authenticator app shows now, or so many steps of 30 s from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def link_in_mail() -> str:
    """The path of the link in the newest e-mail."""
    found = re.search(r"https?://[^/\s]+(/staff/password/new/\S+)", OutboxEmail.objects.latest("id").text)
    assert found, OutboxEmail.objects.latest("id").text
    return found[1]
